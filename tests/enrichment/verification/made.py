"""A corpus in which some waveform features show in the signal and others do not, and a recipe that learns the former.

The first lead is large in atrial fibrillation and the second in premature wide beats; a prolonged PR interval leaves
no trace: no verifier can see it.
"""

import json
from pathlib import Path

import datasets
import numpy as np
import torch
from transformers import BertConfig, BertModel, BertTokenizerFast

from hf_ecg.data.schema import row_features
from hf_ecg.signals.leads import STANDARD_LEADS
from hf_ecg.training.recipe import Recipe, parse_recipe

CONFIG = "made_100hz"
SAMPLES = 100
CODES = ["SR", "AFIB", "PVC", "LPR", "LVH"]
ABSENT_P, WIDE_BEAT, LONG_PR = "absent P waves", "premature wide QRS complex", "prolonged PR interval (over 200 ms)"
SENTENCES = {"SR": "P wave before every QRS complex", "AFIB": ABSENT_P, "PVC": WIDE_BEAT, "LPR": LONG_PR, "LVH": ""}
SPLITS = {"train": range(1, 9), "validation": (9,), "test": (10,)}


def made_rows(number: int, seed: int = 0) -> list[dict]:
    random = np.random.default_rng(seed)
    wave = np.sin(np.linspace(0, 20, SAMPLES))
    rows = []
    for index in range(number):
        afib, pvc, lpr, lvh = (random.random(4) < 0.4).tolist()
        signal = random.normal(0, 0.1, size=(12, SAMPLES)) + wave
        signal[0] *= 3 if afib else 0.5
        signal[1] *= 3 if pvc else 0.5
        signs = {"AFIB": afib, "SR": not afib, "PVC": pvc, "LPR": lpr, "LVH": lvh}
        codes = [code for code, there in signs.items() if there]
        rows.append(
            {
                "record_id": f"r{index}",
                "patient_id": f"p{index // 2}",
                "signal": np.round(signal * 1000).astype(np.int16).ravel().tolist(),
                "num_samples": SAMPLES,
                "sampling_rate": 100,
                "leads": list(STANDARD_LEADS),
                "gain": [1000.0] * 12,
                "baseline": [0.0] * 12,
                "age": 50,
                "sex": "female",
                "fold": index // 2 % 10 + 1,
                "report": "",
                "text": ". ".join(SENTENCES[code] for code in codes if SENTENCES[code]),
                "withheld": index // 2 % 3 == 0,
                "all": [CODES.index(code) for code in codes],
                "diagnostic": [0] if lvh else [],
                "form": [("PVC", "LPR").index(code) for code in codes if code in ("PVC", "LPR")] or None,
            }
        )
    return rows


def write_corpus(folder: Path, number: int) -> Path:
    """The corpus in the layout of `prepare_corpus`."""
    label_sets = {"all": CODES, "diagnostic": ["LVH"], "form": ["PVC", "LPR"]}
    features = row_features(12, SAMPLES, label_sets, extra={"withheld": datasets.Value("bool")})
    rows = [{name: row.get(name) for name in features} for row in made_rows(number)]
    lines = ["---", "license: cc-by-4.0", "configs:", f"- config_name: {CONFIG}", "  data_files:"]
    for split, folds in SPLITS.items():
        path = folder / CONFIG / f"{split}-00000-of-00001.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        mine = [row for row in rows if row["fold"] in folds]
        datasets.Dataset.from_list(mine, features=features).to_parquet(path)
        lines += [f"  - split: {split}", f"    path: {CONFIG}/{path.name}"]
    lines += ["---", "# Made corpus", "", "Licence: CC BY 4.0. Cite nobody.", ""]
    (folder / "README.md").write_text("\n".join(lines))
    facts = {"text_source": "statements", "hold_out": [], "config": CONFIG}
    facts["withhold"] = {"label_set": "form", "share": 0.33, "seed": 0}
    (folder / "summary.json").write_text(json.dumps(facts))
    return folder


def write_text_tower(folder: Path) -> Path:
    """A small BERT whose vocabulary has the words of the features."""
    words = sorted({word.strip("()").lower() for text in SENTENCES.values() for word in text.split()})
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "(", ")", ".", *words]
    numbers = {word: number for number, word in enumerate(vocabulary)}
    BertTokenizerFast(vocab=numbers, model_max_length=32).save_pretrained(folder)
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    BertModel(BertConfig(vocab_size=len(vocabulary), max_position_embeddings=32, **sizes)).save_pretrained(folder)
    return folder


def clep_recipe(corpus: Path, text_tower: Path, epochs: int) -> Recipe:
    """A tiny CLEP that reads single sentences."""
    network = {"num_leads": 12, "num_samples": SAMPLES, "sampling_rate": 100, "depths": [1, 1], "widths": [8, 16]}
    extractor = {"sampling_rate": 100, "leads": list(STANDARD_LEADS), "num_samples": SAMPLES}
    return parse_recipe(
        {
            "model": {
                "class": "ECGTextModel",
                "config": {
                    "ecg_config": {"model_type": "ecg_resnet", **network},
                    "projection_dim": 8,
                    "text_pooling": "mean",
                    "loss_type": "sigmoid",
                    "identical_text": "positive",
                    "text_weighting": "distinct",
                    "standardise_text": True,
                    "logit_bias_init_value": -1.0,
                },
                "init_from": {"text_model": str(text_tower)},
            },
            "processor": {"feature_extractor": extractor, "tokenizer": str(text_tower)},
            "data": {
                "sources": [
                    {
                        "path": str(corpus),
                        "config": CONFIG,
                        "folds": {"train": [1, 2, 3, 4, 5, 6, 7], "validation": [8]},
                    }
                ]
            },
            "method": {
                "name": "text_pairs",
                "options": {"single_sentence_probability": 1.0, "true_texts": True, "extra_texts": 8},
            },
            "freeze": ["text_model"],
            "optimizer": {"lr": 0.01, "groups": [{"parameters": ["text_projection"], "lr_factor": 3.0}]},
            "run": {"epochs": epochs, "batch_size": 16, "num_threads": 1, "num_workers": 0},
        },
        "a tiny CLEP",
    )
