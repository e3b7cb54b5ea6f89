"""PTB-XL 1.0.3 in PhysioNet's own folder (Wagner et al., Scientific Data 7:154, 2020)."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from datasets import Value

from ...clinical.reports import REPORT_RULES, clean_report, count_refusals, refusal
from ...clinical.scp import (
    LABEL_SETS,
    Statement,
    compose_text,
    label_sets,
    labels_of,
    mentioning,
    parse_scp_codes,
    read_statements,
)
from ..builder import Corpus
from ..corpus_card import CorpusCard
from ..schema import row_features
from .columns import TWELVE_LEADS, RowLeads, describe_leads, record_columns
from .ptb_xl_table import FILE_COLUMN, PtbXlRecord, check_inside_folder, read_records
from .withholding import WITHHELD, Withholding, describe_withholding

TEXT_SOURCES = ("statements", "report")
SECONDS = 10
# Strodthoff et al. (2021): folds 9 and 10 were read by a person, 10 is the test fold.
SPLITS = {"train": range(1, 9), "validation": (9,), "test": (10,)}
# found by dataset_scripts/near_duplicates.py
SAME_WAVEFORM = "Records 145 and 463 hold one waveform under two patients, in the folds 3 and 1."


@dataclass
class PtbXlReader:
    """Reads the records of `data_dir`; an instance is what worker processes share."""

    data_dir: Path
    sampling_rate: int
    statements: dict[str, Statement]
    min_likelihood: float
    hold_out: tuple[str, ...]
    text_source: str
    withholding: Withholding | None = None
    report_rules: str | None = None
    channels: RowLeads = TWELVE_LEADS

    def __post_init__(self):
        self.label_sets = label_sets(self.statements)
        self._withheld = self.withholding.codes(self.statements) if self.withholding else frozenset()
        self._known: dict[tuple[str, bool], tuple[str, dict]] = {}

    def __call__(self, record: PtbXlRecord) -> dict:
        """The row of a record.

        Raises:
            ValueError: damaged samples, another rate, length or leads than PTB-XL has, codes that cannot be read.
            OSError: a file is not there.
        """
        withheld = self.withholding is not None and self.withholding.concerns(record.patient_id)
        text, labels = self._text_and_labels(record.codes, withheld)
        if self.text_source == "report":
            text = clean_report(record.report)
            if self.report_rules and refusal(text, REPORT_RULES[self.report_rules]):
                text = ""
        wave = self.channels.read(self.data_dir / record.file, self.data_dir)
        expected = (len(self.channels.leads), self.sampling_rate * SECONDS)
        if wave.sampling_rate != self.sampling_rate or wave.counts.shape != expected:
            raise ValueError(
                f"{record.file} has shape {wave.counts.shape} at {wave.sampling_rate:g} Hz, wanted {expected} at"
                f" {self.sampling_rate} Hz"
            )
        return {
            "record_id": record.record_id,
            "patient_id": record.patient_id,
            **record_columns(wave),
            "age": record.age,
            "sex": record.sex,
            "fold": record.fold,
            "report": record.report,
            "text": text,
            "device": record.device,
            "site": record.site,
            "recording_date": record.recording_date,
            **({} if self.withholding is None else {WITHHELD: withheld}),
            **labels,
        }

    def _text_and_labels(self, written: str, withheld: bool) -> tuple[str, dict]:
        # a few codes make most records of a corpus: each combination of them is worked out once
        if (written, withheld) not in self._known:
            codes = parse_scp_codes(written)
            silent = {*self.hold_out, *(self._withheld if withheld else ())}
            text = compose_text(codes, self.statements, self.min_likelihood, silent)
            labels = {name: labels_of(codes, classes) for name, classes in self.label_sets.items()}
            self._known[written, withheld] = text, labels
        return self._known[written, withheld]


def ptb_xl_corpus(
    data_dir,
    sampling_rate: int = 100,
    min_likelihood: float = 0,
    hold_out: Iterable[str] = (),
    text_source: str = "statements",
    withholding: Withholding | None = None,
    report_rules: str | None = None,
    channels: RowLeads = TWELVE_LEADS,
) -> Corpus:
    """PTB-XL as a corpus to prepare.

    Args:
        data_dir: folder with `ptbxl_database.csv`, `scp_statements.csv`, `records100/` or `records500/`.
        sampling_rate: 100 or 500 hertz.
        min_likelihood: statements graded below it stay out of `text`; labels are untouched.
        hold_out: codes whose every mention stays out of `text`; labels are untouched.
        text_source: "statements" or "report": what `text` is made of.
        withholding: statements that stay out of some patients' `text`; labels are untouched, and the column `withheld`
            tells the records of these patients.
        report_rules: one of `REPORT_RULES`; original reports that it refuses become empty texts.
        channels: leads of the rows, and which channels of the records they are.

    Raises:
        ValueError: a table that is not PTB-XL's, an unknown code, a patient in several folds, a record path that
            leaves `data_dir`; `hold_out` or `withholding` with original reports, from whose free words nothing can be
            taken out for certain; `report_rules` without them.
        OSError: a table is not there.
    """
    data_dir, hold_out = Path(data_dir), tuple(hold_out)
    _check_options(sampling_rate, min_likelihood, text_source, bool(hold_out or withholding), report_rules)
    for table in ("scp_statements.csv", "ptbxl_database.csv"):
        if not (data_dir / table).is_file():
            raise FileNotFoundError(f"{data_dir} has no {table}: it is not a folder of PTB-XL as PhysioNet ships it")
    statements = read_statements(data_dir / "scp_statements.csv")
    silent = sorted(mentioning(hold_out, statements))
    records = read_records(data_dir / "ptbxl_database.csv", sampling_rate, statements)
    for record in records:
        check_inside_folder(record, data_dir)
    reader = PtbXlReader(
        data_dir, sampling_rate, statements, min_likelihood, hold_out, text_source, withholding, report_rules, channels
    )
    extra = {name: Value("string") for name in ("device", "site", "recording_date")}
    features = row_features(
        len(channels.leads),
        sampling_rate * SECONDS,
        {name: list(reader.label_sets[name]) for name in LABEL_SETS},
        extra=extra | ({WITHHELD: Value("bool")} if withholding else {}),
    )
    column = FILE_COLUMN[sampling_rate]
    facts = {
        "corpus": "PTB-XL 1.0.3",
        "sampling_rate": sampling_rate,
        "text_source": text_source,
        "min_likelihood": min_likelihood,
        "hold_out": list(hold_out),
        "left_out_of_text": silent,
        **channels.facts(),
    }
    if text_source == "statements":
        facts["statement_sentences"] = {code: statement.sentence for code, statement in statements.items()}
    if withholding:
        coded = [(record.patient_id, parse_scp_codes(record.codes)) for record in records if record.file]
        facts["withhold"] = withholding.facts(coded, statements)
    if report_rules:
        texts = [clean_report(record.report) for record in records if record.file]
        refused = count_refusals(texts, REPORT_RULES[report_rules])
        facts["report_rules"] = {"name": report_rules, "refused": refused}
    return Corpus(
        config_name=f"ptb_xl_{sampling_rate}hz",
        features=features,
        splits={name: [r for r in records if r.file and r.fold in folds] for name, folds in SPLITS.items()},
        skipped=[
            {"record": r.record_id, "kind": f"no {sampling_rate} Hz file", "reason": f"{column} is empty"}
            for r in records
            if not r.file
        ],
        read=reader,
        facts=facts,
        card=card,
        front_matter={
            "license": "cc-by-4.0",
            "pretty_name": "PTB-XL",
            "language": ["en", "de"],
        },
    )


def _check_options(
    sampling_rate: int, min_likelihood: float, text_source: str, silences: bool, report_rules: str | None
) -> None:
    if sampling_rate not in FILE_COLUMN:
        raise ValueError(f"sampling_rate is {sampling_rate}, PTB-XL has {list(FILE_COLUMN)}")
    if text_source not in TEXT_SOURCES:
        raise ValueError(f"text_source is {text_source!r}, wanted one of {TEXT_SOURCES}")
    if silences and text_source == "report":
        raise ValueError(
            "hold_out and withholding work on composed texts only: what an original report mentions cannot be known"
        )
    if report_rules is not None and (report_rules not in REPORT_RULES or text_source != "report"):
        raise ValueError(
            f"report_rules is {report_rules!r} for texts from {text_source!r}, wanted one of {list(REPORT_RULES)} for"
            " texts from 'report'"
        )
    if not 0 <= min_likelihood <= 100:
        raise ValueError(f"min_likelihood is {min_likelihood}, wanted 0 to 100 percent")


def card(summary: dict) -> CorpusCard:
    """What the data-set card says beside the counts."""
    texts = "the original report, cleaned of the recorder's remarks (German, English, Swedish)"
    if rules := summary.get("report_rules"):
        texts += f"; those refused by the rules `{rules['name']}` are empty ({rules['refused']})"
    if summary["text_source"] == "statements":
        texts = (
            'English sentences composed of the SCP statements, joined by ". " (likelihood 1 to 49: "possible ...";'
            " 0 means that it was not graded)"
        )
        if summary["min_likelihood"]:
            texts += f"; statements graded below {summary['min_likelihood']:g} % left out"
        if summary["hold_out"]:
            texts += (
                f". **Held out of every text: {', '.join(summary['hold_out'])}**, with every statement that mentions"
                f" them ({', '.join(summary['left_out_of_text'])}); their labels are kept"
            )
    return CorpusCard(
        title=f"PTB-XL, {summary['sampling_rate']} Hz",
        source="PTB-XL 1.0.3 (https://physionet.org/content/ptb-xl/1.0.3/)",
        script="dataset_scripts/ptb_xl.py",
        records=f"{describe_leads(summary)} of {SECONDS} s",
        splits="Splits are the standard ones: folds 1-8, 9, 10, no patient in two; `fold` says which.",
        texts=texts,
        labels=", as in the benchmark of Strodthoff et al. (2021)",
        label_sets=LABEL_SETS[:2] + LABEL_SETS[3:5],
        notes=[SAME_WAVEFORM, *([describe_withholding(summary["withhold"])] if "withhold" in summary else [])],
        licence="CC BY 4.0",
        citation="Cite Wagner et al., PTB-XL, a large publicly available electrocardiography dataset, Scientific Data"
        " 7:154 (2020), and PhysioNet.",
    )
