"""Cardiovascular risk as columns of a corpus, worked out where its rows are made."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from datasets import Value

from ..clinical.score2 import score2_risk
from .builder import Corpus
from .schema import RISK_INPUTS

RISK_COLUMNS = {"risk": Value("float32"), "risk_missing_rate": Value("float32")}


@dataclass(frozen=True)
class RiskColumns:
    """Adds to rows the SCORE2 risk of what they know."""

    region: str
    out_of_range: str

    def __call__(self, rows: list[dict]) -> list[dict]:
        inputs = {name: [row.get(name) for row in rows] for name in ("age", "sex", *RISK_INPUTS)}
        result = score2_risk(**inputs, region=self.region, out_of_range=self.out_of_range, implausible="missing")
        risks = zip(rows, result.risk.tolist(), result.missing_rate.tolist(), strict=True)
        return [
            row | {"risk": None if math.isnan(risk) else risk, "risk_missing_rate": rate} for row, risk, rate in risks
        ]


def with_risk(corpus: Corpus, region: str, out_of_range: str = "nan") -> Corpus:
    """The corpus with the columns `risk` (in [0, 1], null: none) and `risk_missing_rate`; see `score2_risk`.

    Args:
        corpus: any; inputs that its rows do not know are filled, which `risk_missing_rate` tells.
        region: "low", "moderate", "high" or "very_high".
        out_of_range: "nan", "clip" or "extrapolate" for ages under 40 and over 89.

    Raises:
        ValueError: an unknown region or treatment of ages.
    """
    columns = RiskColumns(region, out_of_range)
    columns([])
    features = corpus.features.copy()
    features.update(RISK_COLUMNS)
    facts = corpus.facts | {"risk": {"score": "SCORE2, SCORE2-OP", "region": region, "out_of_range": out_of_range}}
    card = _RiskCard(corpus.card, region, out_of_range)
    return replace(corpus, features=features, complete=columns, facts=facts, card=card)


@dataclass(frozen=True)
class _RiskCard:
    card: Callable
    region: str
    out_of_range: str

    def __call__(self, summary: dict):
        card = self.card(summary)
        ages = {"nan": "have none", "clip": "get that of 40 or 89", "extrapolate": "get the equation's at their age"}
        prior = "get that of a first event" if self.out_of_range != "nan" else "have none"
        prior = f"Patients known to have had cardiovascular disease (`prior_disease`) {prior}."
        note = (
            f"`risk`: 10-year risk by SCORE2 and SCORE2-OP for a region of {self.region.replace('_', ' ')} risk, to"
            f" compare patients by, no medical advice; ages under 40 and over 89 {ages[self.out_of_range]}."
            f" {prior} Unknown inputs are filled by means of sex and age; `risk_missing_rate` is their share of five."
        )
        return replace(card, notes=[*card.notes, note])
