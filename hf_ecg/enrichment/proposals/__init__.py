"""Waveform features that a report implies, asked of a table, a local model or an endpoint; the signal judges later."""
