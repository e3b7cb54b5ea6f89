"""Which waveform features are true of a record, which are false, and which nobody can tell: columns of a corpus.

These are weak labels: rules hold measurements of the signal against published bounds, and no person has looked.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from datasets import ClassLabel, Features, List, Value

from ..clinical.feature_rules.answers import KEPT, REJECTED, UNDECIDED, feature_answers
from ..signals.delineation import MEASUREMENT_NAMES, measurements_of
from .measured_rows import MEASUREMENT_NAMES_FACT, MEASUREMENTS

TRUE_FEATURES, FALSE_FEATURES = "true_features", "false_features"
# Of the summary, and the verifier that asks the measurements.
FEATURE_TRUTH, MEASURED = "feature_truth", "measured"
_CHUNK = 1024


def truth_features(names: Sequence[str], measured: bool = True) -> Features:
    """The columns: what is true, what is false, and the measurements that decided it.

    Args:
        names: the features' texts, which are the names of the classes.
        measured: whether there are measurements.
    """
    columns = {name: List(ClassLabel(names=list(names))) for name in (TRUE_FEATURES, FALSE_FEATURES)}
    numbers = {MEASUREMENTS: List(Value("float32"), length=len(MEASUREMENT_NAMES))} if measured else {}
    return Features(columns | numbers)


def feature_states(values: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """int8 (rows, features): what the rules say of measurements (rows, `MEASUREMENT_NAMES`), see `feature_answers`."""
    states = [np.empty((0, len(names)), np.int8)]
    for start in range(0, len(values), _CHUNK):
        part = (measurements_of(row) for row in values[start : start + _CHUNK])
        states.append(feature_answers(part, names).states)
    return np.concatenate(states)


def truth_columns(states: np.ndarray, values: np.ndarray | None, names: Sequence[str]) -> dict:
    """The columns of one row; null where nothing was measured nor decided.

    Args:
        states: int8 (features,).
        values: (`MEASUREMENT_NAMES`,), or None where the corpus has no measurements.
        names: the features' texts.
    """
    known = bool((states != UNDECIDED).any()) or (values is not None and bool(np.isfinite(values).any()))
    labels = {
        column: [names[place] for place in np.flatnonzero(states == state)] if known else None
        for column, state in ((TRUE_FEATURES, KEPT), (FALSE_FEATURES, REJECTED))
    }
    if values is None:
        return labels
    return labels | {MEASUREMENTS: values.astype(np.float32) if np.isfinite(values).any() else None}


def truth_facts(states: np.ndarray, names: Sequence[str], left_out: Sequence[str], verifiers: Sequence[str]) -> dict:
    """What the summary tells.

    Args:
        states: int8 (rows, features).
        names: the features' texts.
        left_out: features that state what is held out of the texts.
        verifiers: which decided, in the order in which they were asked.
    """
    rows = max(len(states), 1)
    facts = {
        "features": len(names),
        "verifiers": list(verifiers),
        "features_that_state_held_out": list(left_out),
        "decided": round(float((states != UNDECIDED).mean()), 4) if states.size else 0.0,
        "shares": {
            name: {"true": round(float(true) / rows, 4), "false": round(float(false) / rows, 4)}
            for name, true, false in zip(names, (states == KEPT).sum(0), (states == REJECTED).sum(0), strict=True)
        },
    }
    names_of_numbers = {MEASUREMENT_NAMES_FACT: list(MEASUREMENT_NAMES)} if MEASURED in verifiers else {}
    return {FEATURE_TRUTH: facts} | names_of_numbers


def truth_notes(summary: Mapping) -> list[str]:
    """What a card says of these columns."""
    return list(_notes(summary))


def _notes(summary: Mapping) -> Iterator[str]:
    facts = summary[FEATURE_TRUTH]
    never = [name for name, share in facts["shares"].items() if share["true"] + share["false"] == 0]
    yield (
        f"`{TRUE_FEATURES}`, `{FALSE_FEATURES}`: **weak labels.** Rules hold measurements of the signal against bounds"
        f" ({', '.join(facts['verifiers'])}); no person has looked, and the labels of the statements were not used."
        f" A feature in neither list is undecided; null: nothing was decided. {facts['decided']:.0%} of all pairs of a"
        f" record and one of {facts['features']} features are decided; {len(never)} features in no record."
    )
    if summary.get("hold_out"):
        yield f"Held out of every text: {', '.join(summary['hold_out'])}; their labels are kept."
    if facts["features_that_state_held_out"]:
        yield f"Features that state what is held out are left out: {'; '.join(facts['features_that_state_held_out'])}."
    if MEASUREMENT_NAMES_FACT in summary:
        yield (
            f"`{MEASUREMENTS}`: {len(summary[MEASUREMENT_NAMES_FACT])} numbers in ms, mV, degrees and beats a minute,"
            f" NaN where not measured. Their names, such as `qrs_ms` and `V1_r_mv`, are `{MEASUREMENT_NAMES_FACT}` of"
            " summary.json, in this order."
        )
