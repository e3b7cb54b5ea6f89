"""Medical knowledge: statements, texts, prompts, risk scores."""

from .prompts import PromptSet, lead_texts, load_merl_prompts, load_prompts
from .score2 import Score2Flag, Score2Risk, cholesterol_mg_dl_to_mmol_l, score2_risk
from .score2_tables import POPULATION_MEANS, RiskInputMeans
from .scp import (
    LABEL_SETS,
    Statement,
    compose_text,
    label_sets,
    labels_of,
    parse_scp_codes,
    read_statements,
    split_sentences,
)

__all__ = [
    "LABEL_SETS",
    "POPULATION_MEANS",
    "PromptSet",
    "RiskInputMeans",
    "Score2Flag",
    "Score2Risk",
    "Statement",
    "cholesterol_mg_dl_to_mmol_l",
    "compose_text",
    "label_sets",
    "labels_of",
    "lead_texts",
    "load_merl_prompts",
    "load_prompts",
    "parse_scp_codes",
    "read_statements",
    "score2_risk",
    "split_sentences",
]
