"""Macro AUROC and AUPRC with intervals from resampled patients, for `evaluate.load`."""

import datasets
import evaluate

from hf_ecg.evaluation.metrics.bootstrap import CONFIDENCE, REPLICATES, bootstrap_evaluation
from hf_ecg.evaluation.metrics.classification import METRICS, MINIMUM_COUNT

_DESCRIPTION = """
Area under the ROC curve and average precision of a multi-label task, of each class and as the mean over the classes
with at least 10 positives and 10 negatives, with percentile intervals of a bootstrap over patients: all rows of a
patient are drawn together, since two ECGs of one heart are not two independent observations.
"""

_KWARGS_DESCRIPTION = """
Args:
    predictions: scores (rows, classes), any scale, higher for positives.
    references: labels (rows, classes) of 0 and 1; leave rows out that were not annotated for the task.
    patients: identifier of each row's patient, as text.
    class_names: names of the columns; default: their numbers.
    replicates: bootstrap replicates.
    seed: of the resampling.
    minimum: positives and negatives that a class needs to enter the mean.
    confidence: mass of the interval.

Returns:
    macro_auroc and macro_auprc, each [value, low, high]; counted_classes, the list that the means are over; per_class,
    class -> positives, negatives, prevalence, and auroc and auprc as [value, low, high], None where they do not exist;
    records, patients, replicates and confidence.

Examples:
    >>> metric = evaluate.load(hf_ecg.evaluation.metric_path("patient_bootstrap"))
    >>> scores, labels = [[0.9], [0.2], [0.6], [0.1]], [[1], [0], [0], [0]]
    >>> options = {"class_names": ["AFIB"], "minimum": 1}
    >>> metric.compute(predictions=scores, references=labels, patients=list("abcc"), **options)["macro_auroc"]
    [1.0, 1.0, 1.0]
"""

_CITATION = """
@book{efron1993introduction,
  title={An Introduction to the Bootstrap},
  author={Efron, Bradley and Tibshirani, Robert J.},
  publisher={Chapman \\& Hall},
  year={1993}
}
"""


class PatientBootstrap(evaluate.Metric):
    """`hf_ecg.evaluation.bootstrap_evaluation` behind the interface of `evaluate`."""

    def _info(self):
        return evaluate.MetricInfo(
            description=_DESCRIPTION,
            citation=_CITATION,
            inputs_description=_KWARGS_DESCRIPTION,
            features=datasets.Features(
                {
                    "predictions": datasets.List(datasets.Value("float64")),
                    "references": datasets.List(datasets.Value("float64")),
                    "patients": datasets.Value("string"),
                }
            ),
        )

    def _compute(
        self,
        predictions,
        references,
        patients,
        class_names=None,
        replicates=REPLICATES,
        seed=0,
        minimum=MINIMUM_COUNT,
        confidence=CONFIDENCE,
    ):
        names = class_names if class_names is not None else [str(i) for i in range(len(references[0]))]
        found = bootstrap_evaluation(references, predictions, patients, names, replicates, seed, minimum, confidence)
        return {
            **{f"macro_{metric}": _listed(found.macro[metric]) for metric in METRICS},
            "counted_classes": found.counted,
            "per_class": {name: _described(entry) for name, entry in found.classes.items()},
            "records": found.records,
            "patients": found.patients,
            "replicates": found.replicates,
            "confidence": found.confidence,
        }


def _described(entry):
    counts = {"positives": entry.positives, "negatives": entry.negatives, "prevalence": entry.prevalence}
    return counts | {metric: _listed(getattr(entry, metric)) for metric in METRICS}


def _listed(interval):
    return [interval.value, interval.low, interval.high]
