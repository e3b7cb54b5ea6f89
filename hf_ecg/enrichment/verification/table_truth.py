"""What verifiers know of every feature of the table in every record, proposed or not."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ...clinical.feature_rules.answers import KEPT, UNDECIDED
from ...clinical.waveform_features import FEATURE_TEXTS, features_without
from ...data.feature_truth import feature_states, truth_facts
from ...data.measured_corpus import TruthOfRows
from .decisions import clep_answers
from .pairs import FeaturePairs
from .scoring import CrossFittedClep
from .thresholds import FeatureThreshold

# Rows whose pairs with all features are asked at once.
_ROWS = 4096


@dataclass
class TableTruth:
    """Truth of the table's features, filled by one verifier after the other.

    Args:
        names: the features' texts, without those that state what the corpus holds out.
        states: int8 (rows, features): `UNDECIDED`, `REJECTED` or `KEPT`.
        values: float64 (rows, `MEASUREMENT_NAMES`), or None where nothing was measured.
    """

    names: tuple[str, ...]
    states: np.ndarray
    values: np.ndarray | None = None

    @classmethod
    def open(cls, num_rows: int, hold_out: Sequence[str]) -> "TableTruth":
        """Nothing decided yet."""
        names = features_without(hold_out)
        return cls(names, np.zeros((num_rows, len(names)), dtype=np.int8))

    @property
    def rows(self) -> TruthOfRows:
        """What makes the columns."""
        return TruthOfRows(self.states, self.values, self.names)

    def facts(self, verifiers: Sequence[str]) -> dict:
        """For the new corpus's summary."""
        left_out = sorted(set(FEATURE_TEXTS) - set(self.names))
        return truth_facts(self.states, self.names, left_out, verifiers)

    def take_measured(self, values: np.ndarray) -> None:
        """Lets the rules decide what is open, by measurements (rows, `MEASUREMENT_NAMES`)."""
        self.values = values
        self._take(feature_states(values, self.names))

    def take_clep(
        self,
        scores: CrossFittedClep,
        thresholds: Mapping[int, Sequence[FeatureThreshold]] | None,
        fixed_threshold: float | None,
    ) -> None:
        """Lets dual encoders say what is true and open.

        What stays below a threshold is not false: thresholds are set for precision, and miss much of what is there.

        Args:
            scores: of the same rows, with the table's features among `scores.names`.
            thresholds, fixed_threshold: see `clep_answers`.
        """
        parts = [clep_answers(scores, pairs, thresholds, fixed_threshold)[0] for pairs in self._pairs(scores.names)]
        found = np.concatenate([np.empty(0, np.int8), *parts]).reshape(self.states.shape)
        self._take(np.where(found == KEPT, KEPT, UNDECIDED).astype(np.int8))

    def _pairs(self, names: Sequence[str]) -> Iterator[FeaturePairs]:
        places = {name: place for place, name in enumerate(names)}
        features = np.array([places[name] for name in self.names], dtype=np.int32)
        for start in range(0, len(self.states), _ROWS):
            rows = np.arange(start, min(start + _ROWS, len(self.states)))
            asked = np.repeat(rows, len(features)), np.tile(features, len(rows))
            yield FeaturePairs(tuple(names), *asked, len(self.states))

    def _take(self, states: np.ndarray) -> None:
        is_open = self.states == UNDECIDED
        self.states[is_open] = states[is_open]
