"""Macro AUROC over the classes with enough positives and negatives, for `evaluate.load`."""

import datasets
import evaluate

from hf_ecg.evaluation.metrics.classification import MINIMUM_COUNT, macro_metrics, per_class_metrics

_DESCRIPTION = """
Area under the ROC curve of each class of a multi-label task, and its mean over the classes with at least 10 positives
and 10 negatives among the rows. The other classes are named with their counts and stay outside the mean.
"""

_KWARGS_DESCRIPTION = """
Args:
    predictions: scores (rows, classes), any scale, higher for positives.
    references: labels (rows, classes) of 0 and 1; leave rows out that were not annotated for the task.
    class_names: names of the columns; default: their numbers.
    minimum: positives and negatives that a class needs to enter the mean.

Returns:
    macro_auroc; counted_classes, the list that the mean is over; left_out, class -> [positives, negatives] of the
    others; per_class, class -> AUROC, None without a positive or a negative.

Examples:
    >>> metric = evaluate.load(hf_ecg.evaluation.metric_path("macro_auroc"))
    >>> scores, labels = [[0.9], [0.2], [0.6], [0.1]], [[1], [0], [0], [0]]
    >>> metric.compute(predictions=scores, references=labels, class_names=["AFIB"], minimum=1)["macro_auroc"]
    1.0
"""

_CITATION = """
@article{fawcett2006introduction,
  title={An introduction to {ROC} analysis},
  author={Fawcett, Tom},
  journal={Pattern Recognition Letters},
  volume={27},
  number={8},
  pages={861--874},
  year={2006}
}
"""


class MacroAUROC(evaluate.Metric):
    """`hf_ecg.evaluation.per_class_metrics` behind the interface of `evaluate`."""

    def _info(self):
        return evaluate.MetricInfo(
            description=_DESCRIPTION,
            citation=_CITATION,
            inputs_description=_KWARGS_DESCRIPTION,
            features=datasets.Features(
                {
                    "predictions": datasets.List(datasets.Value("float64")),
                    "references": datasets.List(datasets.Value("float64")),
                }
            ),
        )

    def _compute(self, predictions, references, class_names=None, minimum=MINIMUM_COUNT):
        names = class_names if class_names is not None else [str(i) for i in range(len(references[0]))]
        classes = per_class_metrics(references, predictions, names, minimum)
        return {
            "macro_auroc": macro_metrics(classes)["macro_auroc"],
            "counted_classes": [name for name, found in classes.items() if found.counted],
            "left_out": {n: [found.positives, found.negatives] for n, found in classes.items() if not found.counted},
            "per_class": {name: found.auroc for name, found in classes.items()},
        }
