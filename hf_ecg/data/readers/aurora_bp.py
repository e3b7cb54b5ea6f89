"""Aurora-BP: a wearable's ECG beside the blood pressure of a cuff (Mieloszyk et al., 2022).

Had on request from https://github.com/microsoft/aurorabp-sample-data, whose page describes the files; not checked
against them. `participants.tsv`; `measurements_auscultatory.tsv` and `measurements_oscillometric.tsv`, a row a
measurement; for each a file such as `measurements_auscultatory/a001/a001.initial.Calibration_start_1.tsv` with columns
`t` (seconds) and `ekg` (millivolts), 500 Hz; `features.tsv` has baselines of the pressures.

CLEF asks for the baseline pressure by one waveform a participant, that of "Calibration start 1". Here `sbp` and `dbp`
are those of the measurement that the waveform is of, and `baseline_sbp` and `baseline_dbp` stand beside them.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
from datasets import Value

from ...checks import check_one_of
from ...input_files import open_input
from ...signals.record import Record
from ..builder import Corpus, UnfitRecord
from ..corpus_card import CorpusCard
from ..schema import row_features
from .columns import record_columns
from .splits import SPLITS, describe_folds, fold_of
from .table_columns import find_file, open_columns, sex_of
from .windows import WindowRule

RATE = 500
PROTOCOLS = (AUSCULTATORY, OSCILLOMETRIC) = ("auscultatory", "oscillometric")
CALIBRATION, ALL = "Calibration start 1", "all"
LEAD = "ECG"
PARTICIPANTS, FEATURES = "participants.tsv", "features.tsv"
COLUMNS = {
    "participant": "pid",
    "phase": "phase",
    "measurement": "measurement",
    "sbp": "sbp",
    "dbp": "dbp",
    "file": "waveform_file_path",
}
_BASELINES = {"participant": "pid", "baseline_sbp": "baseline_sbp", "baseline_dbp": "baseline_dbp"}
_PEOPLE = {"participant": "pid", "age": "age", "sex": "gender"}
_TIME, _VOLTAGE = "t", "ekg"
# of the step between two samples
_TOLERANCE = 0.01


@dataclass(frozen=True)
class Measurement:
    """A measurement with its waveform, below the data folder."""

    record_id: str
    file: str
    patient_id: str
    fold: int
    numbers: Mapping[str, float | None] = field(default_factory=dict)
    sex: str | None = None


@dataclass(frozen=True)
class AuroraReader:
    """Reads the waveforms of `data_dir`; an instance is what worker processes share."""

    data_dir: Path
    rule: WindowRule
    lead_name: str

    def __call__(self, item: Measurement) -> list[dict]:
        """The rows of a measurement, one a window.

        Raises:
            ValueError: a file without the columns, at another rate, or shorter than a window.
            OSError: it is not there.
        """
        wave = read_waveform(self.data_dir / item.file, self.lead_name).as_counts()
        numbers = dict(item.numbers)
        age = numbers.pop("age", None)
        windows = self.rule(wave)
        return [
            {
                "record_id": item.record_id if len(windows) == 1 else f"{item.record_id}_{number}",
                "patient_id": item.patient_id,
                **record_columns(part),
                "age": age,
                "sex": item.sex,
                "fold": item.fold,
                "report": None,
                "text": "",
                "window_start": start,
                **numbers,
            }
            for number, (start, part) in enumerate(windows)
        ]


def read_waveform(path: Path, lead_name: str = LEAD) -> Record:
    """The ECG of a file of waveforms, in millivolts, NaN where nothing stands.

    Raises:
        ValueError: a file without the columns `t` and `ekg`, without samples, or at another rate than 500 Hz.
        OSError: it is not there.
    """
    options = pa.csv.ConvertOptions(
        include_columns=[_TIME, _VOLTAGE],
        column_types={_TIME: pa.float64(), _VOLTAGE: pa.float64()},
        null_values=["", "nan", "NaN"],
    )
    try:
        with open_input(path) as file:
            table = pa.csv.read_csv(file, convert_options=options, parse_options=pa.csv.ParseOptions(delimiter="\t"))
    except KeyError as error:
        raise ValueError(f"{path} lacks a column: {error}; wanted {_TIME} and {_VOLTAGE}") from error
    except pa.ArrowInvalid as error:
        raise ValueError(f"{path} is not a table of waveforms: {error}") from error
    times, voltages = (table.column(name).to_numpy(zero_copy_only=False) for name in (_TIME, _VOLTAGE))
    if len(times) < 2 or not np.isfinite(voltages).any():
        raise UnfitRecord("no samples", f"{path} has {len(times)} rows, and no sample of {_VOLTAGE}")
    step = float(np.nanmedian(np.diff(times)))
    if not math.isclose(step * RATE, 1.0, rel_tol=_TOLERANCE):
        raise UnfitRecord("another rate", f"{path} has a step of {step:.6g} s, wanted {1 / RATE:g} ({RATE} Hz)")
    return Record(path.stem, voltages[None].astype(np.float64), None, None, (lead_name,), float(RATE))


def aurora_bp_corpus(
    data_dir,
    protocols: tuple[str, ...] = (AUSCULTATORY,),
    measurement: str = CALIBRATION,
    sampling_rate: int = RATE,
    window_seconds: float = 10.0,
    max_windows: int | None = 1,
    seed: int = 0,
    columns: Mapping[str, str] | None = None,
    lead_name: str = LEAD,
) -> Corpus:
    """Aurora-BP as a corpus to prepare. Numbers: `sbp`, `dbp`, `baseline_sbp`, `baseline_dbp`, in mmHg.

    Args:
        data_dir: folder with the tables, and the folders of waveforms.
        protocols: "auscultatory" (CLEF's), "oscillometric", or both.
        measurement: that of the initial visit to take, or "all" of every phase.
        sampling_rate, window_seconds: of the rows. Shorter waveforms are left out.
        max_windows: of a measurement; None takes all.
        seed: of the folds, drawn by participant: 1-8 train, 9 validation, 10 test.
        columns: what a column of the tables of measurements is -> its name there, see `COLUMNS`.
        lead_name: of the channel; the publishers do not name it.

    Raises:
        ValueError: an unknown protocol, a table without the columns, no such measurement.
        OSError: a table is not there.
    """
    for protocol in protocols:
        check_one_of("protocols", protocol, PROTOCOLS)
    data_dir, rule = Path(data_dir), WindowRule(sampling_rate, window_seconds, "skip", max_windows)
    items = [one for protocol in protocols for one in _measurements(data_dir, protocol, measurement, columns, seed)]
    if not items:
        raise ValueError(f"{data_dir} has no measurement {measurement!r} with pressures in {', '.join(protocols)}")
    split_of = {fold: split for split, folds in SPLITS.items() for fold in folds}
    splits: dict[str, list[Measurement]] = {split: [] for split in SPLITS}
    for item in items:
        splits[split_of[item.fold]].append(item)
    extra = dict.fromkeys(("window_start", "sbp", "dbp", "baseline_sbp", "baseline_dbp"), Value("float32"))
    return Corpus(
        config_name=f"aurora_bp_{sampling_rate}hz",
        features=row_features(1, rule.num_samples, {}, extra),
        splits=splits,
        read=AuroraReader(data_dir, rule, lead_name),
        facts={
            "corpus": "Aurora-BP",
            "sampling_rate": sampling_rate,
            "window_rule": rule.describe(),
            "protocols": list(protocols),
            "measurement": measurement,
            "measurements_found": len(items),
            "leads": [lead_name],
            "single_lead": True,
            "seed": seed,
        },
        card=card,
        front_matter={
            "license": "other",
            "pretty_name": "Aurora-BP",
            "language": ["en"],
        },
    )


def _measurements(data_dir: Path, protocol: str, wanted: str, columns, seed: int) -> Iterator[Measurement]:
    table = open_columns(find_file(data_dir, f"measurements_{protocol}.tsv", ("",)), COLUMNS, columns, ("file",))
    people = _numbers_of(data_dir, PARTICIPANTS, _PEOPLE)
    baselines = _numbers_of(data_dir, FEATURES, _BASELINES)
    texts = {name: table.texts(name) for name in ("participant", "phase", "measurement", "file")}
    pressures = zip(table.numbers("sbp"), table.numbers("dbp"), strict=True)
    for row, (sbp, dbp) in enumerate(pressures):
        participant, phase, name = (texts[key][row] for key in ("participant", "phase", "measurement"))
        if None in (participant, phase, name) or (sbp is None and dbp is None):
            continue
        if wanted != ALL and (phase != "initial" or _plain(name) != _plain(wanted)):
            continue
        record = f"{participant}.{phase}.{name.replace(' ', '_')}"
        known = people.get(participant, {})
        numbers = {"sbp": sbp, "dbp": dbp, "age": known.get("age")}
        numbers |= {key: baselines.get(participant, {}).get(key) for key in ("baseline_sbp", "baseline_dbp")}
        file = _file_of(data_dir, texts["file"][row], f"measurements_{protocol}/{participant}/{record}.tsv")
        yield Measurement(record, file, participant, fold_of(participant, seed), numbers, known.get("sex"))


def _plain(name: str) -> str:
    return name.replace("_", " ").strip().lower()


def _file_of(data_dir: Path, told: str | None, usual: str) -> str:
    """Where the table says that the waveform is, when it is there, else where it usually is."""
    return told if told and (data_dir / told).is_file() else usual


def _numbers_of(data_dir: Path, name: str, wanted: Mapping[str, str]) -> dict[str, dict]:
    """Participant -> what a table says, of the first row that says it; nothing where that table is absent."""
    if not (data_dir / name).is_file():
        return {}
    table = open_columns(data_dir / name, wanted, None, [key for key in wanted if key != "participant"])
    columns = {
        key: table.ages() if key == "age" else table.texts(key) if key == "sex" else table.numbers(key)
        for key in wanted
        if key != "participant"
    }
    found: dict[str, dict] = {}
    for row, participant in enumerate(table.texts("participant")):
        if participant is None:
            continue
        known = found.setdefault(participant, dict.fromkeys(columns))
        for key, values in columns.items():
            value = sex_of(values[row]) if key == "sex" else values[row]
            known[key] = value if known[key] is None else known[key]
    return found


def card(summary: dict) -> CorpusCard:
    """What the data-set card says beside the counts."""
    return CorpusCard(
        title=f"Aurora-BP, {summary['sampling_rate']} Hz",
        source=f"Aurora-BP, {summary['measurements_found']} measurements of the protocols"
        f" {', '.join(summary['protocols'])}: {summary['measurement']}",
        script="dataset_scripts/aurora_bp.py",
        records="windows of a wearable's ECG, one channel whose lead the publishers do not name",
        splits=describe_folds(summary["seed"]).replace("record's name", "participant's name"),
        texts="empty",
        licence="by Microsoft's data use agreement: **do not share these rows**",
        citation="Cite Mieloszyk et al., A comparison of wearable tonometry, photoplethysmography, and"
        " electrocardiography for cuffless measurement of blood pressure in an ambulatory setting, IEEE Journal of"
        " Biomedical and Health Informatics 26(7):2864-2875 (2022).",
        notes=[
            summary["window_rule"],
            "`sbp` and `dbp` are of the measurement; `baseline_sbp` and `baseline_dbp`, which CLEF asks for, are of"
            " the participant.",
            "Layout by the publishers' page, not checked against the files.",
        ],
    )
