"""MIMIC-IV-ECG 1.0 in PhysioNet's own folder (Gow et al., 2023), with risk inputs from MIMIC-IV's tables."""

from .corpus import DROP, MimicReader, mimic_iv_ecg_corpus
from .index import ONE_RECORD, MimicRecord

__all__ = ["DROP", "ONE_RECORD", "MimicReader", "MimicRecord", "mimic_iv_ecg_corpus"]
