"""MC-MED: monitors of an emergency department, lead II, with triage and disposition of every visit.

PhysioNet's mc-med 1.0.1 (Kansal et al., Scientific Data 12:1094, 2025; credentialed access). Layout by the publication
and by public code that reads it, not checked against the files: `data/visits.csv`, a row a visit (CSN) of a patient
(MRN), and `data/waveforms/NNN/CSN/II/CSN_1.hea`, `.dat`, where NNN are the last three digits of the CSN, 500 Hz.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from datasets import Value

from ...checks import check_one_of
from ..builder import Corpus
from ..corpus_card import CorpusCard
from ..schema import row_features
from .columns import RowLeads, describe_leads, record_columns
from .mc_med_visits import (
    ACUITIES,
    CHRONOLOGICAL,
    DISCHARGE_DISPOSITIONS,
    ED_DISPOSITIONS,
    SPLIT_WORDS,
    SPLITTINGS,
    TABLE,
    Visit,
    read_visits,
    waveform_of,
)
from .splits import SPLITS, fold_in_split, fold_of
from .table_columns import find_file
from .usable_windows import UsableWindows, open_stream

RATE = 500
WAVEFORMS = "waveforms"
LEAD_II = RowLeads(("II",))
_LABEL_SETS = {
    "ed_disposition": list(ED_DISPOSITIONS),
    "discharge_disposition": list(DISCHARGE_DISPOSITIONS),
    "acuity": list(ACUITIES),
}


@dataclass(frozen=True)
class McMedVisit:
    """A visit with its fold; `record_id` is its CSN."""

    record_id: str
    fold: int
    visit: Visit


@dataclass(frozen=True)
class McMedReader:
    """Reads the waveforms of a folder; an instance is what worker processes share."""

    waveforms: Path
    windows: UsableWindows
    channels: RowLeads

    def __call__(self, item: McMedVisit) -> list[dict]:
        """The rows of a visit, one a window.

        Raises:
            ValueError: damaged samples, another lead, no usable window.
            OSError: a file is not there.
        """
        visit = item.visit
        stream = open_stream(waveform_of(self.waveforms, item.record_id), self.waveforms, self.channels)
        return [
            {
                "record_id": f"{item.record_id}_{number}",
                "patient_id": visit.patient,
                **record_columns(part),
                "age": visit.age,
                "sex": visit.sex,
                "fold": item.fold,
                "report": None,
                "text": "",
                "window_start": start,
                "triage_sbp": visit.triage_sbp,
                "triage_dbp": visit.triage_dbp,
                **{name: None if value is None else [value] for name, value in visit.labels.items()},
            }
            for number, (start, part) in enumerate(self.windows(stream))
        ]


def mc_med_corpus(
    data_dir,
    splitting: str = CHRONOLOGICAL,
    sampling_rate: int = RATE,
    window_seconds: float = 10.0,
    max_windows: int = 1,
    seed: int = 0,
    columns: Mapping[str, str] | None = None,
    channels: RowLeads = LEAD_II,
) -> Corpus:
    """MC-MED as a corpus to prepare.

    Label sets: `ed_disposition`, `discharge_disposition`, `acuity`, one class each, null where it is not known or not
    one of the classes (CLEF's code takes an unknown ED disposition for a discharge). Numbers: `triage_sbp`,
    `triage_dbp`, in mmHg.

    Args:
        data_dir: the data set's folder, or the `data/` in it.
        splitting: "chronological" or "random", the publishers' (`split_chrono_train.csv` and so on, lists of visits),
            or "hash", by patient. The publishers' have every patient in one split, which is checked.
        sampling_rate, window_seconds: of the rows.
        max_windows: rows of a visit: the first usable windows of its first waveform. CLEF's evaluation takes one.
        seed: of the folds inside the splits, and of "hash".
        columns: what a column of `visits.csv` is -> its name there, see `mc_med_visits.COLUMNS`.
        channels: leads of the rows.

    Raises:
        ValueError: an unknown splitting, a table without the columns, a patient in two splits.
        OSError: no table, no waveforms, no list of a split.
    """
    check_one_of("splitting", splitting, SPLITTINGS)
    data_dir, windows = Path(data_dir), UsableWindows(sampling_rate, window_seconds, max_windows)
    table, waveforms = find_file(data_dir, TABLE), find_file(data_dir, WAVEFORMS)
    visits, split_of = read_visits(table, splitting, columns)
    splits, left_out = _with_waveform(visits, split_of, waveforms, seed)
    extra = dict.fromkeys(("window_start", "triage_sbp", "triage_dbp"), Value("float32"))
    return Corpus(
        config_name=f"mc_med_{sampling_rate}hz",
        features=row_features(len(channels.leads), windows.num_samples, _LABEL_SETS, extra),
        splits=splits,
        read=McMedReader(waveforms, windows, channels),
        facts={
            "corpus": "MC-MED",
            "sampling_rate": sampling_rate,
            "window_rule": windows.describe(),
            "visits_listed": len(visits),
            "splitting": splitting,
            "leads": list(channels.leads),
            "single_lead": len(channels.leads) == 1,
            "seed": seed,
            **channels.facts(),
        },
        card=card,
        front_matter={
            "license": "other",
            "pretty_name": "MC-MED",
            "language": ["en"],
        },
        left_out=left_out,
    )


def _with_waveform(
    visits: Mapping[str, Visit], split_of: Mapping[str, str] | None, waveforms: Path, seed: int
) -> tuple[dict[str, list[McMedVisit]], dict[str, int]]:
    """Split -> its visits that have a waveform of lead II; reason -> how many others there are."""
    splits: dict[str, list[McMedVisit]] = {split: [] for split in SPLITS}
    by_fold = {fold: split for split, folds in SPLITS.items() for fold in folds}
    left_out = {"in no split": 0, "without lead II": 0}
    for number, visit in visits.items():
        if split_of is None:
            fold = fold_of(visit.patient, seed)
        elif number in split_of:
            fold = fold_in_split(visit.patient, split_of[number], seed)
        else:
            left_out["in no split"] += 1
            continue
        if waveform_of(waveforms, number).with_suffix(".hea").is_file():
            splits[by_fold[fold]].append(McMedVisit(number, fold, visit))
        else:
            left_out["without lead II"] += 1
    return splits, {reason: count for reason, count in left_out.items() if count}


def card(summary: dict) -> CorpusCard:
    """What the data-set card says beside the counts."""
    return CorpusCard(
        title=f"MC-MED, {summary['sampling_rate']} Hz",
        source=f"PhysioNet's mc-med 1.0.1, {summary['visits_listed']} visits listed",
        script="dataset_scripts/mc_med.py",
        records=f"windows of a monitor in an emergency department, {describe_leads(summary)}",
        splits=SPLIT_WORDS[summary["splitting"]],
        texts="empty",
        labels=": where the visit led (`ed_disposition`), where the patient went after it (`discharge_disposition`, in"
        " CLEF's six groups), and the urgency at triage (`acuity`, 1 the most urgent)",
        licence="**credentialed access: do not share these rows**; see PhysioNet's page of the data set",
        citation="Cite Kansal et al., MC-MED, multimodal clinical monitoring in the emergency department, Scientific"
        " Data 12:1094 (2025).",
        notes=[
            summary["window_rule"],
            "`triage_sbp` and `triage_dbp` are pressures at triage in mmHg, minutes to hours from the window.",
            "Layout by the publication, not checked against the files.",
        ],
    )
