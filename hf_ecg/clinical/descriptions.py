"""Statements told by the features that an ECG shows when they hold: the table's rows as weighted texts."""

import math
from collections.abc import Iterable, Mapping
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

    def by_rarity(self, shares: Mapping[str, float]) -> "Description":
        """The same with each weight times what its feature tells: minus the logarithm of the share that has it.

        A P wave before every QRS complex tells little of first degree AV block, since most records have one; a PR
        interval over 200 ms tells much.

        Args:
            shares: feature -> share of some records that have it, above 0 and below 1. A feature that is not among
                them counts as one that half of the records have.

        Raises:
            ValueError: a share that is not between 0 and 1.

        Example:
            >>> description = Description("1AVB", (("long PR", 1.0), ("P waves", 1.0)))
            >>> [round(weight, 2) for _, weight in description.by_rarity({"long PR": 0.1, "P waves": 0.9}).features]
            [2.3, 0.11]
        """
        wrong = {text: share for text, share in shares.items() if not 0 < share < 1}
        if wrong:
            raise ValueError(f"shares of records are {wrong}, wanted numbers above 0 and below 1")
        told = ((text, -weight * math.log(shares.get(text, 0.5))) for text, weight in self.features)
        return Description(self.code, tuple(told))


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
