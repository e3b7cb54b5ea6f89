"""The beats of the MIT-BIH Arrhythmia Database, one a row, cut so that none mixes with its neighbours.

How they are cut is `signals.high_quality_beats`, after Benmessaoud et al. (arXiv 2411.07252), whose code is not
published; what is *inferred* is said there.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from datasets import Value

from ...checks import check_one_of, check_positive
from ...signals.high_quality_beats import beat_stretches, centred_beats, interval_ratios
from ...signals.units import MISSING_COUNT
from ..builder import Corpus
from ..corpus_card import CorpusCard
from ..schema import row_features
from .mit_bih_records import (
    CITATION,
    COMPAT_DS1_DS2,
    FRONT_MATTER,
    INTER_PATIENT,
    SPLIT_WORDS,
    SPLITTINGS,
    SplitRecord,
    age_and_sex,
    read_marks,
    read_record,
    source_words,
    split_records,
)
from .snomed_records import find_records
from .splits import SPLITS, describe_folds, fold_of
from .windows import at_rate

LEAD = "MLII"
AAMI_SET, SYMBOL_SET = "aami", "symbol"
# classes of ANSI/AAMI EC57 -> (words, symbols of the annotations)
AAMI = {
    "N": ("beats from the sinus or AV node, or of a bundle branch block", "NLRej"),
    "S": ("supraventricular ectopic beats", "AaJS"),
    "V": ("ventricular ectopic beats", "VE"),
    "F": ("fusion of a ventricular and a normal beat", "F"),
    "Q": ("paced or unclassifiable beats", "/fQ"),
}
CLASS_OF = {symbol: name for name, (_, symbols) in AAMI.items() for symbol in symbols}
# what one beat's waveform does not hold; see `interval_ratios`, and `amplitude_ratio` below
COVARIATES = ("rr_before", "rr_after", "rr_change", "rr_local", "amplitude_ratio")
EXTRA_COLUMNS = {
    "beat_sample": Value("int32"),
    "rhythm": Value("string"),
    **{name: Value("float32") for name in COVARIATES},
}


@dataclass(frozen=True)
class MITBIHBeatReader:
    """Reads the beats of the records of `data_dir`; an instance is what worker processes share."""

    data_dir: Path
    lead: str
    sampling_rate: int
    beat_samples: int
    seed: int

    def __call__(self, item: SplitRecord) -> list[dict]:
        """The rows of a record, one a beat, but for those that the record's end would cut.

        Raises:
            ValueError: damaged samples or annotations, a record without the lead, a beat of no AAMI class.
            OSError: a file is not there.
        """
        stored = read_record(self.data_dir, item.file, self.lead)
        marks = read_marks(self.data_dir, item.file)
        peaks, symbols = marks.beats
        unknown = sorted(set(symbols) - set(CLASS_OF))
        if unknown:
            raise ValueError(f"{item.file}.atr has beats of the kinds {unknown}, which have no AAMI class")
        wave = at_rate(stored, self.sampling_rate).as_counts()
        signals, bounds = wave.counts.astype(np.float64), beat_stretches(peaks, marks.end, marks.sampling_rate)
        # as many beats, and the same, at every rate
        scale = wave.sampling_rate / marks.sampling_rate
        peak, start, stop = (
            np.minimum(np.rint(one * scale).astype(np.int64), wave.num_samples)
            for one in (peaks, bounds.start, bounds.stop)
        )
        kept = np.flatnonzero(bounds.kept)
        beats = centred_beats(signals, peak[kept], start[kept], stop[kept], self.beat_samples)
        ranges = (np.nanmax(beats, axis=2) - np.nanmin(beats, axis=2))[:, 0]
        beside = {name: values[kept] for name, values in interval_ratios(peaks).items()}
        beside["amplitude_ratio"] = ranges / max(float(np.median(ranges)), 1.0) if len(ranges) else ranges
        counts = np.where(np.isnan(beats), MISSING_COUNT, beats).astype(np.int16)
        shared = {
            "patient_id": item.patient_id,
            "num_samples": self.beat_samples,
            "sampling_rate": float(wave.sampling_rate),
            "leads": list(wave.leads),
            "gain": wave.gain.tolist(),
            "baseline": wave.baseline.tolist(),
            **age_and_sex(stored),
            "report": None,
        }
        codes = marks.rhythm_codes(peaks).tolist()
        rows = []
        for place, beat in enumerate(kept.tolist()):
            sample = int(peaks[beat])
            name = f"{item.record_id}_{sample}"
            fold = fold_of(name, self.seed) if item.fold is None else item.fold
            if fold not in SPLITS[item.split]:
                continue
            kind = CLASS_OF[symbols[beat]]
            known = {key: float(values[place]) for key, values in beside.items()}
            rows.append(
                {
                    "record_id": name,
                    **shared,
                    "signal": counts[place].reshape(-1),
                    "fold": fold,
                    "text": AAMI[kind][0],
                    "beat_sample": sample,
                    "rhythm": codes[beat] or None,
                    **{key: value if np.isfinite(value) else None for key, value in known.items()},
                    AAMI_SET: [kind],
                    SYMBOL_SET: [str(symbols[beat])],
                }
            )
        return rows


def mit_bih_beats_corpus(
    data_dir,
    splitting: str = INTER_PATIENT,
    sampling_rate: int = 360,
    beat_seconds: float = 1.0,
    lead: str = LEAD,
    paced: bool = True,
    seed: int = 0,
) -> Corpus:
    """The beats of the MIT-BIH Arrhythmia Database as a corpus to prepare.

    Label sets: `aami`, the five classes of ANSI/AAMI EC57, and `symbol`, the annotation itself; one class each. The
    columns `rr_before`, `rr_after`, `rr_change`, `rr_local` (see `signals.high_quality_beats.interval_ratios`) and
    `amplitude_ratio` (the beat's range by the median of its record's) are for a head with covariates. They look at
    the whole record, and at no label.

    Args:
        data_dir: folder with the WFDB records and their annotations, at any depth.
        splitting: as of `mit_bih_corpus`; "leaky" deals single beats, so that neighbours are on both sides.
        sampling_rate: of the rows, in hertz: 360 as recorded, or 125, which is down-sampled.
        beat_seconds: of a row, the R peak in its middle; what a beat does not fill is missing, what is beyond is cut.
        lead: by its name in the records, MLII being II here; records without it are skipped, by name.
        paced: of the leaky splitting, whether the records of paced hearts are in it; the other splittings lack them.
        seed: of the leaky split.

    Raises:
        ValueError: an unknown splitting, a record in two folders.
        OSError: no folder, or no record.
    """
    check_one_of("splitting", splitting, SPLITTINGS)
    check_positive("beat_seconds", beat_seconds)
    data_dir, beat_samples = Path(data_dir), round(beat_seconds * sampling_rate)
    files = find_records(data_dir)
    found = split_records(files, splitting, paced)
    name = splitting if splitting != COMPAT_DS1_DS2 else "ds1_ds2"
    labels = {AAMI_SET: list(AAMI), SYMBOL_SET: list(CLASS_OF)}
    return Corpus(
        config_name=f"mit_bih_beats_{name}_{sampling_rate}hz",
        features=row_features(1, beat_samples, labels, EXTRA_COLUMNS),
        splits=found.splits,
        skipped=found.absent,
        read=MITBIHBeatReader(data_dir, lead, sampling_rate, beat_samples, seed),
        facts={
            "corpus": "MIT-BIH",
            "rows_are": "beats",
            "lead": lead,
            "sampling_rate": sampling_rate,
            "beat_seconds": beat_seconds,
            "records_found": len(files),
            "splitting": splitting,
            "seed": seed,
        },
        card=card,
        front_matter=dict(FRONT_MATTER),
        left_out=found.left_out,
    )


def card(summary: dict) -> CorpusCard:
    """What the data-set card says beside the counts."""
    splitting = summary["splitting"]
    leaky = (
        "LEAKY: every beat by itself, so that all patients, and neighbouring beats, are in all splits."
        f" {describe_folds(summary['seed'])}"
    )
    return CorpusCard(
        title=f"Beats of the MIT-BIH Arrhythmia Database, {summary['sampling_rate']} Hz",
        source=source_words(summary),
        script="dataset_scripts/mit_bih.py",
        records=f"beats of one lead, {summary['lead']} by its name in the records",
        splits=SPLIT_WORDS.get(splitting, leaky),
        texts="the beat's class in words",
        labels=": the class of ANSI/AAMI EC57 and the annotation's symbol, one of each a beat",
        licence="ODC-By 1.0",
        citation=CITATION + " How beats are cut: Benmessaoud et al., arXiv 2411.07252 (2024); their code is not"
        " published, and what was inferred stands in `hf_ecg.signals.high_quality_beats`.",
        notes=[
            f"A row is {summary['beat_seconds']:g} s with the R peak in its middle. A beat is as long as the mean"
            " interval of its window of 10 s without outliers, and ends midway to its neighbours; what it does not"
            " fill is missing. Beats that the record's end would cut are left out.",
            "MLII, a modified lead of the chest, is taken as lead II.",
            "R peaks are those that were annotated, not found by a detector.",
        ],
    )
