"""Windows of public records with what is known of their noise: the Challenge 2017, and MIT-BIH with added noise."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...data.corpus import load_corpus
from ...data.readers.cinc2017 import _SAME, CLASSES, LEAD_I, REFERENCE, read_reference
from ...data.readers.snomed_records import find_records
from ...data.rows import SIGNAL_COLUMNS, RowDataset
from ...data.stress_test import SNRS_DB, stress_record
from ...processing.inputs import read_row
from ...progress import progress_bar
from ...signals.annotations import RecordAnnotations, read_annotations
from ...signals.formats import read
from ...signals.quality.noise_features import HRV, HRV_AND_WAVEFORM, METHODS, NoiseFeatures, noise_features

NOISY = "noisy"
# Of MIT-BIH's clean windows; the first that fits.
MARKED, AF, ECTOPY, REGULAR = "marked noisy by its annotators", "AF", "ectopy", "regular"
CLEAN = "clean"
# Noise of this ratio and less is to be found; louder signals are shown beside, and neither trained on nor judged.
LOUDEST_SNR_DB = 6.0
_AF_CODES = ("AFIB", "AFL")
_ECTOPIC = "AaJSVrFejnE!"
_QUALITY_CHANGE = "~"
_CHALLENGE = "ODC-By 1.0; Clifford et al., Computing in Cardiology 44 (2017)"
_MIT_BIH = (
    "ODC-By 1.0; Moody and Mark, IEEE Eng Med Biol 20(3):45-50 (2001); Moody, Muldrow and Mark, Computers in"
    " Cardiology 11:381-384 (1984)"
)
# one man, see `data.readers.mit_bih`
_SAME_PATIENT = {"202": "201"}


@dataclass(frozen=True)
class NoiseWindows:
    """Windows of a corpus, and the units that are judged: records of the Challenge 2017, windows of MIT-BIH.

    Attributes:
        corpus: its name.
        features: float64 `(windows, features)` of "hrv_and_waveform"; NaN where a rule has spoken.
        rules: `(windows,)`, the rule, or "".
        unit: int `(windows,)`, of which unit each window is.
        noisy: int `(units,)`: 1 noisy, 0 clean, -1 neither trained on nor judged.
        group: `(units,)`, what the unit is.
        subject: `(units,)`, of whom, as far as is known.
        source: licence and works to cite of the records.
        option: of the commands, by which the corpus is given.
    """

    corpus: str
    features: np.ndarray
    rules: np.ndarray
    unit: np.ndarray
    noisy: np.ndarray
    group: np.ndarray
    subject: np.ndarray
    source: str = ""
    option: str = ""

    def of_method(self, method: str) -> np.ndarray:
        """The columns that a method reads."""
        return self.features[:, : len(METHODS[method])] if method == HRV else self.features

    @property
    def judged(self) -> np.ndarray:
        """bool `(units,)`."""
        return self.noisy >= 0


class _Collected:
    """Units as they come."""

    def __init__(self, corpus: str, source: str = "", option: str = ""):
        self.facts = {"corpus": corpus, "source": source, "option": option}
        self.features, self.rules, self.unit, self.units = [], [], [], []

    def add(self, features: np.ndarray, rules: np.ndarray, noisy: int, group: str, subject: str) -> None:
        self.features.append(features)
        self.rules.append(rules)
        self.unit += [len(self.units)] * len(features)
        self.units.append((noisy, group, subject))

    def done(self) -> NoiseWindows:
        noisy, group, subject = (np.array(column) for column in zip(*self.units, strict=True))
        features, rules = np.concatenate(self.features), np.concatenate(self.rules)
        return NoiseWindows(
            features=features,
            rules=rules,
            unit=np.array(self.unit),
            noisy=noisy,
            group=group,
            subject=subject,
            **self.facts,
        )


def cinc2017_windows(data_dir, reference: str = REFERENCE, records: Sequence[str] | None = None) -> NoiseWindows:
    """The Challenge 2017: a unit is a record, noisy where its class is "~". Groups are the classes.

    Nobody knows whose the records are: each counts as a person of its own, so intervals are too narrow where a person
    has several.

    Args:
        data_dir: folder with the records and the table of labels, at any depth.
        reference: name of that table.
        records: names; default: all that the table lists.

    Raises:
        ValueError: a table that cannot be trusted, damaged samples.
        OSError: no folder, no record, no table.
    """
    data_dir = Path(data_dir)
    files = find_records(data_dir)
    tables = sorted(data_dir.rglob(reference))
    if len(tables) != 1:
        raise FileNotFoundError(f"{data_dir} wants one table {reference}, found {len(tables)}")
    labels = read_reference(tables[0])
    names = [name for name in files if name in labels and (records is None or name in records)]
    if not names:
        raise ValueError(f"{data_dir} has none of the records that were asked for")
    found = _Collected("Challenge 2017", _CHALLENGE, "--cinc2017 CINC2017")
    for name in progress_bar(names, desc="measuring"):
        record = LEAD_I.read(data_dir / files[name], data_dir)
        windows = noise_features(record.to_millivolts(), record.sampling_rate)
        (group, _), noisy = CLASSES[labels[name]], labels[name] == "~"
        found.add(windows.values[0], windows.rules[0], int(noisy), group, _SAME.get(name, name))
    return found.done()


def mit_bih_windows(
    data_dir, recordings: str | None, seed: int = 0, records: Sequence[str] | None = None
) -> NoiseWindows:
    """MIT-BIH's first leads with noise in every other two minutes: a unit is a window of 20 s, noisy at 6 dB and less.

    Groups of noisy windows are kind and ratio. Those at 12 dB, and those that the annotators marked as noisy anywhere,
    are neither trained on nor judged. Subjects are the patients.

    Args:
        data_dir: folder with the records and their annotations, at any depth.
        recordings: folder with bw, em and ma of the Noise Stress Test Database; None simulates.
        seed: of the stretches of noise.
        records: names; default: all.

    Raises:
        ValueError: damaged samples or annotations.
        OSError: a folder or a file is not there.
    """
    data_dir = Path(data_dir)
    files = find_records(data_dir)
    names = [name for name in files if records is None or name in records]
    if not names:
        raise ValueError(f"{data_dir} has none of the records that were asked for")
    option = "--mit_bih MITDB" + ("" if recordings is None else " --recordings NSTDB")
    found = _Collected("MIT-BIH with added noise", _MIT_BIH, option)
    for number, name in enumerate(progress_bar(names, desc="measuring")):
        path = data_dir / files[name]
        record, annotations = read(path, root=data_dir), read_annotations(path, root=data_dir)
        lead = "II" if record.leads[0] == "MLII" else record.leads[0]
        millivolts, blocks = stress_record(
            record.to_millivolts()[:1],
            record.sampling_rate,
            name,
            [lead],
            turn=7 * number,  # a record has seven or eight blocks: all conditions meet equally many
            recordings=recordings,
            seed=seed,
        )
        windows = noise_features(millivolts, record.sampling_rate)
        marked = _marked_noisy(path, len(millivolts[0]))
        for place, (start, end) in enumerate(np.round(windows.seconds * record.sampling_rate).astype(int)):
            noisy, group = _kind(start, end, blocks, annotations, marked)
            at = slice(place, place + 1)
            subject = _SAME_PATIENT.get(name, name)
            found.add(windows.values[0, at], windows.rules[0, at], noisy, group, subject)
    return found.done()


def clean_corpus_windows(data: str, config: str | None, max_records: int | None = None) -> NoiseWindows:
    """Leads of a prepared corpus, all taken as clean: how often does a detector call a lead noisy there?

    A unit is a lead of a record, its group the lead's name. Nobody has said that every lead of a corpus is clean.

    Raises:
        ValueError, OSError: see `load_corpus`.
    """
    rows = load_corpus(data, config=config)
    number = len(rows) if max_records is None else min(max_records, len(rows))
    places = np.linspace(0, len(rows) - 1, number).round().astype(int)
    found = _Collected(f"{Path(data).name}, all leads")
    for row in progress_bar(RowDataset(rows.select(places), (*SIGNAL_COLUMNS, "patient_id")), desc="measuring"):
        for lead, windows in _leads(row):
            subject = str(row["patient_id"])
            found.add(windows.values[0], windows.rules[0], 0, lead, subject)
    return found.done()


def _leads(row) -> Iterator[tuple[str, NoiseFeatures]]:
    recording = read_row(row, "the row")
    gain, baseline = np.asarray(recording.gain)[:, None], np.asarray(recording.baseline)[:, None]
    millivolts = (recording.values - baseline) / gain
    for lead, values in zip(recording.leads, millivolts, strict=True):
        yield lead, noise_features(values[None], recording.sampling_rate, HRV_AND_WAVEFORM)


def _kind(start: int, end: int, blocks, annotations: RecordAnnotations, marked: np.ndarray) -> tuple[int, str]:
    for block in blocks:
        if start < block.end and end > block.first:
            whole = start >= block.first and end <= block.end
            label = 1 if whole and block.snr_db <= LOUDEST_SNR_DB else -1
            return label, f"{block.kind} {block.snr_db:g} dB"
    if marked[start:end].any():
        return -1, MARKED
    part = annotations.cut(start, end)
    if any(rhythm.code in _AF_CODES for rhythm in part.rhythms):
        return 0, AF
    ectopic = np.isin(part.beats.symbols, list(_ECTOPIC)).any()
    return 0, ECTOPY if ectopic else REGULAR


def _marked_noisy(path: Path, samples: int) -> np.ndarray:
    """bool (samples,): where the annotators say that the first lead is noisy (bit 0 of the subtype, or unreadable)."""
    import wfdb

    found = wfdb.rdann(str(path), "atr")
    marked, since, noisy = np.zeros(samples, bool), 0, False
    for sample, symbol, subtype in zip(found.sample, found.symbol, found.subtype, strict=True):
        if symbol == _QUALITY_CHANGE:
            marked[since:sample] = noisy
            since, noisy = sample, subtype == -1 or bool(subtype & 1)
    marked[since:] = noisy
    return marked


def group_order(groups: Sequence[str]) -> list[str]:
    """Groups as a table has them: clean ones first, then noise from weak to strong."""
    known = ["normal", REGULAR, AF, ECTOPY, "other", MARKED]
    noises = [f"{kind} {snr:g} dB" for snr in SNRS_DB for kind in ("bw", "em", "ma")]
    order = [*known, *noises, NOISY]
    return sorted(set(groups), key=lambda name: (order.index(name) if name in order else len(order), name))


def asked_corpora(
    cinc2017: str | None,
    mit_bih: str | None,
    recordings: str | None,
    clean: str | None,
    config: str | None,
    max_records: int | None,
    seed: int,
) -> list[NoiseWindows]:
    """The corpora that a command was given, those with labels first.

    Raises:
        ValueError: none with labels, or recordings of noise without the corpus that they are added to.
        OSError: a folder is not there.
    """
    if cinc2017 is None and mit_bih is None:
        raise ValueError("wanted records whose noise is known: --cinc2017, --mit_bih, or both")
    if recordings is not None and mit_bih is None:
        raise ValueError("--recordings are added to the records of --mit_bih, which is not given")
    # before the first corpus is measured, not behind it
    for folder in (cinc2017, mit_bih):
        if folder is not None:
            find_records(Path(folder))
    found = [] if cinc2017 is None else [cinc2017_windows(cinc2017)]
    found += [] if mit_bih is None else [mit_bih_windows(mit_bih, recordings, seed)]
    return found + ([] if clean is None else [clean_corpus_windows(clean, config, max_records)])
