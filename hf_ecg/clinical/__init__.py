"""Medical knowledge: statements, texts, prompts."""

from .prompts import PromptSet, load_prompts
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
    "PromptSet",
    "Statement",
    "compose_text",
    "label_sets",
    "labels_of",
    "load_prompts",
    "parse_scp_codes",
    "read_statements",
    "split_sentences",
]
