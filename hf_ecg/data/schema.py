"""Columns of a prepared corpus: what a row holds, whatever it was read from."""

from collections.abc import Mapping, Sequence

import datasets
from datasets import ClassLabel, Features, LargeList, List, Value

# What `clinical.score2_risk` asks for beside age and sex, under its names. Every corpus has these columns, so that
# corpora can be joined; null = not known, which is not "no".
RISK_INPUTS = {
    "smoker": Value("bool"),
    "sbp_mmhg": Value("float32"),
    "total_cholesterol_mmol_l": Value("float32"),
    "hdl_cholesterol_mmol_l": Value("float32"),
    "diabetes": Value("bool"),
    "prior_disease": Value("bool"),
}

# Added by the builder: why no model can use the row (`signals.usability`), "" where one can. Null in rows that nobody
# looked at.
UNUSABLE = "unusable"


def row_features(
    num_leads: int,
    num_samples: int | None,
    label_sets: Mapping[str, Sequence[str]],
    extra: Mapping[str, object] | None = None,
) -> Features:
    """Features of a corpus.

    Args:
        num_leads: leads of every record.
        num_samples: samples of every record, or None when they differ.
        label_sets: label set -> class names, in the order of their numbers. One column each; null = not annotated for
            this task, an empty list = none of the classes.
        extra: further columns of one corpus, such as its device.

    Returns:
        `signal`: flat int16 counts, lead-major, -32768 where missing; mV = (count - baseline) / gain.

    Raises:
        ValueError: a label set or further column whose name is taken.
    """
    counts = Value("int16")
    signal = LargeList(counts) if num_samples is None else List(counts, length=num_leads * num_samples)
    columns = {
        "record_id": Value("string"),
        "patient_id": Value("string"),
        "signal": signal,
        "num_samples": Value("int32"),
        "sampling_rate": Value("float32"),
        "leads": List(Value("string")),
        "gain": List(Value("float32")),
        "baseline": List(Value("float32")),
        "age": Value("float32"),
        "sex": Value("string"),
        **RISK_INPUTS,
        "fold": Value("int8"),
        "report": Value("string"),
        "text": Value("string"),
    }
    labels = {name: List(ClassLabel(names=list(classes))) for name, classes in label_sets.items()}
    for more in (extra or {}, labels):
        taken = sorted(set(columns) & set(more))
        if taken:
            raise ValueError(f"the columns {taken} are those of every row; choose other names")
        columns |= more
    return datasets.Features(columns)
