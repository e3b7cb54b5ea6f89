"""Statements told by the features that an ECG shows when they hold: the table's rows as weighted texts."""

from collections.abc import Iterable
from dataclasses import dataclass

from .waveform_features import STRENGTH_WEIGHTS, features_of_codes


@dataclass(frozen=True)
class Description:
    """One SCP statement in waveform features.

    `features` are texts with their weights, see `waveform_features.STRENGTH_WEIGHTS`; those that weigh nothing are
    left out.
    """

    code: str
    features: tuple[tuple[str, float], ...]

    def only(self, features: Iterable[str]) -> "Description":
        """The same with these features alone, which may be none."""
        wanted = set(features)
        return Description(self.code, tuple((text, weight) for text, weight in self.features if text in wanted))


def describe(codes: Iterable[str]) -> tuple[Description, ...]:
    """Descriptions of some statements, in the order given; of those that the table says nothing of, none.

    Raises:
        ValueError: a code that is not an SCP statement.

    Example:
        >>> [description.features for description in describe(["LPR", "SEHYP"])]
        [(('prolonged PR interval (over 200 ms)', 1.0),)]
    """
    found = []
    for code in dict.fromkeys(codes):
        rows = [(row.feature, STRENGTH_WEIGHTS[row.strength]) for row in features_of_codes([code])]
        weighted = tuple((text, weight) for text, weight in rows if weight)
        if weighted:
            found.append(Description(code, weighted))
    return tuple(found)
