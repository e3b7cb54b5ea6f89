"""Models and corpora on the Hugging Face Hub, with cards that say what was measured and what was not."""

from .card_files import write_card
from .push import push_corpus, push_run
from .space import push_space, write_space

__all__ = ["push_corpus", "push_run", "push_space", "write_card", "write_space"]
