"""Pictures: ECGs on standard paper, alone or with what a model says of them, training curves, similarities of ECGs and
texts, what was found for a query, embeddings.

Every function returns a matplotlib `Figure`, made without pyplot; `save_figure` writes it as PNG or SVG. matplotlib
comes with the extra `plot` and is imported when the first figure is made. On the command line:

    python -m hf_ecg.plotting record.hea --output ecg.png
"""

from ._figure import save_figure
from .answers import plot_answers
from .beats import plot_beats, plot_sentence, plot_vocabulary
from .delineation import plot_delineation
from .ecg import plot_ecg
from .embeddings import plot_embeddings, project_embeddings
from .explanation import plot_explanation
from .measured import plot_measured
from .retrieval import plot_retrieval
from .similarity import plot_similarity
from .training import plot_training

__all__ = [
    "plot_answers",
    "plot_beats",
    "plot_delineation",
    "plot_ecg",
    "plot_embeddings",
    "plot_explanation",
    "plot_measured",
    "plot_retrieval",
    "plot_sentence",
    "plot_similarity",
    "plot_training",
    "plot_vocabulary",
    "project_embeddings",
    "save_figure",
]
