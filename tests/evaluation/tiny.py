"""A tiny corpus whose classes show in the signal, and tiny models for it."""

import importlib.util
import json
from pathlib import Path

import datasets
import numpy as np
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import BertConfig, PreTrainedTokenizerFast

from hf_ecg import (
    ECGFeatureExtractor,
    ECGResNetConfig,
    ECGResNetForECGClassification,
    ECGTextConfig,
    ECGTextModel,
    ECGTextProcessor,
)
from hf_ecg.data.schema import row_features

CONFIG = "tiny_100hz"
LEADS = ["I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6"]
SAMPLES = 100
LABEL_SETS = {"rhythm": ["AFIB", "SR"], "form": ["PVC"]}
TEXTS = {"AFIB": "atrial fibrillation", "SR": "sinus rhythm", "PVC": "ventricular premature complex"}
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *sorted({word for text in TEXTS.values() for word in text.split()})]
STEPS = [{"name": "select_leads"}]


def rows(number: int = 200, seed: int = 0) -> list[dict]:
    """Rows whose AFIB shows as a large first lead and whose form labels are absent in every third row."""
    generator = np.random.default_rng(seed)
    wave = np.sin(np.linspace(0, 20, SAMPLES))
    made = []
    for index in range(number):
        afib, pvc = (generator.random(2) < 0.4).tolist()
        signal = generator.normal(0, 0.1, size=(len(LEADS), SAMPLES)) + wave
        signal[0] *= 3 if afib else 0.5
        signal[1] *= 3 if pvc else 0.5
        codes = ["AFIB" if afib else "SR", *(["PVC"] if pvc else [])]
        made.append(
            {
                "record_id": f"r{index}",
                "patient_id": f"p{index // 2}",
                "signal": np.round(signal * 1000).astype(np.int16).ravel(),
                "num_samples": SAMPLES,
                "sampling_rate": 100,
                "leads": LEADS,
                "gain": [1000.0] * len(LEADS),
                "baseline": [0] * len(LEADS),
                "age": 50,
                "sex": "female",
                "report": "",
                "text": ". ".join(TEXTS[code] for code in codes),
                "fold": index // 2 % 10 + 1,
                "rhythm": [LABEL_SETS["rhythm"].index(codes[0])],
                "form": None if index % 3 == 0 else [0] * pvc,
            }
        )
    return made


def dataset(number: int = 200, seed: int = 0) -> datasets.Dataset:
    features = row_features(len(LEADS), SAMPLES, LABEL_SETS)
    made = rows(number, seed)
    return datasets.Dataset.from_dict({key: [row.get(key) for row in made] for key in features}, features=features)


def write_corpus(folder: Path, number: int = 200, whole: datasets.Dataset | None = None, config: str = CONFIG) -> Path:
    """Parquet of folds 1-8, 9 and 10 with the card that names the splits."""
    whole = dataset(number) if whole is None else whole
    folds = np.array(whole["fold"])
    lines = ["---", "configs:", f"- config_name: {config}", "  data_files:"]
    for split, wanted in {"train": range(1, 9), "validation": [9], "test": [10]}.items():
        path = folder / config / f"{split}-00000-of-00001.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        whole.select(np.flatnonzero(np.isin(folds, list(wanted)))).to_parquet(path)
        lines += [f"  - split: {split}", f"    path: {config}/{path.name}"]
    (folder / "README.md").write_text("\n".join([*lines, "---", ""]))
    return folder


def feature_extractor(num_samples: int = SAMPLES) -> ECGFeatureExtractor:
    return ECGFeatureExtractor(sampling_rate=100, leads=LEADS, num_samples=num_samples, steps=STEPS)


def tokenizer() -> PreTrainedTokenizerFast:
    words = Tokenizer(models.WordLevel({word: index for index, word in enumerate(WORDS)}, unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    special = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    return PreTrainedTokenizerFast(tokenizer_object=words, model_max_length=16, **special)


def processor(num_samples: int = SAMPLES) -> ECGTextProcessor:
    return ECGTextProcessor(feature_extractor(num_samples), tokenizer())


def ecg_config(**values) -> ECGResNetConfig:
    small = {
        "num_leads": len(LEADS),
        "num_samples": SAMPLES,
        "sampling_rate": 100,
        "depths": [1, 1],
        "widths": [8, 16],
    }
    return ECGResNetConfig(**small | values)


def dual_encoder(seed: int = 0, **values) -> ECGTextModel:
    text = BertConfig(
        vocab_size=len(WORDS),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=32,
    )
    torch.manual_seed(seed)
    config = ECGTextConfig(ecg_config=ecg_config(), text_config=text, projection_dim=8, **values)
    return ECGTextModel(config).eval()


def classifier(labels: list[str], seed: int = 0) -> ECGResNetForECGClassification:
    torch.manual_seed(seed)
    config = ecg_config(
        id2label=dict(enumerate(labels)),
        label2id={label: index for index, label in enumerate(labels)},
        problem_type="multi_label_classification",
    )
    return ECGResNetForECGClassification(config).eval()


def save_prompts(path: Path, label_set: str = "rhythm", aggregate: str = "max", classes=None) -> Path:
    classes = classes or {name: [TEXTS[name]] for name in LABEL_SETS[label_set]}
    lines = [f"label_set: {label_set}", "language: en", f"aggregate: {aggregate}"]
    lines += ["source: tests", "classes:"]
    for name, texts in classes.items():
        lines += [f"  {name}:", *[f"  - {text}" for text in texts]]
    path.write_text("\n".join(lines) + "\n")
    return path


def cells_of_one_seed(lines: list[str]) -> set[str]:
    """Names of the table rows in which an interval is said to be of one seed."""
    return {line.split("|")[1].strip() for line in lines if "] (one seed)" in line}


def load_script(repository: Path, name: str):
    """A script of train/ as a module."""
    spec = importlib.util.spec_from_file_location(f"script_{name}", repository / "train" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def write_facts(folder: Path, **values) -> None:
    """`training_facts.json` of a model that was trained on folds 1-8 and selected on 9."""
    source = {
        "corpus": "tiny",
        "config": CONFIG,
        "text_column": "text",
        "text_source": "statements",
        "hold_out": [],
        "train_folds": [1, 2, 3, 4, 5, 6, 7, 8],
        "validation_folds": [9],
        "label_sets": [],
    }
    facts = {"method": values.pop("method", "text_pairs"), "seed": values.pop("seed", 0), "sources": [source | values]}
    (folder / "training_facts.json").write_text(json.dumps(facts))
