"""Statements of which a composed text says nothing though they may hold: not false, but not known."""

from collections.abc import Mapping, Sequence

import datasets

from ..clinical.scp import wordings
from .corpus import has_label_set, label_names
from .mixing import MixedRows
from .readers.withholding import WITHHELD
from .text_ids import text_id

UNKNOWN_STATEMENTS = (WITHHELD, UNANNOTATED) = (WITHHELD, "unannotated")
# The label sets of PTB-XL in which a class is one statement, and which a record may not be annotated for.
STATEMENT_SETS = ("diagnostic", "form", "rhythm")
# Of a corpus whose texts are composed of statements: code -> sentence. See `data.readers.ptb_xl`.
SENTENCES_FACT = "statement_sentences"


class UnknownStatements:
    """Which sentences of statements are not known of a record.

    Args:
        kinds: some of `UNKNOWN_STATEMENTS`. "withheld": the statements that an experiment left out of the texts of
            some patients, in their records. "unannotated": those of the label sets that are null for the record, as
            long as no other label set of `STATEMENT_SETS` that lists the statement is annotated. A record of which a
            label set has nothing but statements that the corpus holds out of its texts counts as not annotated: what
            is trained must not depend on them.
        sources: the rows of every corpus.
        summaries: what their preparation wrote, `SENTENCES_FACT` among it.

    Attributes:
        columns: those that rows need.

    Raises:
        ValueError: an unknown kind; a corpus whose summary does not say which sentences its statements have; for
            "unannotated", one without a label set of statements.
    """

    def __init__(self, kinds: Sequence[str], sources: Sequence[datasets.Dataset], summaries: Sequence[Mapping]):
        if strange := sorted(set(kinds) - set(UNKNOWN_STATEMENTS)):
            raise ValueError(f"unknown_statements has {strange}, wanted some of {UNKNOWN_STATEMENTS}")
        wanted = statement_columns(kinds)
        self.columns = [name for name in wanted if any(name in source.column_names for source in sources)]
        classes = {name: MixedRows(sources, [name]).label_classes(name) for name in self.columns if name != WITHHELD}
        self._sources = [_Source(kinds, classes, *one) for one in zip(sources, summaries, strict=True)]

    def of(self, row: Mapping) -> list[int]:
        """Ids of the sentences that are not known of a record, as `MixedRows` gives its row."""
        return self._sources[row.get("source", 0)].of(row)


def statement_columns(kinds: Sequence[str]) -> list[str]:
    """Columns that say what is not known: `withheld` and label sets."""
    return [*([WITHHELD] if WITHHELD in kinds else []), *(STATEMENT_SETS if UNANNOTATED in kinds else [])]


class _Source:
    """One corpus; what is not known depends on few columns, and each combination is worked out once."""

    def __init__(
        self, kinds: Sequence[str], classes: Mapping[str, Sequence[str]], rows: datasets.Dataset, summary: Mapping
    ):
        withheld = (summary.get("withhold") or {}).get("left_out_of_text", ())
        self._withheld = frozenset(withheld if WITHHELD in kinds else ())
        self._sets: dict[str, frozenset[str]] = {}
        if UNANNOTATED in kinds:
            names = [name for name in STATEMENT_SETS if has_label_set(rows, name)]
            self._sets = {name: frozenset(label_names(rows, name)) for name in names}
            if not names:
                raise ValueError(f"unknown_statements is {list(kinds)}, but a corpus has none of {STATEMENT_SETS}")
        self._sentences = summary.get(SENTENCES_FACT) or {}
        absent = sorted(self._withheld.union(*self._sets.values()) - set(self._sentences))
        if absent:
            raise ValueError(
                f"unknown_statements is {list(kinds)}, but the summary of the corpus has no {SENTENCES_FACT} of"
                f" {absent[:5]}: wanted a corpus whose texts are composed of statements, prepared by this version"
            )
        held_out = set(summary.get("hold_out") or ())
        # by the numbers that `MixedRows` gives
        self._held_out = {
            name: frozenset(number for number, code in enumerate(classes[name]) if code in held_out)
            for name in self._sets
        }
        self._known: dict[tuple, list[int]] = {}

    def of(self, row: Mapping) -> list[int]:
        key = (bool(self._withheld and row[WITHHELD]), *(self._is_null(name, row[name]) for name in self._sets))
        if key not in self._known:
            null = [codes for codes, is_null in zip(self._sets.values(), key[1:], strict=True) if is_null]
            there = [codes for codes, is_null in zip(self._sets.values(), key[1:], strict=True) if not is_null]
            codes = frozenset().union(*null) - frozenset().union(*there) | (self._withheld if key[0] else frozenset())
            self._known[key] = [text_id(text) for code in sorted(codes) for text in wordings(self._sentences[code])]
        return self._known[key]

    def _is_null(self, name: str, numbers: Sequence[int] | None) -> bool:
        return numbers is None or (len(numbers) > 0 and self._held_out[name].issuperset(map(int, numbers)))
