"""A linear probe as a task of a report: rows of three splits, shares of the training patients, what stands beside."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from datasets import Dataset

from ..metrics.classification import METRICS, MINIMUM_COUNT
from .linear_probe import STRENGTHS, ProbeResult, ProbeRows, linear_probe, require_disjoint
from .validation import LEAVE_OUT, task_labels

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class ProbeTask:
    """Judged rows of each split of a label set.

    Args:
        class_names: in the order of the labels' columns.
        rows: split -> numbers of the judged rows in that split's data set.
        labels: split -> (judged rows, classes) of 0 and 1.
        patients: split -> identifiers of the judged rows' patients.
        minimum: positives and negatives that a class needs to be counted.
        shared_patients: patients may be in several splits.
    """

    class_names: list[str]
    rows: dict[str, np.ndarray]
    labels: dict[str, np.ndarray]
    patients: dict[str, list]
    minimum: int
    shared_patients: bool = False

    def fit(
        self,
        features: Mapping[str, np.ndarray],
        percentage: float,
        seed: int,
        strengths: Sequence[float] = STRENGTHS,
        metric: str = METRICS[0],
    ) -> ProbeResult:
        """The probe on a share of the training patients, see `linear_probe`.

        Args:
            features: split -> float (judged rows, hidden_size).
            percentage: of the training patients.
            metric: that chooses the strength, "auroc" or "auprc".
        """
        train, validation = (
            ProbeRows(features[split], self.labels[split], self.patients[split]) for split in SPLITS[:2]
        )
        return linear_probe(
            train,
            validation,
            features["test"],
            self.class_names,
            percentage / 100,
            seed,
            strengths,
            self.minimum,
            metric,
            self.shared_patients,
        )


def probe_task(
    splits: Mapping[str, Dataset],
    label_set: str,
    class_names: Sequence[str],
    minimum: int = MINIMUM_COUNT,
    unannotated: str = LEAVE_OUT,
    shared_patients: bool = False,
) -> ProbeTask:
    """The judged rows of "train", "validation" and "test".

    Args:
        unannotated: see `task_labels`.
        shared_patients: patients may be in several splits, as in published splits that leak.

    Raises:
        ValueError: a patient in two splits unless `shared_patients`, a class that the corpus does not have.
        NothingToJudge: no class with enough positives in the validation or test rows; a ValueError too.
    """
    labels, rows, patients = {}, {}, {}
    for split in SPLITS:
        # Rare classes of the training rows are the probe's business; the other two splits need a macro.
        least = 0 if split == "train" else minimum
        where = f"{label_set}, {split} rows"
        labels[split], rows[split] = task_labels(splits[split], label_set, class_names, least, where, unannotated)
        patients[split] = splits[split].select_columns("patient_id").select(rows[split])["patient_id"][:]
    if not shared_patients:
        require_disjoint(patients)
    return ProbeTask(list(class_names), rows, labels, patients, minimum, shared_patients)


def probe_name(kind: str, percentage: float) -> str:
    """Name of a system: "probe 10 %"."""
    return f"{kind} {percentage:g} %"


def probe_entry(system: str, folder: str, seed: int, result: ProbeResult, metric: str = METRICS[0]) -> dict:
    """How a probe of a report was made."""
    return {
        "system": system,
        "folder": folder,
        "seed": seed,
        "strength": result.strength,
        f"validation_macro_{metric}": {f"{c:g}": value for c, value in result.validation.items()},
        "train_records": result.records,
        "train_patients": result.patients,
        "untrained_classes": result.untrained,
    }


def untrained_notes(probes: Sequence[dict]) -> list[str]:
    """A sentence for each probe that could not learn some class."""
    return [
        f"{probe['system']}, seed {probe['seed']}: {probe['train_patients']} patients hold one kind of label "
        f"only for {', '.join(probe['untrained_classes'])}, whose scores are constant"
        for probe in probes
        if probe["untrained_classes"]
    ]


def probe_pairs(
    systems: Sequence[str], percentages: Sequence[float], kind: str, random: str, classifier: str
) -> list[tuple[str, str]]:
    """Each probe beside the random encoder's of its share; the probe of the largest share beside the classifier.

    Args:
        kind, random, classifier: names of the probe, of the random encoder's, and of the supervised classifier.
    """
    pairs = [(probe_name(kind, max(percentages)), classifier)]
    pairs += [(probe_name(kind, p), probe_name(random, p)) for p in sorted(percentages, reverse=True)]
    return [pair for pair in pairs if pair[1] in systems]
