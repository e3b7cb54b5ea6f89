"""Cards of models and corpora, and pages of published weights."""

from .templates import CARD_NAME, PLACEHOLDER, model_kind, render_card, render_text

__all__ = ["CARD_NAME", "PLACEHOLDER", "model_kind", "render_card", "render_text"]
