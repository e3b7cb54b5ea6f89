"""SCP-ECG statements as PTB-XL uses them: what they mean, the tasks they make, and the English text made of them."""

import ast
import csv
import difflib
import math
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

# One sentence a statement, in the order texts list them: diagnostic, form, rhythm. They follow `description` of
# scp_statements.csv (PTB-XL 1.0.3), completed where it cannot stand alone ("ischemic in anterolateral leads"),
# shortened where it comments ("(former EDIS)"), and with Wolff's second f.
SENTENCES = {
    "NORM": "normal ECG",
    "IMI": "inferior myocardial infarction",
    "ILMI": "inferolateral myocardial infarction",
    "IPMI": "inferoposterior myocardial infarction",
    "IPLMI": "inferoposterolateral myocardial infarction",
    "AMI": "anterior myocardial infarction",
    "ASMI": "anteroseptal myocardial infarction",
    "ALMI": "anterolateral myocardial infarction",
    "LMI": "lateral myocardial infarction",
    "PMI": "posterior myocardial infarction",
    "INJIN": "subendocardial injury in inferior leads",
    "INJIL": "subendocardial injury in inferolateral leads",
    "INJAS": "subendocardial injury in anteroseptal leads",
    "INJAL": "subendocardial injury in anterolateral leads",
    "INJLA": "subendocardial injury in lateral leads",
    "NDT": "non-diagnostic T-wave abnormalities",
    "NST_": "non-specific ST changes",
    "DIG": "digitalis effect",
    "LNGQT": "long QT interval",
    "ANEUR": "ST-T changes compatible with ventricular aneurysm",
    "EL": "ST-T changes compatible with electrolyte disturbance or drug effect",
    "ISC_": "non-specific ischemic ST-T changes",
    "ISCAL": "ischemic ST-T changes in anterolateral leads",
    "ISCAS": "ischemic ST-T changes in anteroseptal leads",
    "ISCAN": "ischemic ST-T changes in anterior leads",
    "ISCLA": "ischemic ST-T changes in lateral leads",
    "ISCIN": "ischemic ST-T changes in inferior leads",
    "ISCIL": "ischemic ST-T changes in inferolateral leads",
    "LVH": "left ventricular hypertrophy",
    "RVH": "right ventricular hypertrophy",
    "SEHYP": "septal hypertrophy",
    "LAO/LAE": "left atrial overload or enlargement",
    "RAO/RAE": "right atrial overload or enlargement",
    "LAFB": "left anterior fascicular block",
    "LPFB": "left posterior fascicular block",
    "CLBBB": "complete left bundle branch block",
    "ILBBB": "incomplete left bundle branch block",
    "CRBBB": "complete right bundle branch block",
    "IRBBB": "incomplete right bundle branch block",
    "IVCD": "non-specific intraventricular conduction disturbance",
    "1AVB": "first degree AV block",
    "2AVB": "second degree AV block",
    "3AVB": "third degree AV block",
    "WPW": "Wolff-Parkinson-White syndrome",
    "ABQRS": "abnormal QRS",
    "PVC": "ventricular premature complex",
    "PAC": "atrial premature complex",
    "PRC(S)": "premature complexes",
    "STD_": "non-specific ST depression",
    "STE_": "non-specific ST elevation",
    "VCLVH": "voltage criteria for left ventricular hypertrophy",
    "QWAVE": "Q waves present",
    "LOWT": "low amplitude T waves",
    "INVT": "inverted T waves",
    "NT_": "non-specific T-wave changes",
    "TAB_": "T-wave abnormality",
    "LPR": "prolonged PR interval",
    "LVOLT": "low QRS voltages in the frontal and horizontal leads",
    "HVOLT": "high QRS voltage",
    "SR": "sinus rhythm",
    "AFIB": "atrial fibrillation",
    "AFLT": "atrial flutter",
    "STACH": "sinus tachycardia",
    "SBRAD": "sinus bradycardia",
    "SARRH": "sinus arrhythmia",
    "SVARR": "supraventricular arrhythmia",
    "SVTAC": "supraventricular tachycardia",
    "PSVT": "paroxysmal supraventricular tachycardia",
    "PACE": "normal functioning artificial pacemaker",
    "BIGU": "bigeminal pattern",
    "TRIGU": "trigeminal pattern",
}
SUPERCLASSES = ("NORM", "MI", "STTC", "CD", "HYP")
LABEL_SETS = ("superdiagnostic", "subdiagnostic", "diagnostic", "form", "rhythm", "all")
POSSIBLE = "possible "
# A graded statement under this likelihood (percent) is worded as a possibility.
CERTAIN_LIKELIHOOD = 50

_COLUMNS = ("description", "diagnostic", "form", "rhythm", "diagnostic_class", "diagnostic_subclass")


@dataclass(frozen=True)
class Statement:
    """One SCP-ECG statement.

    Args:
        code: such as "AFIB".
        sentence: how texts word it.
        description: of scp_statements.csv.
        diagnostic, form, rhythm: the kinds it belongs to; four statements are both diagnostic and form.
        superclass, subclass: of a diagnostic statement, else None.
    """

    code: str
    sentence: str
    description: str
    diagnostic: bool
    form: bool
    rhythm: bool
    superclass: str | None
    subclass: str | None


def read_statements(csv_path: str | os.PathLike) -> dict[str, Statement]:
    """Reads PTB-XL's scp_statements.csv.

    Args:
        csv_path: the file; its first column holds the codes.

    Returns:
        code -> statement, in the order of `SENTENCES`.

    Raises:
        OSError: the file cannot be read.
        ValueError: columns or codes are missing, unknown (a spreadsheet turns 1AVB into 1.0AVB) or there twice, or a
            flag or class makes no sense.
    """
    with open(csv_path, encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file, restval="")
        absent = [column for column in _COLUMNS if column not in (reader.fieldnames or ())]
        if absent:
            raise ValueError(f"{csv_path} has no column {', '.join(absent)}; it has {reader.fieldnames}")
        rows = list(reader)
    codes = [row[reader.fieldnames[0]] for row in rows]
    unknown = sorted(set(codes) - set(SENTENCES))
    missing = sorted(set(SENTENCES) - set(codes))
    if unknown or missing:
        raise ValueError(
            f"{csv_path}: unknown codes {unknown}, missing codes {missing}; wanted the {len(SENTENCES)} of PTB-XL"
            " (a file saved by a spreadsheet may hold 1.0AVB for 1AVB)"
        )
    if len(codes) != len(set(codes)):
        raise ValueError(f"{csv_path} has twice: {sorted({code for code in codes if codes.count(code) > 1})}")
    found = {code: _statement(code, row, csv_path) for code, row in zip(codes, rows, strict=True)}
    return {code: found[code] for code in SENTENCES}


def parse_scp_codes(text: str) -> dict[str, float]:
    """Reads the column `scp_codes` of PTB-XL, a Python dict literal such as "{'NORM': 100.0, 'SR': 0.0}".

    Returns:
        code -> likelihood in percent; 0 stands for "present, not graded".

    Raises:
        ValueError: no literal dict of strings to numbers in 0..100.
    """
    try:
        codes = ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError) as error:
        raise ValueError(f"scp_codes is {text!r}, wanted a dict literal such as {{'NORM': 100.0}}") from error
    if not isinstance(codes, dict):
        raise ValueError(f"scp_codes is {text!r}, wanted a dict literal such as {{'NORM': 100.0}}")
    for code, likelihood in codes.items():
        number = isinstance(likelihood, int | float) and not isinstance(likelihood, bool)
        if not isinstance(code, str) or not number or not 0 <= likelihood <= 100:
            raise ValueError(f"scp_codes has {code!r}: {likelihood!r}, wanted a code with a likelihood of 0 to 100")
    return {code: float(likelihood) for code, likelihood in codes.items()}


def label_sets(statements: Mapping[str, Statement]) -> dict[str, dict[str, tuple[str, ...]]]:
    """The classification tasks of PTB-XL (Strodthoff et al., 2021) as label set -> class -> statements of it.

    Classes are in alphabetical order (of code points, so `_AVB` comes last); superdiagnostic is NORM, MI, STTC, CD,
    HYP.
    """
    every = list(statements.values())

    def gather(key, members) -> dict[str, tuple[str, ...]]:
        classes: dict[str, list[str]] = {}
        for statement in members:
            classes.setdefault(key(statement), []).append(statement.code)
        return {name: tuple(classes[name]) for name in sorted(classes)}

    diagnostic = [statement for statement in every if statement.diagnostic]
    superdiagnostic = gather(lambda statement: statement.superclass, diagnostic)
    return {
        "superdiagnostic": {name: superdiagnostic[name] for name in SUPERCLASSES if name in superdiagnostic},
        "subdiagnostic": gather(lambda statement: statement.subclass, diagnostic),
        "diagnostic": gather(lambda statement: statement.code, diagnostic),
        "form": gather(lambda statement: statement.code, [s for s in every if s.form]),
        "rhythm": gather(lambda statement: statement.code, [s for s in every if s.rhythm]),
        "all": gather(lambda statement: statement.code, every),
    }


def mentions(codes: Iterable[str], statements: Mapping[str, Statement]) -> frozenset[str]:
    """Statements whose sentence holds the sentence of one of `codes` as whole words, these included.

    "voltage criteria for left ventricular hypertrophy" mentions LVH; "incomplete left bundle branch block" does not
    mention CLBBB.

    Raises:
        ValueError: an unknown code (the nearest is named).
    """
    found = set()
    for code in codes:
        require_known(code, statements)
        words = re.compile(rf"(?<![\w-]){re.escape(statements[code].sentence)}(?![\w-])", re.IGNORECASE)
        found.update(other.code for other in statements.values() if words.search(other.sentence))
    return frozenset(found)


def compose_text(
    codes: Mapping[str, float],
    statements: Mapping[str, Statement],
    min_likelihood: float = 0,
    hold_out: Iterable[str] = (),
) -> str:
    """English text of a record: the sentences of its statements, joined by ". ", without a final dot.

    Equal sets of statements give equal texts, whatever the order of `codes`.

    Args:
        codes: code -> likelihood in percent. 1 to 49 is worded "possible ..."; 0 is not graded, so neither doubtful
            nor absent.
        statements: as `read_statements` gives them.
        min_likelihood: graded statements below it are left out; those not graded stay.
        hold_out: codes of statements to leave unmentioned, see `mentions`.

    Returns:
        Such as "inferior myocardial infarction. possible left ventricular hypertrophy. sinus rhythm"; empty when
        nothing is left.

    Raises:
        ValueError: an unknown code, or a minimum outside 0 to 100.
    """
    if not 0 <= min_likelihood <= 100 or not math.isfinite(min_likelihood):
        raise ValueError(f"min_likelihood is {min_likelihood!r}, wanted a percentage: 0 to 100")
    for code in codes:
        require_known(code, statements)
    left_out = mentions(hold_out, statements) if hold_out else frozenset()
    sentences = []
    for code, statement in statements.items():
        likelihood = codes.get(code)
        if likelihood is None or code in left_out or 0 < likelihood < min_likelihood:
            continue
        sentences.append(POSSIBLE * (0 < likelihood < CERTAIN_LIKELIHOOD) + statement.sentence)
    return ". ".join(sentences)


def split_sentences(text: str) -> list[str]:
    """Sentences of a text, without their final dots; `compose_text`'s come back as they went in."""
    return [part.strip().rstrip(".") for part in re.split(r"\.\s+", text) if part.strip(" .\t\n")]


def require_known(code: str, statements: Mapping[str, Statement]) -> None:
    """Raises ValueError for a code that is not among the statements, naming the nearest."""
    if code not in statements:
        near = difflib.get_close_matches(code, statements, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise ValueError(f"{code!r} is not one of the {len(statements)} SCP statements{hint}")


def _statement(code: str, row: Mapping[str, str], csv_path) -> Statement:
    flags = {}
    for kind in ("diagnostic", "form", "rhythm"):
        if row[kind].strip() not in ("", "0", "0.0", "1", "1.0"):
            raise ValueError(f"{csv_path}: {kind} of {code} is {row[kind]!r}, wanted 1.0 or nothing")
        flags[kind] = row[kind].strip() in ("1", "1.0")
    superclass, subclass = (row[name].strip() or None for name in ("diagnostic_class", "diagnostic_subclass"))
    if not any(flags.values()):
        raise ValueError(f"{csv_path}: {code} is neither diagnostic nor form nor rhythm")
    if flags["diagnostic"] and (superclass not in SUPERCLASSES or subclass is None):
        raise ValueError(
            f"{csv_path}: {code} is diagnostic with class {superclass!r} and subclass {subclass!r}, wanted one of"
            f" {SUPERCLASSES} and a subclass"
        )
    if not flags["diagnostic"]:
        superclass = subclass = None
    return Statement(code, SENTENCES[code], row["description"], **flags, superclass=superclass, subclass=subclass)
