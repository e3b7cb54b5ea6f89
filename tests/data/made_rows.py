"""A small made-up corpus by the Rows contract, a feature extractor and a tokenizer for it."""

import datasets
import numpy as np
import pyarrow as pa
from datasets import ClassLabel, Features, LargeList, List, Value
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

LEADS = ["I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6"]
CLASSES = {"rhythm": ["AFIB", "SR"], "form": ["LOWT", "NDT", "PVC"]}
TEXTS = [
    "sinus rhythm",
    "atrial fibrillation. low T waves",
    "sinus rhythm. possible left ventricular hypertrophy. low T waves",
    "normal ECG. sinus rhythm",
]
WORDS = sorted({word for text in TEXTS for word in text.replace(".", " ").split()})


def counts(rows: int, samples: int, seed: int = 0) -> np.ndarray:
    """int16 (rows, leads * samples): a slow wave in noise, 1000 counts to the millivolt."""
    noise = np.random.default_rng(seed).normal(0, 100, (rows, len(LEADS), samples))
    wave = 800 * np.sin(np.linspace(0, 60, samples))
    return np.round(noise + wave).astype(np.int16).reshape(rows, -1)


def dataset(rows: int = 20, samples: int = 200, fixed: bool = True, texts=TEXTS, seed: int = 0) -> datasets.Dataset:
    """In memory, `text` repeating over `texts`, every fourth row not annotated for `form`."""
    size = len(LEADS) * samples
    values = pa.array(counts(rows, samples, seed).ravel())
    if fixed:
        signal, kind = pa.FixedSizeListArray.from_arrays(values, size), List(Value("int16"), length=size)
    else:
        offsets = pa.array(np.arange(rows + 1) * size, pa.int64())
        signal, kind = pa.LargeListArray.from_arrays(offsets, values), LargeList(Value("int16"))
    features = Features(
        {
            "record_id": Value("string"),
            "signal": kind,
            "num_samples": Value("int32"),
            "sampling_rate": Value("float32"),
            "leads": List(Value("string")),
            "gain": List(Value("float32")),
            "baseline": List(Value("int32")),
            "text": Value("string"),
            "rhythm": List(ClassLabel(names=CLASSES["rhythm"])),
            "form": List(ClassLabel(names=CLASSES["form"])),
        }
    )
    columns = {
        "record_id": [f"r{row}" for row in range(rows)],
        "signal": signal,
        "num_samples": [samples] * rows,
        "sampling_rate": [100.0] * rows,
        "leads": [LEADS] * rows,
        "gain": [[1000.0] * len(LEADS)] * rows,
        "baseline": [[0] * len(LEADS)] * rows,
        "text": [texts[row % len(texts)] for row in range(rows)],
        "rhythm": [[row % 2] for row in range(rows)],
        "form": [None if row % 4 == 0 else [0, 2] if row % 4 == 1 else [] for row in range(rows)],
    }
    return datasets.Dataset(datasets.table.InMemoryTable(pa.table(columns).cast(features.arrow_schema)))


def tokenizer(**options) -> PreTrainedTokenizerFast:
    special = {"pad_token": "[PAD]", "unk_token": "[UNK]"}
    vocabulary = {word: number for number, word in enumerate([*special.values(), ".", *WORDS])}
    words = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(tokenizer_object=words, **special, **options)


def processor(num_samples: int = 200):
    from hf_ecg.processing import ECGFeatureExtractor, ECGTextProcessor

    extractor = ECGFeatureExtractor(
        sampling_rate=100, leads=LEADS, num_samples=num_samples, steps=[{"name": "select_leads"}]
    )
    return ECGTextProcessor(extractor, tokenizer())
