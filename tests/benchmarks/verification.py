"""Times the learned verifier on 10,000 ECGs x 10 features, beside the loop that asks the model about every pair.

    python tests/benchmarks/verification.py --data PARQUET --output verification.json [--records 10000] [--pairs 200]

PARQUET is PTB-XL as prepared at 100 Hz; records are repeated until there are enough. The network is that of
`train/recipes/demo.yaml` with new weights, on one thread. The loop is timed on some pairs and multiplied.
"""

import argparse
import json
import resource
import sys
import time
from pathlib import Path

import numpy as np
import torch
from timing import REPOSITORY, machine, spread

sys.path.insert(0, str(REPOSITORY))  # a checkout works without installation

from hf_ecg.clinical.waveform_features import WAVEFORM_FEATURES
from hf_ecg.data.corpus import load_corpus
from hf_ecg.data.rows import RowDataset
from hf_ecg.enrichment.verification.clep import feature_probabilities
from hf_ecg.evaluation.judging.features import frozen
from hf_ecg.training import load_recipe
from hf_ecg.training.build import build_processor
from hf_ecg.training.network import build_model


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="PTB-XL as prepared at 100 Hz")
    parser.add_argument("--output", type=Path, required=True, help="JSON file to write")
    parser.add_argument("--records", type=int, default=10_000)
    parser.add_argument("--features", type=int, default=10, help="of each record")
    parser.add_argument("--pairs", type=int, default=200, help="that the loop is timed on")
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args(arguments)
    torch.set_num_threads(1)
    recipe = load_recipe(REPOSITORY / "train" / "recipes" / "demo.yaml", [f"data.sources.0.path={args.data}"])
    processor, model = build_processor(recipe.processor), build_model(recipe.model, [], {}).eval()
    rows = load_corpus(args.data)
    rows = rows.select(np.arange(args.records) % len(rows))
    texts = sorted({row.feature for row in WAVEFORM_FEATURES})
    random = np.random.default_rng(0)
    proposed = [random.choice(texts, args.features, replace=False).tolist() for _ in range(args.records)]
    seconds: dict[str, list[float]] = {"blocks": [], "loop, a pair": []}
    difference = 0.0
    for _ in range(args.repeats):
        started = time.process_time()
        found = feature_probabilities(model, processor, rows, proposed)
        seconds["blocks"].append(time.process_time() - started)
        started = time.process_time()
        loop = one_by_one(model, processor, rows, proposed, args.pairs)
        seconds["loop, a pair"].append((time.process_time() - started) / args.pairs)
        difference = max(difference, float(np.abs(np.concatenate(found)[: args.pairs] - loop).max()))
    pairs = args.records * args.features
    ratios = [pairs * one / blocks for one, blocks in zip(seconds["loop, a pair"], seconds["blocks"], strict=True)]
    result = {
        "machine": machine(),
        "records": args.records,
        "pairs": pairs,
        "distinct_texts": len({feature for features in proposed for feature in features}),
        "processor_seconds": {name: spread(values) for name, values in seconds.items()},
        "loop_over_blocks": spread(ratios),
        "largest_difference": difference,
        "peak_megabytes": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }
    args.output.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps({key: value for key, value in result.items() if key != "machine"}, indent=1))


def one_by_one(model, processor, rows, proposed: list[list[str]], pairs: int) -> np.ndarray:
    """The probabilities of the first pairs, by a forward pass for each."""
    asked = [(record, feature) for record, features in enumerate(proposed) for feature in features][:pairs]
    dataset, found = RowDataset(rows), []
    with frozen(model):
        for record, feature in asked:
            inputs = processor.feature_extractor([dataset[record]], return_tensors="pt")
            tokens = processor(text=[feature], return_tensors="pt")
            keys = ("input_values", "lead_mask", "sample_mask")
            output = model(**{key: inputs[key] for key in keys}, **tokens)
            found.append(float(output.logits_per_ecg.sigmoid()))
    return np.array(found)


if __name__ == "__main__":
    main()
