"""What an ECG shows when a statement holds: a table from SCP statements to waveform features, with sources.

`waveform_features.csv` covers 70 of the 71 statements; septal hypertrophy (SEHYP) has no criteria in the sources.

Sources: AHA/ACCF/HRS Recommendations for the Standardization and Interpretation of the Electrocardiogram, Part III
(Surawicz et al., 2009), IV (Rautaharju et al.), V (Hancock et al.), VI (Wagner et al.); Fourth Universal Definition of
Myocardial Infarction (Thygesen et al., 2018); SCP-ECG (EN 1064), annex B, for what a statement's own name says; for
rhythms, which these leave undefined, ACC/AHA/HRS 2015 (supraventricular tachycardia) and 2018 (bradycardia) and ESC
2020 (atrial fibrillation).

**The rows were written from memory of these papers, and no page was at hand.** The conduction criteria of Part III and
the ST and T thresholds of the Universal Definition's Table 2 agree with secondary summaries; nothing else was checked.
Section and table names lead to the place; they are not page references. Infarction statements are read as prior
infarction (Table 3), whose Q waves are required; an acute one may lack them. Which leads a statement's region means is
the usual division of the chest leads, which the sources leave partly open.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

from .prompts import FOLDER, load_prompts
from .report_statements import codes_of_report, mentions
from .scp import CODES
from .tables import read_table

TABLE = Path(__file__).with_name("waveform_features.csv")
STRENGTHS = ("required", "supportive", "possible")
# How much a feature counts where a statement is told by its features; chosen before any figure was seen.
STRENGTH_WEIGHTS = MappingProxyType({"required": 1.0, "supportive": 0.5, "possible": 0.0})
_COLUMNS = ("code", "feature", "leads", "strength", "stated_as", "equals_prompt", "source")


@dataclass(frozen=True)
class WaveformFeature:
    """A feature of the waveform that goes with a statement.

    Args:
        code: the SCP statement, as in the label set `all`.
        feature: plain English, without a full stop.
        leads: those the text names; empty when it names none.
        strength: "required": the statement's criteria cannot be met without it. "supportive": one criterion of
            several, or usual. "possible": seen in some.
        source: document and section.
        stated_as: statements that a reader gives for this feature, in whatever leads: what to compare it with when
            nobody annotated the feature itself. They are not exhaustive.
        equals_prompt: the text is also a prompt of `prompts/`, so that text enriched with it hands over the label.
    """

    code: str
    feature: str
    leads: tuple[str, ...]
    strength: str
    source: str
    stated_as: tuple[str, ...] = ()
    equals_prompt: bool = False


def read_waveform_features(path=TABLE) -> tuple[WaveformFeature, ...]:
    """The rows of a table of waveform features, in its order.

    Args:
        path: CSV with the columns of the package's own `waveform_features.csv`; `leads` and `stated_as` hold names
            with spaces between, `equals_prompt` is "yes" or empty.

    Raises:
        ValueError: a missing column or value, an unknown code or strength, a feature that stands twice for a code.
        OSError: the file cannot be read.
    """
    features: dict[tuple[str, str], WaveformFeature] = {}
    for number, row in enumerate(read_table(path, _COLUMNS), start=2):
        codes = [row["code"], *row["stated_as"].split()]
        if unknown := [code for code in codes if code not in CODES]:
            raise ValueError(f"{path}, line {number}: {unknown} are not SCP statements")
        if row["strength"] not in STRENGTHS or row["equals_prompt"] not in ("", "yes"):
            found = f"strength {row['strength']!r}, equals_prompt {row['equals_prompt']!r}"
            raise ValueError(f"{path}, line {number}: {found}, wanted one of {STRENGTHS}, and 'yes' or nothing")
        if not row["feature"].strip() or not row["source"].strip():
            raise ValueError(f"{path}, line {number}: a feature without text or source")
        key = row["code"], row["feature"]
        if key in features:
            raise ValueError(f"{path}, line {number}: {row['feature']!r} stands twice for {row['code']}")
        features[key] = WaveformFeature(
            *key,
            leads=tuple(row["leads"].split()),
            strength=row["strength"],
            source=row["source"],
            stated_as=tuple(row["stated_as"].split()),
            equals_prompt=row["equals_prompt"] == "yes",
        )
    return tuple(features.values())


WAVEFORM_FEATURES = read_waveform_features()
# Each text once, in the table's order.
FEATURE_TEXTS = tuple(dict.fromkeys(row.feature for row in WAVEFORM_FEATURES))


def features_of_codes(codes: Iterable[str]) -> list[WaveformFeature]:
    """The table's rows for some statements, statement by statement in the order given.

    Raises:
        ValueError: a code that is not an SCP statement.

    Example:
        >>> [row.feature for row in features_of_codes(["LPR"])]
        ['prolonged PR interval (over 200 ms)']
    """
    codes = list(dict.fromkeys(codes))
    if unknown := [code for code in codes if code not in CODES]:
        raise ValueError(f"{unknown} are not SCP statements, such as LVH or 1AVB")
    return [row for code in codes for row in _rows_by_code().get(code, ())]


@lru_cache
def _rows_by_code() -> dict[str, list[WaveformFeature]]:
    rows: dict[str, list[WaveformFeature]] = {}
    for row in WAVEFORM_FEATURES:
        rows.setdefault(row.code, []).append(row)
    return rows


def features_of_report(text: str) -> list[str]:
    """Texts of the features that go with the statements a report makes, in its order, each once.

    They are what to look for in the ECG, required, supportive and possible ones alike; whether it shows them is
    another question. A report that says nothing known gives none.

    Args:
        text: a machine report, a text that `compose_text` made, or an original report; see `codes_of_report`.

    Example:
        >>> features_of_report("Prolonged PR interval. No atrial fibrillation")
        ['prolonged PR interval (over 200 ms)']
    """
    return list(dict.fromkeys(row.feature for row in features_of_codes(codes_of_report(text))))


def features_without(codes: Iterable[str]) -> tuple[str, ...]:
    """The table's feature texts that name none of some SCP statements, see `report_statements.mentions`.

    Texts that were rid of every mention of a statement must not get it back as a feature's.
    """
    codes = set(codes)
    return tuple(text for text in FEATURE_TEXTS if not (codes and mentions(text, codes)))


def is_evaluated_prompt(feature: str) -> bool:
    """Whether a text is a prompt of a prompt set of the package, spelling aside (case, hyphens, plural).

    Text enriched with it hands a model the very words it is asked for later.
    """
    return _plain(feature) in _evaluated_prompts()


@lru_cache
def _evaluated_prompts() -> frozenset[str]:
    sets = [load_prompts(path) for path in sorted(FOLDER.glob("*.yaml"))]
    return frozenset(_plain(text) for prompts in sets for texts in prompts.classes.values() for text in texts)


def _plain(text: str) -> str:
    return " ".join(re.sub(r"(?<=\w\w\w)s$", "", word) for word in re.findall(r"\w+", text.lower()))
