"""Rules that hold measurements of an ECG against what a waveform feature says in words: true, false or undecided."""

from .answers import FeatureAnswers, feature_answers, feature_margins
from .measured import measured_verdicts
from .verdict import Verdict, undecided

__all__ = ["FeatureAnswers", "Verdict", "feature_answers", "feature_margins", "measured_verdicts", "undecided"]
