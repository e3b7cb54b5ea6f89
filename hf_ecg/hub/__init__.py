"""Models and corpora on the Hugging Face Hub, with cards that say what was measured and what was not."""

from .card_files import write_card
from .push import push_corpus, push_run

__all__ = ["push_corpus", "push_run", "write_card"]
