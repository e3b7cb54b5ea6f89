"""The MIT-BIH Arrhythmia Database (Moody and Mark, 2001): 48 half hours of two leads, every beat annotated.

Rows are windows, and their labels the kinds of beats in them. Two splits are made of it: by patient, and by window as
in TolerantECG's evaluation (arXiv 2507.09887), which has the same patients on both sides and is called leaky.
"""

from dataclasses import dataclass
from pathlib import Path

from datasets import List as ListFeature
from datasets import Value

from ...checks import check_one_of
from ..builder import Corpus
from ..corpus_card import CorpusCard
from ..schema import row_features
from .columns import record_columns
from .mit_bih_records import (
    CITATION,
    COMPAT_DS1_DS2,
    FRONT_MATTER,
    INTER_PATIENT,
    RHYTHMS,
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
from .windows import WindowRule

LABEL_SET, RHYTHM_SET = "beats", "rhythm"
EXTRA_COLUMNS = {
    "window_start": Value("float32"),
    "beat_seconds": ListFeature(Value("float32")),
    "beat_symbols": ListFeature(Value("string")),
}
# symbol of the annotation -> words
BEATS = {
    "N": "normal beats",
    "L": "left bundle branch block beats",
    "R": "right bundle branch block beats",
    "A": "atrial premature beats",
    "V": "ventricular premature beats",
}


@dataclass(frozen=True)
class MITBIHReader:
    """Reads the records of `data_dir`; an instance is what worker processes share."""

    data_dir: Path
    rule: WindowRule
    seed: int

    def __call__(self, item: SplitRecord) -> list[dict]:
        """The rows of a record, one a window.

        Raises:
            ValueError: damaged samples or annotations, what the window rule refuses.
            OSError: a file is not there.
        """
        wave = read_record(self.data_dir, item.file)
        marks = read_marks(self.data_dir, item.file)
        beats, rate = marks.beats, marks.sampling_rate
        rows = []
        for number, (start, part) in enumerate(self.rule(wave)):
            name = f"{item.record_id}_{number}"
            fold = fold_of(name, self.seed) if item.fold is None else item.fold
            if fold not in SPLITS[item.split]:
                continue
            first, end = round(start * rate), round((start + part.seconds) * rate)
            inside = (beats.samples >= first) & (beats.samples < end)
            found = [beat for beat in BEATS if beat in beats.symbols[inside]]
            rhythms = {one.code for one in marks.rhythms if one.start < end and one.end > first}
            rows.append(
                {
                    "record_id": name,
                    "patient_id": item.patient_id,
                    **record_columns(part),
                    **age_and_sex(wave),
                    "fold": fold,
                    "report": None,
                    "text": ". ".join(BEATS[beat] for beat in found),
                    "window_start": start,
                    "beat_seconds": (beats.samples[inside] / rate - start).tolist(),
                    "beat_symbols": beats.symbols[inside].tolist(),
                    LABEL_SET: found,
                    RHYTHM_SET: [code for code in RHYTHMS if code in rhythms],
                }
            )
        return rows


def mit_bih_corpus(
    data_dir,
    splitting: str = INTER_PATIENT,
    sampling_rate: int = 360,
    window_seconds: float = 10.0,
    seed: int = 0,
) -> Corpus:
    """The MIT-BIH Arrhythmia Database as a corpus to prepare. Label sets: `beats` and `rhythm`, the kinds in a window.

    MLII is taken as lead II; the other lead keeps its name. So rows have two leads each, not all the same two, and of
    record 114 the chest lead stands first. `beat_seconds` and `beat_symbols` are all beats of the window.

    Args:
        data_dir: folder with the WFDB records and their annotations, at any depth.
        splitting: "inter_patient": de Chazal's DS1 (four of its records are the validation) and DS2, without the four
            records of paced hearts, and without 202, whose patient is that of 201 on the other side.
            "compat_ds1_ds2": the same with 202 in the test, as usually published. "leaky": every window of all records
            is put into a split by a hash, so that patients are in several; TolerantECG stratifies by class instead.
        sampling_rate: of the rows, in hertz.
        window_seconds: of the rows.
        seed: of the leaky split.

    Raises:
        ValueError: an unknown splitting, a record in two folders.
        OSError: no folder, or no record.
    """
    check_one_of("splitting", splitting, SPLITTINGS)
    data_dir = Path(data_dir)
    rule = WindowRule(sampling_rate, window_seconds, "skip")
    files = find_records(data_dir)
    found = split_records(files, splitting)
    name = splitting if splitting != COMPAT_DS1_DS2 else "ds1_ds2"
    return Corpus(
        config_name=f"mit_bih_{name}_{sampling_rate}hz",
        features=row_features(2, rule.num_samples, {LABEL_SET: list(BEATS), RHYTHM_SET: RHYTHMS}, EXTRA_COLUMNS),
        splits=found.splits,
        skipped=found.absent,
        read=MITBIHReader(data_dir, rule, seed),
        facts={
            "corpus": "MIT-BIH",
            "sampling_rate": sampling_rate,
            "window_rule": f"Records are cut into windows of {window_seconds:g} s, side by side from the start.",
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
    leaky = f"LEAKY: every window by itself, so that all patients are in all splits. {describe_folds(summary['seed'])}"
    return CorpusCard(
        title=f"MIT-BIH Arrhythmia Database, {summary['sampling_rate']} Hz",
        source=source_words(summary),
        script="dataset_scripts/mit_bih.py",
        records="windows of two leads: II (MLII) and a chest lead, in a few records two chest leads",
        splits=SPLIT_WORDS.get(splitting, leaky),
        texts="the kinds of beats in words",
        labels=f": the kinds of beats that the window holds, by the annotations: {', '.join(BEATS)}; and its rhythms",
        licence="ODC-By 1.0",
        citation=CITATION,
        notes=[
            summary["window_rule"],
            "MLII, a modified lead of the chest, is taken as lead II.",
            "Beats of other kinds are not labels: a window of paced beats alone has an empty list.",
        ],
    )
