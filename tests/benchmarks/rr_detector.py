"""Fits the built-in detector of AF by RR intervals, and tells how it does on rows that it was not fitted on.

    hf-ecg prepare cinc2017 --data_dir TRAINING2017 --output_dir CORPUS --window_seconds 0
    python tests/benchmarks/rr_detector.py --data CORPUS --output hf_ecg/evaluation/af_burden/rr_detector.json

AF against normal and other rhythms; records called noisy have no known rhythm and are not fitted on. Folds 1-7 fit,
8-10 choose the threshold. What the window gate leaves out is counted by class.
"""

import argparse

import numpy as np
from sklearn.metrics import roc_auc_score

from hf_ecg.evaluation.af_burden.rr_detector import fit_rr_detector, window_features
from hf_ecg.evaluation.af_burden.validation import choose_threshold, labelled_windows
from hf_ecg.evaluation.af_burden.window_quality import LOWEST_AGREEMENT
from hf_ecg.evaluation.protocol import parse_folds


def gate(windows) -> dict:
    """Shares of windows that are not judged, and what would be the lowest agreement of 95 % of the clean ones."""
    clean = np.array([one.window.agreement for one in windows if not one.noisy])
    return {
        name: {
            "windows": len(some),
            "not_judged": round(float(np.mean([bool(one.window.reason) for one in some])), 4),
        }
        for name, some in (
            ("AF", [one for one in windows if one.is_af]),
            ("other classes", [one for one in windows if not one.is_af and not one.noisy]),
            ("noisy", [one for one in windows if one.noisy]),
        )
    } | {"agreement_of_95_percent": round(float(np.quantile(clean, 0.05)), 3), "lowest_agreement": LOWEST_AGREEMENT}


def table(windows) -> tuple[np.ndarray, np.ndarray]:
    """Features and labels of the windows that are judged, and have them."""
    kept = [(window_features(one.window), one.is_af) for one in windows if not one.window.reason and not one.noisy]
    kept = [one for one in kept if one[0] is not None]
    return np.array([features for features, _ in kept]), np.array([is_af for _, is_af in kept])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--output", required=True)
    parser.add_argument("--window_seconds", type=float, default=30.0)
    parser.add_argument("--train_folds", default="1-7")
    parser.add_argument("--validation_folds", default="8-10")
    given = parser.parse_args()
    folds = {"train": parse_folds(given.train_folds), "validation": parse_folds(given.validation_folds)}
    windows = {name: list(labelled_windows(given.data, some, given.window_seconds)) for name, some in folds.items()}
    features, is_af = table(windows["train"])
    fitted = fit_rr_detector(features, is_af)
    kept = [one for one in windows["validation"] if not one.window.reason and not one.noisy]
    scores = np.array([score for score, _ in fitted.score([one.window for one in kept])])
    scores, truth = scores[np.isfinite(scores)], np.array([one.is_af for one in kept])[np.isfinite(scores)]
    threshold = choose_threshold(scores, truth)
    facts = {
        "corpus": "CinC 2017, lead I, REFERENCE-v3, a sample of 1,500 records",
        "window_seconds": given.window_seconds,
        "folds": folds,
        "train_windows": len(is_af),
        "train_af": int(is_af.sum()),
        "validation_windows": len(truth),
        "validation_af": int(truth.sum()),
        "validation_auroc": round(float(roc_auc_score(truth, scores)), 4),
        "validation_sensitivity": round(float((scores >= threshold)[truth].mean()), 4),
        "validation_specificity": round(float((scores < threshold)[~truth].mean()), 4),
        "gate": {name: gate(some) for name, some in windows.items()},
    }
    fit_rr_detector(features, is_af, round(threshold, 6), facts).save(given.output)
    print(facts, threshold)  # noqa: T201


if __name__ == "__main__":
    main()
