"""Rows of MIMIC-IV-ECG: leads in standard order, reports as text, what is wrong with a signal beside it."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from datasets import List, Value

from ....clinical.machine_reports import TEXT_STYLES, clean_report_lines
from ....clinical.reports import REPORT_RULES, refusal
from ....signals.record import Record
from ....signals.units import MISSING_COUNT
from ...builder import Corpus, UnfitRecord
from ...corpus_card import CorpusCard
from ...schema import row_features
from ..columns import TWELVE_LEADS, RowLeads, describe_leads, record_columns
from ..splits import SPLITS
from .index import CART, MEASUREMENT_RANGES, ONE_RECORD, MimicRecord, MimicRecords, build_index

SAMPLING_RATE, SECONDS = 500, 10
RECORDS_IN_VERSION_1 = 800_035
# What a record can be left out for, at the user's wish; without any signal, or not as the corpus has it, it always is.
DROP = ("missing_samples", "flat_lead", "out_of_range_lead", "no_text")
HIGHEST_RANGE_MV = 10.0  # TolerantECG's limit on a lead's range


@dataclass(frozen=True)
class MimicReader:
    """Reads the records of `data_dir`; an instance is what worker processes share."""

    data_dir: Path
    text_style: str
    min_words: int
    drop: tuple[str, ...]
    report_rules: str | None = None
    channels: RowLeads = TWELVE_LEADS

    def __call__(self, record: MimicRecord) -> dict:
        """The row of a record.

        Raises:
            ValueError: damaged samples, another rate, length or leads than the corpus has, another record's or
                patient's header, no signal on any lead, or what `drop` names.
            OSError: a file is not there.
        """
        text = clean_report_lines((record.report or "").split("\n"), self.text_style)
        refused = self.report_rules and refusal(text, REPORT_RULES[self.report_rules], record.report)
        if refused or len(text.split()) < self.min_words:
            text = ""
        if not text and "no_text" in self.drop:
            raise UnfitRecord("no text", f"study {record.record_id}: nothing is left of the report {record.report!r}")
        wave = self.channels.read(self.data_dir / record.file, self.data_dir, keep_identifiers=True)
        self._check_header(wave, record)
        return {
            "record_id": record.record_id,
            **record_columns(wave),
            "report": record.report,
            "text": text,
            **self._flaws(wave.counts, wave.gain, record),
            **record.columns,
        }

    def _check_header(self, wave: Record, record: MimicRecord) -> None:
        where = f"study {record.record_id} ({record.file})"
        if wave.name != os.path.basename(record.file):
            raise UnfitRecord("header of another record", f"{where}: the header is that of record {wave.name}")
        said = wave.patient.get("id", record.columns["patient_id"])
        if said != record.columns["patient_id"]:
            raise UnfitRecord("header of another patient", f"{where}: the header says patient {said}")
        expected = (len(self.channels.leads), SAMPLING_RATE * SECONDS)
        if wave.sampling_rate != SAMPLING_RATE or wave.counts.shape != expected:
            found = f"shape {wave.counts.shape} at {wave.sampling_rate:g} Hz"
            raise UnfitRecord("other length or rate", f"{where}: {found}, wanted {expected} at {SAMPLING_RATE} Hz")

    def _flaws(self, counts: np.ndarray, gain: np.ndarray, record: MimicRecord) -> dict:
        missing, lowest, highest = 0, counts.min(axis=-1).astype(int), counts.max(axis=-1).astype(int)
        if lowest.min() == MISSING_COUNT:
            absent = counts == MISSING_COUNT
            missing = int(absent.sum())
            lowest = np.where(absent, np.iinfo(np.int16).max, counts).min(axis=-1).astype(int)
        # a lead without any sample comes out below zero
        ranges = highest - lowest
        named = np.array(self.channels.leads)
        flat, wide = named[ranges <= 0].tolist(), named[ranges > HIGHEST_RANGE_MV * gain].tolist()
        where = f"study {record.record_id} ({record.file})"
        if len(flat) == len(named):
            raise UnfitRecord("no signal on any lead", f"{where}: every lead is constant or missing")
        for kind, found in (("missing_samples", missing), ("flat_lead", flat), ("out_of_range_lead", wide)):
            if found and kind in self.drop:
                raise UnfitRecord(kind.replace("_", " "), f"{where}: {found}")
        return {"missing_samples": missing, "flat_leads": flat, "out_of_range_leads": wide}


def mimic_iv_ecg_corpus(
    data_dir,
    index,
    mimic_iv_dir=None,
    text_style: str = "sentences",
    min_words: int = 0,
    drop: Iterable[str] = (),
    one_record_per_patient: str | None = None,
    limit: int | None = None,
    seed: int = 0,
    risk_input_years: float = 5,
    progress: bool = True,
    report_rules: str | None = None,
    channels: RowLeads = TWELVE_LEADS,
) -> Corpus:
    """MIMIC-IV-ECG as a corpus to prepare.

    Folds 1 to 10 are drawn by patient: a hash of `seed` and the patient's number, so that a patient's fold is the same
    whatever other records there are. 1 to 8 train, 9 validation, 10 test; the publishers give no split.

    Args:
        data_dir: folder with `record_list.csv`, `machine_measurements.csv` and `files/`.
        index: file to make, which joins the tables; one of the same tables and options is taken as it is.
        mimic_iv_dir: folder with MIMIC-IV's `hosp/` (and `ed/`), for age, sex and risk inputs; see `risk_inputs`.
            Without it they are null.
        text_style: "sentences" or "merl"; see `clean_report_lines`.
        min_words: shorter texts are empty.
        drop: kinds of records to leave out, of `DROP`. Without it they stay, and the columns `missing_samples`,
            `flat_leads` and `out_of_range_leads` (over 10 mV) tell them.
        one_record_per_patient: "first" or "last" in time, or "random" (least hash of `seed` and study); chosen before
            any file is read.
        limit: take that many records only, the first ones by patient and time.
        seed: of folds and of the random record.
        risk_input_years: oldest pressure, blood value or smoking status that counts.
        progress: show progress bars.
        report_rules: one of `REPORT_RULES`, published preparations; texts that it refuses are empty.
        channels: leads of the rows, and which channels of the records they are.

    Raises:
        ValueError: an unknown option, or tables that are not MIMIC's.
        OSError: a table is not there.
    """
    data_dir, index, drop = Path(data_dir), Path(index), tuple(dict.fromkeys(drop))
    if text_style not in TEXT_STYLES:
        raise ValueError(f"text_style is {text_style!r}, wanted one of {TEXT_STYLES}")
    if report_rules not in (None, *REPORT_RULES):
        raise ValueError(f"report_rules is {report_rules!r}, wanted one of {list(REPORT_RULES)}")
    if unknown := [kind for kind in drop if kind not in DROP]:
        raise ValueError(f"drop holds {unknown}, wanted some of {DROP}")
    if one_record_per_patient not in (None, *ONE_RECORD):
        raise ValueError(f"one_record_per_patient is {one_record_per_patient!r}, wanted one of {tuple(ONE_RECORD)}")
    if (limit is not None and limit < 1) or min_words < 0 or not risk_input_years > 0:
        raise ValueError(
            f"limit is {limit}, min_words {min_words}, risk_input_years {risk_input_years}: wanted at least 1, at"
            " least 0 and more than 0"
        )
    mimic_iv_dir = None if mimic_iv_dir is None else Path(mimic_iv_dir)
    found = build_index(
        index, data_dir, mimic_iv_dir, SPLITS, seed, one_record_per_patient, limit, risk_input_years, progress
    )
    facts = {
        "corpus": "MIMIC-IV-ECG 1.0",
        "sampling_rate": SAMPLING_RATE,
        "text_source": "report",
        "text_style": text_style,
        "min_words": min_words,
        "report_rules": report_rules,
        "drop": list(drop),
        "one_record_per_patient": one_record_per_patient,
        "limit": limit,
        "seed": seed,
        "risk_input_years": risk_input_years,
    }
    facts |= channels.facts()
    facts |= {name: value for name, value in found.items() if name not in ("fingerprint", "left_out")}
    texts = dict.fromkeys(("recording_date", *CART, "sbp_source"), Value("string"))
    flaws = {"missing_samples": Value("int32")}
    flaws |= dict.fromkeys(("flat_leads", "out_of_range_leads"), List(Value("string")))
    extra = texts | dict.fromkeys(MEASUREMENT_RANGES, Value("int32")) | flaws
    return Corpus(
        config_name=f"mimic_iv_ecg_{SAMPLING_RATE}hz",
        features=row_features(len(channels.leads), SAMPLING_RATE * SECONDS, {}, extra=extra),
        splits={split: MimicRecords(index, split) for split in SPLITS},
        read=MimicReader(data_dir, text_style, min_words, drop, report_rules, channels),
        facts=facts,
        card=card,
        front_matter={
            "license": "odbl",
            "pretty_name": "MIMIC-IV-ECG",
            "language": ["en"],
        },
        left_out=found["left_out"],
        fingerprint=found["fingerprint"],
    )


def card(summary: dict) -> CorpusCard:
    """What the data-set card says beside the counts."""
    texts = 'the machine\'s report in English, its lines joined by ". "'
    if summary["text_style"] == "merl":
        texts += ", every line, in lower case, as MERL has it"
    else:
        texts += ", without lines on noise, electrodes and missing facts, and without repeated ones"
    if summary["min_words"]:
        texts += f"; under {summary['min_words']} words it is empty"
    if summary["report_rules"]:
        texts += f"; those refused by the rules `{summary['report_rules']}` are empty"
    listed = f"{summary['records_listed']} records listed"
    if summary["records_listed"] != RECORDS_IN_VERSION_1:
        listed += f" ({RECORDS_IN_VERSION_1} in the whole of version 1.0)"
    risk = "`age`, `sex` and the inputs of a risk score are null: MIMIC-IV's tables were not given."
    clinical = [name for name in summary["tables"] if "/" in name]
    if clinical:
        known = ", ".join(f"{name} {count}" for name, count in summary["risk_inputs"]["known"].items())
        risk = (
            f"Age, sex and risk inputs come from MIMIC-IV ({', '.join(clinical)}), dated at or before the ECG;"
            f" pressure, blood values and smoking of the last {summary['risk_input_years']:g} years. Known, of the"
            f" records listed: {known}. **These columns fall under MIMIC-IV's credentialed licence: do not share"
            " them.**"
        )
    notes = (
        "`report`: the machine's lines as written, one a line. Nobody has checked them.",
        "`recording_date` is shifted by years, the same for all records of a patient.",
        "`rr_interval`, `p_onset` ... `t_end` (ms) and axes (degrees) are the machine's; null = not measurable.",
        "`missing_samples`, `flat_leads`, `out_of_range_leads` (over 10 mV) tell what is wrong with a signal.",
        risk,
    )
    return CorpusCard(
        title=f"MIMIC-IV-ECG, {SAMPLING_RATE} Hz",
        source=f"MIMIC-IV-ECG 1.0 (https://physionet.org/content/mimic-iv-ecg/1.0/), {listed}",
        script="dataset_scripts/mimic_iv_ecg.py",
        records=f"{describe_leads(summary)} of {SECONDS} s",
        splits=f"Folds are drawn by patient, by a hash with seed {summary['seed']}: 1-8, 9, 10; `fold` says which.",
        texts=texts,
        licence="Open Data Commons Open Database License 1.0",
        citation="Cite Gow et al., MIMIC-IV-ECG: Diagnostic Electrocardiogram Matched Subset (version 1.0), PhysioNet"
        " (2023), and PhysioNet.",
        notes=notes,
    )
