"""What a run's weights have seen, as evaluation must know it to call figures by the right name."""

from collections.abc import Sequence

from datasets import Dataset

from ..clinical.score2_tables import INPUTS
from ..data.corpus import find_config
from ..data.corpus_card import SIMULATED, read_summary
from ..data.readers.withholding import withholding_words
from ..data.risk import RISK_COLUMNS
from ..evaluation.protocol import SourceFacts, TrainingFacts, read_training_facts
from .data_sections import SourceSection
from .methods import Method, build_method
from .network import resolve_pretrained
from .recipe import Recipe

# more training texts are not listed in the facts: original reports seldom say a sentence twice
MOST_TEXTS = 20_000


def training_facts(
    recipe: Recipe, method: Method | None = None, sources: Sequence[Dataset | None] = (), model_config=None
) -> TrainingFacts:
    """An entry for each corpus of the recipe, and those that its pretrained weights have seen.

    Args:
        recipe: of the run.
        method: of the run; made of the recipe when left out.
        sources: the training rows; with them the facts say which inputs of a risk score they know.
        model_config: of the trained model.
    """
    method = method or build_method(recipe.method, recipe.data)
    rows = sources or [None] * len(recipe.data.sources)
    own = tuple(
        _source_facts(recipe, method, source, data, model_config)
        for source, data in zip(recipe.data.sources, rows, strict=True)
    )
    # weights that begin from others have seen what those saw
    origins = [read_training_facts(resolve_pretrained(path)) for path in recipe.model.init_from.values()]
    origins = [origin for origin in origins if origin]
    facts = TrainingFacts(recipe.method.name, recipe.run.seed, own, _trained_texts(method, sources, origins))
    return facts.merge(source for origin in origins for source in origin.sources)


def _trained_texts(
    method: Method, sources: Sequence[Dataset | None], origins: Sequence[TrainingFacts]
) -> tuple[str, ...] | None:
    """Those of the training rows and of the weights that the run begins with; None when some are not known."""
    texts = method.trained_texts(sources) if sources else None
    for origin in origins:
        if origin.trained_texts is not None:
            texts = None if texts is None else texts | set(origin.trained_texts)
        elif any(source.text_column for source in origin.sources):
            texts = None
    if texts is None or len(texts) > MOST_TEXTS:
        return None
    return tuple(sorted(texts))


def _source_facts(
    recipe: Recipe, method: Method, source: SourceSection, rows: Dataset | None, model_config
) -> SourceFacts:
    told = method.facts(model_config)
    summary = read_summary(source.path)
    words = {}
    if told.get("text_column") is not None:
        words = {
            "text_column": told["text_column"],
            "text_source": f"shuffled {summary.get('text_source')}"
            if told["shuffled"]
            else summary.get("text_source"),
            "hold_out": tuple(summary.get("hold_out") or ()),
            "withhold": withholding_words(summary["withhold"]) if summary.get("withhold") else None,
        }
    risk = None
    if told.get("risk_column") is not None:
        risk = risk_words(told["risk_column"], summary.get("risk"), rows)
        risk += ", shuffled across patients: a control" if told["shuffled"] else ""
    metadata = None
    if told.get("metadata"):
        metadata = ", ".join(f"column {name}" for name in told["metadata"])
        metadata += ", shuffled across patients: a control" if told["metadata_shuffled"] else ""
    present = set(rows.column_names) if rows is not None else None
    selected = source.folds.validation if recipe.validation is not None else []
    return SourceFacts(
        corpus=source.path,
        # by the configuration, evaluation knows its own corpus
        config=source.config or find_config(source.path),
        train_folds=tuple(sorted(source.folds.train)),
        validation_folds=tuple(sorted(selected)),
        # a column that this corpus does not have taught nothing on it
        label_sets=tuple(name for name in told.get("label_sets", ()) if present is None or name in present),
        targets=tuple(name for name in told.get("targets", ()) if present is None or name in present),
        risk=risk,
        features=told.get("features"),
        metadata=metadata,
        simulated=bool(summary.get(SIMULATED)),
        records=None if rows is None else len(rows),
        **words,
    )


def held_out_statements(recipe: Recipe, method: Method) -> list[str]:
    """Codes that some of the recipe's texts do not mention, by `hold_out` or `withhold`: neither they nor what gathers
    them may choose an epoch. Those of the weights that the run begins with are among them."""
    if method.facts(None).get("text_column") is None:
        return []
    codes: dict[str, None] = {}
    for source in recipe.data.sources:
        summary = read_summary(source.path)
        codes |= dict.fromkeys(summary.get("hold_out") or ())
        codes |= dict.fromkeys((summary.get("withhold") or {}).get("left_out_of_text") or ())
    for origin in recipe.model.init_from.values():
        facts = read_training_facts(resolve_pretrained(origin)) or TrainingFacts()
        codes |= dict.fromkeys(code for source in facts.sources for code in source.hold_out)
    return list(codes)


def risk_words(column: str, made: dict | None, rows: Dataset | None = None) -> str:
    """What a contrastive loss compares patients by, such as "column risk (SCORE2 ..., from age, sex)".

    Args:
        column: of the risk.
        made: what the corpus's summary says of the score.
        rows: of the corpus, of which the inputs of a risk score are read.
    """
    words = f"column {column}"
    if column not in RISK_COLUMNS or not made:
        return words
    words += f" ({made['score']}, {made['region'].replace('_', ' ')} region"
    if rows is not None:
        inputs = [name for name in ("age", "sex", *INPUTS) if name in rows.column_names]
        table = rows.with_format("arrow").select_columns(inputs)[:]
        known = [name for name in inputs if table[name].null_count < len(table)]
        words += f", from {', '.join(known)}" + (" alone" if len(known) == 2 else "")
    return words + ")"
