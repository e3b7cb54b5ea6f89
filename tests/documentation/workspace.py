"""The folder that documented commands run in: what they name is there, and small.

- `record.hea`: a real record of PTB-XL where `../shared` is, else a made one; `record.npy`: four made leads at 400 Hz.
- `folder_of_records`: two made WFDB records.
- `watch.csv`, `muse.xml`, `ecg.dcm`, `holter.edf`: made files of devices.
- `out/demo/clep`, `out/demo/clep/encoder`: a dual encoder with random weights, as `make demo` leaves it.
- `PTB_XL`: some sixty records of PTB-XL in PhysioNet's layout, all folds; only where `../shared` is.
- what the model cards convert: the published keys of each family, narrow and random, as `PUBLISHED` in
  `tests/models/tiny/FAMILY.py` has them (`narrow` makes the converters expect that).
- the tokenizer that a source of a dual encoder names, as a folder.
- `train/`, `dataset_scripts/`, `model_cards/`, `docs/`: links into the checkout.
- `tests/checkpoints/ecg_resnet_tiny/`: empty.
- `.venv/bin/activate`: empty, for pages that tell how to activate the environment.
- `corpus`, `out/clep`, `out/bce`: what the commands of `MADE` leave, in small. A page that names one of them finds it;
  a page that makes it finds its place empty.

Further names that new documentation needs are made here.
"""

import csv
import shutil
import string
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from transformers import BertConfig, BertModel, BertTokenizerFast

from hf_ecg import ECGFeatureExtractor, ECGResNetConfig, ECGTextConfig, ECGTextModel, ECGTextProcessor
from hf_ecg.auto import SOURCES
from tests.embed.made_records import write_record
from tests.models.tiny import published_families
from tests.signals.formats.samples import SAMPLES

CODES = ("NORM", "AFIB", "CLBBB", "LVH", "PVC", "IMI")
TEXT_TOWER = "tiny_text_tower"
WIDTHS = [4, 4, 4, 8]
DEVICES = {"watch.csv": "CSV of a watch", "muse.xml": "GE MUSE XML", "ecg.dcm": "DICOM", "holter.edf": "EDF"}
# What pages take as given -> the command of docs/how_to that makes it, in order.
MADE = {
    "corpus": "hf-ecg prepare ptb_xl --data_dir PTB_XL --output_dir corpus",
    "out/clep": "hf-ecg pretrain --config clep_ptb_xl --data corpus --output_dir out/clep",
    "out/bce": "hf-ecg pretrain --config bce_ptb_xl --data corpus --output_dir out/bce",
}


def narrow(monkeypatch) -> None:
    """The published networks with few narrow stages, as the checkpoints here have them."""
    for family in published_families():
        family.narrow(monkeypatch)


def make_workspace(folder: Path, repository: Path, ptb_xl: Path | None) -> Path:
    """Fills `folder`."""
    for name in ("train", "dataset_scripts", "model_cards", "docs"):
        (folder / name).symlink_to(repository / name, target_is_directory=True)
    _text_tower(folder / TEXT_TOWER)
    _demo(folder / "out" / "demo" / "clep", folder / TEXT_TOWER)
    for tokenizer in {source.tokenizer for source in SOURCES.values()} - {None}:
        (folder / tokenizer.rpartition("/")[2]).symlink_to(folder / TEXT_TOWER, target_is_directory=True)
    (folder / "tests" / "checkpoints" / "ecg_resnet_tiny").mkdir(parents=True)
    for family in published_families():
        for name, state in family.PUBLISHED.items():
            write = save_file if name.endswith(".safetensors") else torch.save
            write(state(), folder / name)
    (folder / ".venv" / "bin").mkdir(parents=True)
    (folder / ".venv" / "bin" / "activate").touch()
    time = np.arange(4000) / 400
    np.save(folder / "record.npy", np.sin(2 * np.pi * time + np.arange(4)[:, None]).astype(np.float32))
    for name, of_format in DEVICES.items():
        SAMPLES[of_format](folder).rename(folder / name)
    for seed in range(2):
        write_record(folder / "folder_of_records", f"r{seed}", seconds=10, rate=250, seed=seed)
    if ptb_xl is None:
        write_record(folder, "record", seconds=10, rate=500)
    else:
        _part_of_ptb_xl(ptb_xl, folder / "PTB_XL")
        header = min((ptb_xl / "records500").glob("*/*_hr.hea"))  # 500 Hz: what a hospital's file has
        shutil.copyfile(header, folder / "record.hea")
        shutil.copyfile(header.with_suffix(".dat"), folder / f"{header.stem}.dat")
    return folder


def _text_tower(folder: Path) -> None:
    """Reads letters, so that different texts are different."""
    letters = string.ascii_lowercase + string.digits + string.punctuation + "äöüß"
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{letter}" for letter in letters)]
    numbers = {piece: number for number, piece in enumerate(pieces)}
    BertTokenizerFast(vocab=numbers, model_max_length=128).save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(pieces),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=128,
    )
    BertModel(config).save_pretrained(folder)


def _demo(folder: Path, text_tower: Path) -> None:
    torch.manual_seed(0)
    ecg = ECGResNetConfig(num_leads=12, num_samples=1000, sampling_rate=100, widths=WIDTHS)
    text = BertConfig.from_pretrained(text_tower)
    model = ECGTextModel(ECGTextConfig(ecg_config=ecg, text_config=text, projection_dim=8))
    extractor = ECGFeatureExtractor(sampling_rate=100, num_samples=1000)
    model.save_pretrained(folder)
    ECGTextProcessor(extractor, BertTokenizerFast.from_pretrained(text_tower)).save_pretrained(folder)
    model.ecg_model.save_pretrained(folder / "encoder")
    extractor.save_pretrained(folder / "encoder")


def _part_of_ptb_xl(source: Path, folder: Path) -> None:
    """Of each fold the first record with each of some codes."""
    with open(source / "ptbxl_database.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    picked = {}
    for fold in map(str, range(1, 11)):
        for code in CODES:
            having = (row for row in rows if row["strat_fold"] == fold and f"'{code}'" in row["scp_codes"])
            row = next(having, None)
            if row is not None:
                picked[row["ecg_id"]] = row
    for row in picked.values():
        for ending in (".hea", ".dat"):
            path = folder / (row["filename_lr"] + ending)
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source / (row["filename_lr"] + ending), path)
        row["filename_hr"] = ""
    shutil.copyfile(source / "scp_statements.csv", folder / "scp_statements.csv")
    with open(folder / "ptbxl_database.csv", "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(picked.values())
