"""Metrics with intervals, classification by texts, linear probe, and the reports that carry them."""

from .judging.features import classifier_logits, ecg_embeddings, ecg_features, ecg_text_embeddings, random_model
from .judging.label_text import TextEmbeddings, aggregate_similarities, classifier_scores, match_labels, prompt_scores
from .judging.linear_probe import ProbeResult, ProbeRows, linear_probe, patient_fraction
from .judging.validation import build_validation
from .metric_modules import metric_path
from .metrics.bootstrap import Evaluation, Interval, bootstrap_evaluation, paired_difference
from .metrics.classification import ClassMetrics, macro_metrics, per_class_metrics

__all__ = [
    "ClassMetrics",
    "Evaluation",
    "Interval",
    "ProbeResult",
    "ProbeRows",
    "TextEmbeddings",
    "aggregate_similarities",
    "bootstrap_evaluation",
    "build_validation",
    "classifier_logits",
    "classifier_scores",
    "ecg_embeddings",
    "ecg_features",
    "ecg_text_embeddings",
    "linear_probe",
    "macro_metrics",
    "match_labels",
    "metric_path",
    "paired_difference",
    "patient_fraction",
    "per_class_metrics",
    "prompt_scores",
    "random_model",
]
