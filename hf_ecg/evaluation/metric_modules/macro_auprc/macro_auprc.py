"""Macro AUPRC over the classes with enough positives and negatives, for `evaluate.load`."""

import datasets
import evaluate

from hf_ecg.evaluation.metrics.classification import MINIMUM_COUNT, macro_metrics, per_class_metrics

_DESCRIPTION = """
Average precision (area under the precision-recall curve) of each class of a multi-label task beside its prevalence,
which is what random scores reach, and the mean over the classes with at least 10 positives and 10 negatives among the
rows. The other classes are named with their counts and stay outside the mean.
"""

_KWARGS_DESCRIPTION = """
Args:
    predictions: scores (rows, classes), any scale, higher for positives.
    references: labels (rows, classes) of 0 and 1; leave rows out that were not annotated for the task.
    class_names: names of the columns; default: their numbers.
    minimum: positives and negatives that a class needs to enter the mean.

Returns:
    macro_auprc; macro_prevalence, the mean prevalence of the same classes; counted_classes, the list that the means
    are over; left_out, class -> [positives, negatives] of the others; per_class, class -> AUPRC, None without a
    positive or a negative; prevalence, class -> share of positives.

Examples:
    >>> metric = evaluate.load(hf_ecg.evaluation.metric_path("macro_auprc"))
    >>> scores, labels = [[0.9], [0.2], [0.6], [0.1]], [[1], [0], [0], [0]]
    >>> metric.compute(predictions=scores, references=labels, class_names=["AFIB"], minimum=1)["macro_auprc"]
    1.0
"""

_CITATION = """
@inproceedings{davis2006relationship,
  title={The relationship between Precision-Recall and {ROC} curves},
  author={Davis, Jesse and Goadrich, Mark},
  booktitle={Proceedings of the 23rd International Conference on Machine Learning},
  pages={233--240},
  year={2006}
}
"""


class MacroAUPRC(evaluate.Metric):
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
        counted = [name for name, found in classes.items() if found.counted]
        return {
            "macro_auprc": macro_metrics(classes)["macro_auprc"],
            "macro_prevalence": sum(classes[name].prevalence for name in counted) / len(counted),
            "counted_classes": counted,
            "left_out": {n: [found.positives, found.negatives] for n, found in classes.items() if not found.counted},
            "per_class": {name: found.auprc for name, found in classes.items()},
            "prevalence": {name: found.prevalence for name, found in classes.items()},
        }
