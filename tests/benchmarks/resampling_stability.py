"""How much an embedding moves when the same record comes at another sampling rate.

    python tests/benchmarks/resampling_stability.py --data_dir PTB-XL [--model FOLDER_OR_ID] [--lead I]

Every 500 Hz record of PTB-XL (records500/, WFDB) is embedded as it is, and from what it is at 100, 250 and 400 Hz
(polyphase, as a device of that rate would deliver it), which the model's own extractor brings back to its rate. Shown
is the cosine of the two embeddings: median, 5th percentile and smallest over the records. Beside it stands the median
cosine of two different records, at 500 Hz: where that is near 1 too, the first says nothing. Embeddings are also
compared after the mean over the records is taken off.

Without --model: CLEF's small encoder with random weights (seed 0), which shows the arithmetic and says nothing of a
trained encoder.
"""

import argparse
import csv
import sys
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # a checkout works without installation

from transformers import AutoFeatureExtractor, AutoModel

import hf_ecg  # noqa: F401
from hf_ecg import ECGResNeXtConfig, ECGResNeXtModel
from hf_ecg.models.ecg_resnext import SIZES
from hf_ecg.models.ecg_resnext.convert_ecg_resnext import clef_feature_extractor
from hf_ecg.signals import STANDARD_LEADS, read, resample

RATES = (500, 400, 250, 100)
BATCH = 16


def embeddings(model, extractor, signals, rate, lead) -> np.ndarray:
    """(records, hidden_size) of (records, twelve leads, samples) in millivolts at `rate`."""
    pooled = []
    if not any(step["name"] == "pick_lead" for step in extractor.steps):
        lead = None
    for start in range(0, len(signals), BATCH):
        inputs = extractor(signals[start : start + BATCH], rate, STANDARD_LEADS, "mV", lead=lead, return_tensors="pt")
        with torch.inference_mode():
            pooled.append(model(**inputs).pooler_output.double().numpy())
    return np.concatenate(pooled)


def cosines(first, second) -> np.ndarray:
    lengths = np.linalg.norm(first, axis=-1) * np.linalg.norm(second, axis=-1)
    return (first * second).sum(-1) / np.maximum(lengths, 1e-12)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data_dir", required=True, type=Path, help="folder with ptbxl_database.csv and records500")
    parser.add_argument("--model", help="folder or id of an encoder and its extractor; default: random weights")
    parser.add_argument("--lead", default="I", help="for single-lead models")
    args = parser.parse_args(arguments)
    torch.set_num_threads(1)
    if args.model is None:
        torch.manual_seed(0)
        name, model, extractor = (
            "CLEF small, random weights, seed 0",
            ECGResNeXtModel(ECGResNeXtConfig(**SIZES["small"])),
            clef_feature_extractor(),
        )
    else:
        name = args.model
        model, extractor = AutoModel.from_pretrained(args.model), AutoFeatureExtractor.from_pretrained(args.model)
    model.eval()
    with (args.data_dir / "ptbxl_database.csv").open(newline="", encoding="utf-8") as file:
        files = [row["filename_hr"] for row in csv.DictReader(file) if row["filename_hr"]]
    records = [read(args.data_dir / file) for file in tqdm(files, desc="reading")]
    for record in records:
        if record.sampling_rate != 500 or tuple(record.leads) != STANDARD_LEADS:
            found = f"{record.sampling_rate} Hz and leads {record.leads}"
            raise ValueError(f"{record.name} has {found}, wanted 500 Hz and {STANDARD_LEADS}")
    signals = np.stack([record.to_millivolts() for record in records])
    found = {}
    for rate in tqdm(RATES, desc="embedding"):
        found[rate] = embeddings(model, extractor, resample(signals, 500, rate, "polyphase"), rate, args.lead)
    others = cosines(found[500], np.roll(found[500], 1, axis=0))
    print(f"{name}: {len(signals)} records; two different records: median {np.median(others):.4f}")
    print(f"{'Hz':>5}{'median':>10}{'5 %':>10}{'least':>10}{'median, centred':>18}")
    mean = found[500].mean(0)
    for rate in RATES[1:]:
        values = cosines(found[rate], found[500])
        centred = np.median(cosines(found[rate] - mean, found[500] - mean))
        shown = np.median(values), np.quantile(values, 0.05), values.min()
        print(f"{rate:>5}" + "".join(f"{value:>10.5f}" for value in shown) + f"{centred:>18.5f}")


if __name__ == "__main__":
    main()
