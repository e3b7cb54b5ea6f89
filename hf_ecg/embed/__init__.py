"""Embeddings of many ECGs by one model, as a parquet file: `embed_records`, or `python -m hf_ecg.embed`."""

from .embedding_options import EmbeddingOptions
from .embedding_run import EmbeddingResult, embed_records

__all__ = ["EmbeddingOptions", "EmbeddingResult", "embed_records"]
