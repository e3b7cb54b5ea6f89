"""Rows: their schema, readers of corpora, collators, random views, samplers."""
