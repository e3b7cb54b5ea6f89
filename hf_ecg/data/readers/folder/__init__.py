"""A person's own files, and a table of what is known of them."""

from .own_card import NOT_READ, write_not_read
from .own_corpus import OwnCorpus, OwnData, own_corpus
from .patient_folds import FOLDS
from .table_facts import LABELS, ColumnChoice

__all__ = ["FOLDS", "LABELS", "NOT_READ", "ColumnChoice", "OwnCorpus", "OwnData", "own_corpus", "write_not_read"]
