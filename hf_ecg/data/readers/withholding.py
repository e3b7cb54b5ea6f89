"""Statements left out of some patients' texts, so that there is something to recover and the truth to compare with."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ...clinical.scp import Statement, label_sets, mentioning
from .splits import hashed

# The column that tells the records of patients whose texts lack statements.
WITHHELD = "withheld"
# A set of statements each; "all" would leave nothing to say.
WITHHOLDABLE = ("diagnostic", "form", "rhythm")


@dataclass(frozen=True)
class Withholding:
    """Which statements stay out of the texts of which patients.

    Args:
        label_set: one of `WITHHOLDABLE`.
        share: of the patients, between 0 and 1.
        seed: of the choice; with a patient's number it decides alone, whatever other patients there are.

    Raises:
        ValueError: another label set, or a share that is none.
    """

    label_set: str
    share: float
    seed: int = 0

    def __post_init__(self):
        if self.label_set not in WITHHOLDABLE:
            raise ValueError(f"statements of {self.label_set!r} are to be withheld, wanted one of {WITHHOLDABLE}")
        if not 0 < self.share <= 1:
            raise ValueError(f"withheld share is {self.share}, wanted more than 0 and at most 1")

    def concerns(self, patient_id: str) -> bool:
        """Whether the patient is one of those."""
        return hashed(self.seed, f"withhold {patient_id}") % 2**32 < self.share * 2**32

    def codes(self, statements: Mapping[str, Statement]) -> frozenset[str]:
        """The statements that stay out: those of the label set, and others whose sentence mentions one of them."""
        return frozenset(mentioning(label_sets(statements)[self.label_set], statements))

    def facts(self, records: Iterable[tuple[str, Iterable[str]]], statements: Mapping[str, Statement]) -> dict:
        """What the summary says of records, each a patient and its codes."""
        left_out = self.codes(statements)
        counts = {"patients": set(), "records": 0, "records_that_lost_statements": 0, "statements": 0}
        for patient_id, codes in records:
            if not self.concerns(patient_id):
                continue
            lost = len(left_out.intersection(codes))
            counts["patients"].add(patient_id)
            counts["records"] += 1
            counts["records_that_lost_statements"] += lost > 0
            counts["statements"] += lost
        return {
            "label_set": self.label_set,
            "share": self.share,
            "seed": self.seed,
            "left_out_of_text": sorted(left_out),
            "withheld": counts | {"patients": len(counts["patients"])},
        }


def withholding_words(facts: Mapping) -> str:
    """`Withholding.facts` in a few words, such as "form, of 0.5 of the patients, seed 0"."""
    return f"{facts['label_set']}, of {facts['share']:g} of the patients, seed {facts['seed']}"


def describe_withholding(facts: Mapping) -> str:
    """What `Withholding.facts` say, for a card."""
    codes = ", ".join(facts["left_out_of_text"])
    return (
        f"**Withheld: statements of `{facts['label_set']}`** ({codes}) are not in `text` where `withheld` is true:"
        f" patients drawn by a hash with seed {facts['seed']} ({facts['share']:g} of them); their labels are kept."
    )
