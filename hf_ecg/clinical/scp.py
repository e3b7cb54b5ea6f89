"""SCP-ECG statements of PTB-XL: their table, the codes of a record, label sets, and English sentences."""

import ast
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .tables import read_table

LABEL_SETS = ("superdiagnostic", "subdiagnostic", "diagnostic", "form", "rhythm", "all")
# In these a class is one statement; elsewhere it gathers several.
STATEMENT_LABEL_SETS = ("all", "diagnostic", "form", "rhythm")
SUPERCLASSES = ("NORM", "MI", "STTC", "CD", "HYP")
SEPARATOR = ". "
_COLUMNS = ("description", "diagnostic", "form", "rhythm", "diagnostic_class", "diagnostic_subclass")
# The 71 codes of scp_statements.csv: 44 diagnostic, 19 form, 12 rhythm, four of them diagnostic and form.
CODES = frozenset(
    """NDT NST_ DIG LNGQT NORM IMI ASMI LVH LAFB ISC_ IRBBB 1AVB IVCD ISCAL CRBBB CLBBB ILMI LAO/LAE AMI ALMI ISCIN
    INJAS LMI ISCIL LPFB ISCAS INJAL ISCLA RVH ANEUR RAO/RAE EL WPW ILBBB IPLMI ISCAN IPMI SEHYP INJIN INJLA PMI 3AVB
    INJIL 2AVB ABQRS PVC STD_ VCLVH QWAVE LOWT NT_ PAC LPR INVT LVOLT HVOLT TAB_ STE_ PRC(S) SR AFIB STACH SARRH SBRAD
    PACE SVARR BIGU AFLT SVTAC PSVT TRIGU""".split()
)
# Descriptions that lean on a heading of the table and mean nothing alone.
_WORDING = {
    "ISC_": "non-specific ischemic ST-T changes",
    "EL": "ST-T changes compatible with an electrolytic disturbance or a drug",
    "BIGU": "bigeminal pattern of supraventricular or ventricular origin",
    "TRIGU": "trigeminal pattern of supraventricular or ventricular origin",
    "VCLVH": "voltage criteria for left ventricular hypertrophy",
    "PRC(S)": "premature complexes",
    "WPW": "Wolff-Parkinson-White syndrome",
    "PACE": "normally functioning artificial pacemaker",
}


@dataclass(frozen=True)
class Statement:
    """One SCP-ECG statement.

    `sentence` is its wording in training texts; `superclass` and `subclass` are those of a diagnostic statement.
    """

    code: str
    sentence: str
    diagnostic: bool
    form: bool
    rhythm: bool
    superclass: str | None
    subclass: str | None


def read_statements(path) -> dict[str, Statement]:
    """Read `scp_statements.csv`.

    Args:
        path: the file of PTB-XL; its first column, which has no name, is the code.

    Returns:
        code -> statement, in the order of the file.

    Raises:
        ValueError: a missing column, or other codes than the 71 (a spreadsheet turns 1AVB into 1.0AVB).
        OSError: the file cannot be read.
    """
    rows = read_table(path, _COLUMNS)
    key = next(iter(rows[0]), "") if rows else ""
    found = [row[key] for row in rows]
    if set(found) != CODES or len(found) != len(CODES):
        raise ValueError(
            f"{path}: codes {sorted(set(found) - CODES)} are unknown, {sorted(CODES - set(found))} are missing,"
            f" {len(found)} rows for {len(CODES)} codes: was the file saved by a spreadsheet?"
        )
    return {row[key]: _statement(row[key], row) for row in rows}


def _statement(code: str, row: Mapping[str, str]) -> Statement:
    wording = _WORDING.get(code, row["description"].strip())
    wording = re.sub(r"^ischemic in ", "ischemic ST-T changes in ", wording)
    marks = {kind: row[kind].strip() in ("1", "1.0") for kind in ("diagnostic", "form", "rhythm")}
    return Statement(
        code=code,
        sentence=wording,
        superclass=row["diagnostic_class"].strip() or None,
        subclass=row["diagnostic_subclass"].strip() or None,
        **marks,
    )


def parse_scp_codes(text: str) -> dict[str, float]:
    """The `scp_codes` of a record: code -> likelihood in percent, 0 when it was not graded.

    Raises:
        ValueError: anything but the literal of a dict from names to numbers between 0 and 100.
    """
    try:
        codes = ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError) as error:
        raise ValueError(f"scp_codes is {str(text)[:80]!r}, wanted a dict such as {{'NORM': 100.0}}") from error
    if not isinstance(codes, dict):
        raise ValueError(f"scp_codes is {str(text)[:80]!r}, wanted a dict such as {{'NORM': 100.0}}")
    for code, likelihood in codes.items():
        number = isinstance(likelihood, int | float) and not isinstance(likelihood, bool)
        if not isinstance(code, str) or not number or math.isnan(likelihood) or not 0 <= likelihood <= 100:
            raise ValueError(f"scp_codes holds {code!r}: {likelihood!r}, wanted a code and a likelihood of 0 to 100")
    return {code: float(likelihood) for code, likelihood in codes.items()}


def label_sets(statements: Mapping[str, Statement]) -> dict[str, dict[str, tuple[str, ...]]]:
    """Label set -> class -> codes that belong to it. Classes are alphabetical, superdiagnostic as in the paper.

    Source: Strodthoff et al., Deep Learning for ECG Analysis (2021): the benchmark's five tasks and all statements.
    """
    chosen = list(statements.values())

    def grouped(name, order=None):
        classes: dict[str, list[str]] = {}
        for statement in chosen:
            if statement.diagnostic and getattr(statement, name):
                classes.setdefault(getattr(statement, name), []).append(statement.code)
        return {key: tuple(classes[key]) for key in order or sorted(classes)}

    def single(name):
        codes = sorted(s.code for s in chosen if name is None or getattr(s, name))
        return {code: (code,) for code in codes}

    return {
        "superdiagnostic": grouped("superclass", SUPERCLASSES),
        "subdiagnostic": grouped("subclass"),
        "diagnostic": single("diagnostic"),
        "form": single("form"),
        "rhythm": single("rhythm"),
        "all": single(None),
    }


def labels_of(codes: Iterable[str], classes: Mapping[str, tuple[str, ...]]) -> list[str] | None:
    """Classes of a label set that a record's codes fall in; None when it has no statement of this kind.

    A record without any statement of a kind was not annotated for that task (the benchmark removes such records); it
    is not a negative.
    """
    codes = set(codes)
    return [name for name, members in classes.items() if not codes.isdisjoint(members)] or None


def compose_text(
    codes: Mapping[str, float],
    statements: Mapping[str, Statement],
    min_likelihood: float = 0,
    hold_out: Iterable[str] = (),
) -> str:
    """English text of a record: the sentences of its statements.

    A likelihood of 1 to 49 gives "possible ..."; 0 means that it was not graded, not that it is absent.

    Args:
        codes: code -> likelihood, see `parse_scp_codes`.
        statements: see `read_statements`.
        min_likelihood: graded statements below it are left out.
        hold_out: codes whose every mention is left out, in other statements' sentences too.

    Returns:
        Sentences joined by ". ", in the order of the statements, so that equal statements give equal texts; empty when
        nothing is left.

    Raises:
        ValueError: a code that is not a statement.
    """
    unknown = [code for code in codes if code not in statements]
    if unknown:
        raise ValueError(f"{unknown} are not among the {len(statements)} statements")
    silent = mentioning(hold_out, statements)
    sentences = []
    for code in (code for code in statements if code in codes):
        likelihood = codes[code]
        if code in silent or 0 < likelihood < min_likelihood:
            continue
        certain, possible = wordings(statements[code].sentence)
        sentences.append(possible if 0 < likelihood < 50 else certain)
    return SEPARATOR.join(sentences)


def wordings(sentence: str) -> tuple[str, str]:
    """How a composed text says a statement's sentence: for certain, and as a possibility."""
    return sentence, f"possible {sentence}"


def split_sentences(text: str) -> list[str]:
    """The sentences that `compose_text` joined, or those of a report, without their final dots."""
    return [sentence for sentence in (part.strip(" .") for part in text.split(SEPARATOR)) if sentence]


def mentioning(hold_out: Iterable[str], statements: Mapping[str, Statement]) -> set[str]:
    """Codes whose sentence mentions a held-out statement as whole words, the held-out ones among them.

    LVH takes VCLVH along ("voltage criteria for left ventricular hypertrophy"); CLBBB does not take ILBBB, whose
    "incomplete left bundle branch block" is another word.

    Raises:
        ValueError: a code that is not a statement.
    """
    hold_out = list(hold_out)
    unknown = [code for code in hold_out if code not in statements]
    if unknown:
        raise ValueError(f"held-out {unknown} are not among the statements {sorted(statements)}")
    patterns = [re.compile(rf"(?<![\w-]){re.escape(statements[code].sentence)}(?![\w-])", re.I) for code in hold_out]
    return {
        code
        for code, statement in statements.items()
        if any(pattern.search(statement.sentence) for pattern in patterns)
    } | set(hold_out)
