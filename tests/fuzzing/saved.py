"""Damaged files of saved models: their JSON judged by a plain parse, their weights by the file's own bytes."""

import io
import json
import struct
import zipfile
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from transformers import BertConfig, BertTokenizer

from hf_ecg import ECGFeatureExtractor, ECGResNetConfig, ECGResNetModel, ECGTextConfig, ECGTextProcessor
from hf_ecg.evaluation.protocol import SourceFacts, TrainingFacts, read_training_facts
from hf_ecg.models.shared.conversion import read_checkpoint
from hf_ecg.training.checkpoint import load_state, save_state

from .configs import differing
from .judging import judge
from .mutations import mutate_bytes, mutate_json, pick

STEPS = [
    {"name": "derive_limb_leads"},
    {"name": "select_leads"},
    {"name": "quality_gate", "on_fail": "mask", "flags": ["flat", "clipped"]},
    {"name": "fill_missing", "method": "linear", "neighbours": 6},
    {"name": "resample", "method": "polyphase"},
    {
        "name": "filter",
        "filter": {"name": "bandpass", "low_hz": 0.67, "high_hz": 40.0, "order": 5, "form": "sos", "zero_phase": True},
    },
    {"name": "multi_crop", "count": 3, "num_samples": 500},
    {"name": "pad", "num_samples": 500, "position": "end", "value": 0.0},
    {"name": "normalise", "method": "zscore", "over": "lead", "epsilon": 1e-8, "return_amplitude": True},
]
# What the libraries write beside our own keys, and never read back as a fact of the recipe or network.
_WRITTEN = ("hf_ecg_version", "transformers_version", "feature_extractor_type", "processor_class", "architectures")
# The caller names the class that reads a configuration; the models refuse another type.
_WRITTEN += ("model_type",)


def _extractor() -> ECGFeatureExtractor:
    return ECGFeatureExtractor(sampling_rate=100, num_samples=500, steps=STEPS)


def _encoder_config() -> ECGResNetConfig:
    return ECGResNetConfig(widths=[2, 4], depths=[1, 1], num_samples=500, sampling_rate=100, stem_kernel_size=5)


def _own(tree):
    """Without what others write, and without null, which is a configuration's word for its default."""
    if not isinstance(tree, dict):
        return tree
    return {key: _own(value) for key, value in tree.items() if key not in _WRITTEN and value is not None}


class _Json:
    file: str
    keys: tuple[str, ...] = ()

    def __init__(self, data: Path, folder: Path):
        self.folder, self.path = folder, folder / self.file
        self.make()
        self.text = self.path.read_text(encoding="utf-8")

    def run(self, rng):
        description, damaged = mutate_json(self.text, rng)
        self.path.write_bytes(damaged)
        names = [
            self.file,
            str(self.folder),
            "alidation error for",
            "unknown lead",
            "is named twice",
            "for subconfig",
            *self.keys,
        ]
        return (f"{self.file}: {description}", *judge(self.read, self.check, names))

    def check(self, found) -> str | None:
        wanted = json.loads(self.path.read_bytes())
        known, found = self.known(), self.describe(found)
        wanted, found = _own(wanted), _own(found)
        return differing(wanted, found, {**known, **found} if self.defaults_are_fine else known)

    defaults_are_fine = False

    def known(self) -> dict:
        return {}


class Preprocessor(_Json):
    """`preprocessor_config.json`, the whole recipe of a feature extractor."""

    file = "preprocessor_config.json"
    keys = ("step", "sampling_rate", "leads", "num_samples", "ECGFeatureExtractor", "quality_gate")

    def make(self):
        _extractor().save_pretrained(self.folder)

    def read(self):
        return ECGFeatureExtractor.from_pretrained(self.folder)

    def describe(self, found):
        return found.to_dict()

    def check(self, found):
        wanted, found = json.loads(self.path.read_bytes()), self.describe(found)
        for key in ("sampling_rate", "leads", "num_samples"):
            if key not in wanted or not _same_leads(wanted[key], found[key]):
                return f"{key} is {found[key]!r}, the file says {wanted.get(key)!r}"
        # parameters that a step leaves out get its documented defaults, and are written out
        if len(wanted["steps"]) > len(found["steps"]):
            return f"steps are {found['steps']}, the file says {wanted['steps']}"
        rest = iter(found["steps"])
        for step in wanted["steps"]:
            given = {key: value for key, value in step.items() if value is not None}
            if not any(given.items() <= made.items() if _plain(given) else _holds(made, given) for made in rest):
                return f"step {step} is not among {found['steps']}"
        return None


def _plain(step) -> bool:
    return all(not isinstance(value, (dict, list)) for value in step.values())


def _holds(made: dict, given: dict) -> bool:
    return all(key in made and made[key] == value for key, value in given.items())


def _same_leads(wanted, found) -> bool:
    if isinstance(wanted, list):
        return [str(name).strip().upper() for name in wanted] == [name.upper() for name in found]
    return wanted == found and isinstance(wanted, bool) == isinstance(found, bool)


class EncoderConfig(_Json):
    """`config.json` of an encoder, loaded with its weights."""

    file, defaults_are_fine = "config.json", True
    keys = ("model_type", "widths", "depths", "ECGResNet", "config")

    def make(self):
        torch.manual_seed(0)
        model = ECGResNetModel(_encoder_config())
        model.save_pretrained(self.folder)
        self.weights = {key: value.clone() for key, value in model.state_dict().items()}

    def read(self):
        return ECGResNetModel.from_pretrained(self.folder)

    def describe(self, found):
        return found.config.to_dict() | {"dtype": json.loads(self.path.read_bytes()).get("dtype")}

    def check(self, found):
        state = found.state_dict()
        wrong = [key for key, value in self.weights.items() if not torch.equal(state[key].float(), value.float())]
        return f"weights {wrong[:3]} differ" if wrong else super().check(found)


class DualConfig(_Json):
    """`config.json` of an encoder and a text tower."""

    file, defaults_are_fine = "config.json", True
    keys = ("ecg_config", "text_config", "model_type")

    def make(self):
        text = BertConfig(vocab_size=60, hidden_size=24, num_hidden_layers=2, num_attention_heads=2)
        ECGTextConfig(ecg_config=_encoder_config(), text_config=text, projection_dim=16).save_pretrained(self.folder)

    def read(self):
        return ECGTextConfig.from_pretrained(self.folder)

    def describe(self, found):
        return found.to_dict()


class ProcessorConfig(Preprocessor):
    """`processor_config.json`, with the feature extractor inside."""

    file = "processor_config.json"
    keys = (*Preprocessor.keys, "feature_extractor", "processor")

    def make(self):
        (self.folder / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "rhythm"]))
        ECGTextProcessor(_extractor(), BertTokenizer(str(self.folder / "vocab.txt"))).save_pretrained(self.folder)

    def read(self):
        return ECGTextProcessor.from_pretrained(self.folder)

    def check(self, found):
        inside = json.loads(self.path.read_bytes())["feature_extractor"]
        outside = self.path
        try:
            self.path = self.folder / "inside.json"
            self.path.write_text(json.dumps(inside))
            return super().check(found.feature_extractor)
        finally:
            self.path = outside


class Facts(_Json):
    """`training_facts.json`, which decides what a figure may be called."""

    file = "training_facts.json"

    def make(self):
        folds = {"train_folds": (1, 2, 3), "validation_folds": (9,)}
        source = SourceFacts("CORPUS", "ptb_xl_100hz", "text", "statements", ("LVH",), label_sets=("all",), **folds)
        other = SourceFacts("OTHER", "georgia_500hz", train_folds=(4,), targets=("age",))
        self.path.write_text(json.dumps(TrainingFacts("text_pairs", 0, (source, other)).to_dict()))

    def read(self):
        return read_training_facts(self.folder)

    def known(self):
        return TrainingFacts().to_dict()

    def describe(self, found):
        return found.to_dict()

    def check(self, found):
        listed = ("hold_out", "train_folds", "validation_folds", "label_sets", "targets")
        for source in found.sources:
            for field in listed:
                kind = int if "folds" in field else str
                if not all(type(item) is kind for item in getattr(source, field)):
                    return f"{field} is {getattr(source, field)}"
        wanted = json.loads(self.path.read_bytes())
        (default,) = TrainingFacts(sources=(SourceFacts(),)).to_dict()["sources"]
        wanted["sources"] = [
            default | {key: [] if key in listed and value is None else value for key, value in source.items()}
            for source in wanted.get("sources") or []
        ]
        return differing(wanted, self.describe(found), self.known())


class Checkpoint:
    """`.pt` and `.safetensors` files of others."""

    def __init__(self, data: Path, folder: Path):
        torch.manual_seed(0)
        state = {f"layer{i}.weight": torch.randn(4, 3, i + 1) for i in range(6)}
        state["count"] = torch.tensor(3)
        self.folder, self.paths = folder, [folder / "checkpoint.pt", folder / "checkpoint.safetensors"]
        torch.save({"state_dict": state, "epoch": 3}, self.paths[0])
        save_file(state, self.paths[1])
        self.content = {path: path.read_bytes() for path in self.paths}

    def run(self, rng):
        path = pick(rng, self.paths)
        description, damaged = mutate_bytes(self.content[path], rng)
        path.write_bytes(damaged)
        outcome = judge(lambda: read_checkpoint(path), lambda found: self.check(found, path, damaged), [path.name])
        return (f"{path.name}: {description}", *outcome)

    def check(self, found, path, data):
        if path.suffix == ".safetensors":
            wanted = read_safetensors(data)
        else:
            damaged = zipfile.ZipFile(io.BytesIO(data)).testzip()
            if damaged is not None:
                return f"{damaged} has another checksum than the archive says"
            wanted = read_safetensors(self.content[self.paths[1]])
            found = found["state_dict"]
        if set(wanted) != set(found):
            return f"tensors {sorted(found)}, the file holds {sorted(wanted)}"
        wrong = [key for key, value in wanted.items() if found[key].numpy().tobytes() != value.tobytes()]
        return f"{wrong} hold other numbers than the file" if wrong else None


def read_safetensors(data: bytes) -> dict[str, np.ndarray]:
    """The format by hand: eight bytes of length, a JSON header, the numbers."""
    (length,) = struct.unpack("<Q", data[:8])
    header, numbers = json.loads(data[8 : 8 + length]), data[8 + length :]
    kinds = {"F32": "<f4", "I64": "<i8", "I32": "<i4", "U32": "<u4", "U64": "<u8", "F64": "<f8"}
    return {
        name: np.frombuffer(numbers[slice(*entry["data_offsets"])], kinds[entry["dtype"]]).reshape(entry["shape"])
        for name, entry in header.items()
        if name != "__metadata__"
    }


class ResumePoint:
    """The checkpoint folder of a run."""

    def __init__(self, data: Path, folder: Path):
        self.point = folder / "last"
        torch.manual_seed(0)
        self.state = {"model": {"weight": torch.randn(4, 4)}, "optimizer": {"lr": 0.1, "steps": [1, 2]}}
        self.progress = {"step": 7, "epoch": 1, "batch": 3, "best": None, "log_size": 100, "records": 10}
        save_state(self.point, self.state, self.progress)
        self.content = {path: path.read_bytes() for path in self.point.iterdir()}

    def run(self, rng):
        path = pick(rng, sorted(self.content))
        if path.suffix == ".json":
            description, damaged = mutate_json(self.content[path].decode(), rng)
        else:
            description, damaged = mutate_bytes(self.content[path], rng)
        path.write_bytes(damaged)
        try:
            outcome = judge(lambda: load_state(self.point), self.check, [path.name])
        finally:
            path.write_bytes(self.content[path])
        return (f"{path.name}: {description}", *outcome)

    def check(self, found):
        state, progress = found
        if not torch.equal(state["model"]["weight"], self.state["model"]["weight"]):
            return "other weights than were saved"
        if state["optimizer"] != self.state["optimizer"]:
            return "another state of the optimiser than was saved"
        return differing(self.progress, progress)
