"""Medical knowledge: statements, texts, reports, waveform features, prompts, risk scores."""

from .described_reports import described_report
from .prompts import PromptSet, lead_texts, load_merl_prompts, load_prompts
from .report_statements import codes_of_report
from .reports import REPORT_RULES, ReportRules, clean_report, duplicate_groups, refusal, report_language
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
from .waveform_features import WAVEFORM_FEATURES, WaveformFeature, features_of_codes, features_of_report

__all__ = [
    "LABEL_SETS",
    "POPULATION_MEANS",
    "REPORT_RULES",
    "WAVEFORM_FEATURES",
    "PromptSet",
    "ReportRules",
    "RiskInputMeans",
    "Score2Flag",
    "Score2Risk",
    "Statement",
    "WaveformFeature",
    "cholesterol_mg_dl_to_mmol_l",
    "clean_report",
    "codes_of_report",
    "compose_text",
    "described_report",
    "duplicate_groups",
    "features_of_codes",
    "features_of_report",
    "label_sets",
    "labels_of",
    "lead_texts",
    "load_merl_prompts",
    "load_prompts",
    "parse_scp_codes",
    "read_statements",
    "refusal",
    "report_language",
    "score2_risk",
    "split_sentences",
]
