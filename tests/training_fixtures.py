"""A small corpus, a small text tower and recipes that train on them in seconds."""

import copy
import json

import datasets
import numpy as np
import pytest
import torch
from accelerate.state import AcceleratorState
from transformers import BertConfig, BertModel, BertTokenizerFast

from hf_ecg.data.schema import row_features
from hf_ecg.signals.leads import STANDARD_LEADS
from hf_ecg.training.recipe import parse_recipe

NUM_SAMPLES = 100
CLASSES = ["NORM", "MI", "STTC"]
FORM = ["PVC", "LVH"]
SENTENCES = [
    "normal ECG",
    "inferior myocardial infarction",
    "ischemic ST-T changes",
    "sinus rhythm",
    "premature beats",
]


def corpus_row(index: int, random: np.random.Generator) -> dict:
    kind = index % 3
    time = np.arange(NUM_SAMPLES) / 100
    signals = (kind + 1) * np.sin(2 * np.pi * (kind + 1) * time + random.uniform(0, 6, (12, 1))) + random.normal(
        0, 0.1, (12, 1)
    )
    return {
        "record_id": f"record-{index}",
        "patient_id": f"patient-{index // 2}",
        "signal": (1000 * signals).round().astype(np.int16).ravel().tolist(),
        "num_samples": NUM_SAMPLES,
        "sampling_rate": 100,
        "leads": list(STANDARD_LEADS),
        "gain": [1000.0] * 12,
        "baseline": [0.0] * 12,
        "fold": 1 + index % 5,
        "age": 50,
        "sex": "male",
        "report": "Sinusrhythmus",
        "text": "" if index == 7 else f"{SENTENCES[kind]}. {SENTENCES[3 + index % 2]}",
        "superdiagnostic": [CLASSES[kind]],
        "form": None if index % 4 == 0 else [FORM[index % 2]],
    }


@pytest.fixture(scope="session")
def empty_datasets_cache(tmp_path_factory):
    """datasets keeps what it once read under the folder's name alone; another test run's corpus is not this one's."""
    folder = tmp_path_factory.mktemp("datasets-cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(datasets.config, "HF_DATASETS_CACHE", folder)
        patch.setenv("HF_DATASETS_CACHE", str(folder))
        yield


@pytest.fixture(scope="session")
def corpus(tmp_path_factory, empty_datasets_cache):
    """80 records in five folds, one of them without a text, in the layout of a prepared corpus."""
    folder = tmp_path_factory.mktemp("corpus")
    features = row_features(12, NUM_SAMPLES, {"superdiagnostic": CLASSES, "form": FORM})
    random = np.random.default_rng(0)
    rows = [corpus_row(index, random) for index in range(80)]
    rows = [{name: row.get(name) for name in features} for row in rows]
    (folder / "tiny_100hz").mkdir()
    datasets.Dataset.from_list(rows, features=features).to_parquet(
        folder / "tiny_100hz" / "train-00000-of-00001.parquet"
    )
    (folder / "README.md").write_text(
        "---\nlicense: cc-by-4.0\nconfigs:\n- config_name: tiny_100hz\n  data_files:\n"
        "  - split: train\n    path: tiny_100hz/train-*.parquet\n---\n# Tiny corpus\n"
    )
    (folder / "summary.json").write_text(json.dumps({"text_source": "statements", "hold_out": ["AFIB"]}))
    return folder


@pytest.fixture(scope="session")
def text_tower(tmp_path_factory):
    """A BERT of two narrow layers, with its tokenizer."""
    folder = tmp_path_factory.mktemp("text")
    words = sorted({word.lower() for sentence in SENTENCES for word in sentence.replace("-", " ").split()})
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "-", ".", *words]
    numbers = {word: number for number, word in enumerate(vocabulary)}
    BertTokenizerFast(vocab=numbers, model_max_length=32).save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=64,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=32,
    )
    BertModel(config).save_pretrained(folder)
    return folder


@pytest.fixture
def text_recipe(corpus, text_tower) -> dict:
    """A dual encoder with trained towers, dropout, views and a moving average."""
    return copy.deepcopy(
        {
            "model": {
                "class": "ECGTextModel",
                "config": {
                    "ecg_config": {"model_type": "ecg_resnet", **TINY_RESNET},
                    "projection_dim": 8,
                    "text_pooling": "mean",
                    "loss_type": "clep",
                    "identical_text": "positive",
                },
                "init_from": {"text_model": str(text_tower)},
            },
            "processor": {
                "feature_extractor": {"sampling_rate": 100, "leads": list(STANDARD_LEADS), "num_samples": NUM_SAMPLES},
                "tokenizer": str(text_tower),
            },
            "data": {
                "sources": [
                    {"path": str(corpus), "config": "tiny_100hz", "folds": {"train": [1, 2, 3, 4], "validation": [5]}}
                ]
            },
            "method": {
                "name": "text_pairs",
                "options": {
                    "single_sentence_probability": 0.5,
                    "views": [
                        {"name": "random_crop", "num_samples": 80},
                        {"name": "amplitude_scale", "factor": [0.9, 1.1]},
                        {"name": "gaussian_noise", "rms": 0.02},
                    ],
                },
            },
            "validation": {"name": "loss", "metric": "loss", "greater_is_better": False, "batch_size": 16},
            "optimizer": {"lr": 0.003, "weight_decay": 0.05},
            # a loader process costs a third of so short a run; the tests of them ask for some
            "run": {"epochs": 2, "batch_size": 8, "num_workers": 0, "num_threads": 1, "log_every_steps": 2},
        }
    )


@pytest.fixture
def label_recipe(text_recipe) -> dict:
    """A classifier on two label sets, on the same data and views."""
    text_recipe["model"] = {"class": "ECGResNetForECGClassification", "config": dict(TINY_RESNET)}
    del text_recipe["processor"]["tokenizer"]
    del text_recipe["method"]["options"]["single_sentence_probability"]
    text_recipe["method"]["name"] = "labels"
    text_recipe["data"]["label_sets"] = ["superdiagnostic", "form"]
    text_recipe["validation"] = {
        "name": "classification",
        "metric": "macro_auroc",
        "greater_is_better": True,
        "label_sets": ["superdiagnostic"],
        "minimum": 2,
    }
    return text_recipe


TINY_RESNET = {
    "num_leads": 12,
    "num_samples": NUM_SAMPLES,
    "sampling_rate": 100,
    "depths": [1, 1],
    "widths": [8, 16],
}


@pytest.fixture(autouse=True)
def fresh_accelerate_state():
    """accelerate keeps its settings in a class; another test's mixed precision must not reach this one."""
    AcceleratorState._reset_state(reset_partial_state=True)
    yield
    AcceleratorState._reset_state(reset_partial_state=True)


@pytest.fixture
def recipe_of():
    """A recipe from a mapping and changes `{"run.epochs": 3}`."""

    def build(content: dict, **changes):
        content = copy.deepcopy(content)
        for key, value in changes.items():
            *sections, name = key.split("__")
            target = content
            for section in sections:
                target = target[int(section)] if isinstance(target, list) else target.setdefault(section, {})
            target[name] = value
        return parse_recipe(content)

    return build
