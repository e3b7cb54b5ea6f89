"""How far apart versions of a recording and other recordings lie, and what the search costs.

    python tests/benchmarks/near_duplicates.py CORPUS PTB_XL_FOLDER CINC2021_FOLDER --output near_duplicates.json

CORPUS is PTB-XL prepared at 100 Hz. Times are of the processor, so that a busy machine does not change them.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np

from hf_ecg.data.corpus import load_corpus
from hf_ecg.data.near_duplicates import THRESHOLD, _candidates, _Side, find_near_duplicates
from hf_ecg.embed.records import RecordRows
from hf_ecg.signals import apply_filter, read, resample
from hf_ecg.signals.fingerprint import compare_fingerprints, fingerprint

MONITOR = {"name": "bandpass", "low_hz": 0.67, "high_hz": 40.0, "order": 3, "form": "sos", "zero_phase": True}
VERSIONS = {
    "filtered 0.67-40 Hz": lambda x: (apply_filter(x, 100, MONITOR), 100),
    "filtered 0.67-40 Hz, causal": lambda x: (apply_filter(x, 100, MONITOR | {"zero_phase": False}), 100),
    "halved": lambda x: (np.round(x * 500) / 1000, 100),
    "first second cut": lambda x: (x[:, 100:], 100),
    "last second cut": lambda x: (x[:, :-100], 100),
    "middle 6 s": lambda x: (x[:, 207:807], 100),
    "250 Hz": lambda x: (resample(x, 100, 250, "fft"), 250),
    "400 Hz": lambda x: (resample(x, 100, 400, "polyphase"), 400),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus")
    parser.add_argument("ptb_xl")
    parser.add_argument("cinc2021")
    parser.add_argument("--records", type=int, default=40, help="of each part, for the versions")
    parser.add_argument("--output", required=True)
    args = parser.parse_args()
    dataset = load_corpus(args.corpus)
    records = RecordRows(args.corpus, dataset)
    columns = dataset.select_columns(["record_id", "patient_id", "fold"])
    names, patients, folds = (columns[name][:] for name in ("record_id", "patient_id", "fold"))
    result: dict = {"records": len(records), "threshold": THRESHOLD}

    def save():
        Path(args.output).write_text(json.dumps(result, indent=1) + "\n")

    started = time.process_time()
    prints = [printed(records.read(index)) for index in range(len(records))]
    result["not_comparable"] = [names[index] for index, item in enumerate(prints) if item is None]
    result["fingerprint_ms"] = 1000 * (time.process_time() - started) / len(prints)
    save()

    result["georgia_chapman_and_ptb_xl_of_cinc2021"] = cinc2021(Path(args.cinc2021), prints, names)
    save()
    side = _Side(prints)
    started = time.process_time()
    result["candidates"] = len(list(_candidates(side, side, 3, False)))
    result["search_s"] = time.process_time() - started
    save()
    result["versions"] = versions(args, records, prints, names, np.array(folds))
    save()
    started = time.process_time()
    pairs = find_near_duplicates(prints, threshold=0.8)
    result["search_and_compare_s"] = time.process_time() - started
    result["pairs_from_0.8"] = [
        {
            "records": [names[pair.first], names[pair.second]],
            "correlation": pair.correlation,
            "lag_seconds": pair.lag_seconds,
            "overlap_seconds": pair.overlap_seconds,
            "same_patient": patients[pair.first] == patients[pair.second],
            "folds": [folds[pair.first], folds[pair.second]],
        }
        for pair in pairs
    ]
    save()


def printed(record):
    try:
        return fingerprint(record.to_millivolts(), record.sampling_rate, record.leads)
    except ValueError:
        return None


def cinc2021(folder: Path, prints: list, names: list[str]) -> dict:
    """All its records against PTB-XL; then against PTB-XL with the 100 Hz versions of HR0600x among its records."""
    records = [read(path) for path in sorted(folder.glob("*.hea"))]
    theirs = [printed(record) for record in records]
    low = [
        fingerprint(resample(record.to_millivolts(), record.sampling_rate, 100, "polyphase"), 100, record.leads)
        for record in records
        if record.name.startswith("HR")
    ]
    found = find_near_duplicates(theirs, [*prints, *low], threshold=0.8)
    second = [*names, *(f"100 Hz of {record.name}" for record in records if record.name.startswith("HR"))]
    return {
        "records": len(records),
        "not_comparable": [record.name for record, item in zip(records, theirs, strict=True) if item is None],
        "pairs": [[records[pair.first].name, second[pair.second], pair.correlation] for pair in found],
    }


def versions(args, records: RecordRows, prints: list, names: list[str], folds: np.ndarray) -> dict:
    """Least and median correlation of versions with their recordings, and how many the whole search finds."""
    generator, result = np.random.default_rng(0), {}
    high = {path.stem.split("_")[0].lstrip("0"): path for path in Path(args.ptb_xl).glob("records500/*/*.hea")}
    for part, rows in {"folds 1-8": folds <= 8, "folds 9-10": folds > 8}.items():
        chosen = generator.permutation(np.flatnonzero(rows))[: args.records].tolist()
        originals = [prints[index] for index in chosen]
        made: dict[str, tuple[list, list]] = {}
        for name, change in VERSIONS.items():
            made[name] = (originals, [])
            for index in chosen:
                record = records.read(index)
                made[name][1].append(fingerprint(*change(record.to_millivolts()), record.leads))
        both = [i for i in np.flatnonzero(rows).tolist() if names[i].lstrip("0") in high][: args.records]
        made["500 Hz"] = (
            [prints[index] for index in both],
            [printed(read(high[names[index].lstrip("0")])) for index in both],
        )
        result[part] = {}
        for name, (first, second) in made.items():
            values = [compare_fingerprints(a, b).correlation for a, b in zip(first, second, strict=True)]
            found = {(pair.first, pair.second) for pair in find_near_duplicates(first, second)}
            own = sum((place, place) in found for place in range(len(first)))
            result[part][name] = {
                "records": len(values),
                "least": min(values),
                "median": float(np.median(values)),
                "found": own,
                "others_found": len(found) - own,
            }
    return result


if __name__ == "__main__":
    main()
