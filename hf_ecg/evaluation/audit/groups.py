"""Groups of records that a model is compared over: sex, age, device, site, quality of the signal."""

from collections.abc import Sequence

import numpy as np

from ...data.rows import RowDataset
from ...processing.inputs import read_row
from ...signals.quality import check_quality
from ...signals.units import counts_to_millivolts

AGE_BANDS = (40, 60, 75)
SEX, AGE, DEVICE, SITE, QUALITY, WANDER = ATTRIBUTES = (
    "sex",
    "age",
    "device",
    "site",
    "signal quality",
    "baseline wander",
)
FLAGGED, UNFLAGGED = "a flag of check_quality", "no flag"
_COLUMNS = {SEX: "sex", DEVICE: "device", SITE: "site"}


def record_groups(
    rows, extra: Sequence[str] = (), age_bands: Sequence[float] = AGE_BANDS
) -> tuple[dict[str, list[str | None]], dict[str, str]]:
    """The group of each record, by attribute.

    Args:
        rows: of a corpus.
        extra: further columns of the corpus, each value a group.
        age_bands: first ages of all bands but the youngest.

    Returns:
        Attribute -> (rows,) names, None where it is not known; and attribute -> why it is not there.

    Raises:
        ValueError: an extra column that the corpus does not have, or bands that do not rise.
    """
    absent_columns = [name for name in extra if name not in rows.column_names]
    if absent_columns:
        raise ValueError(f"the corpus has no column {', '.join(absent_columns)}; it has {rows.column_names}")
    if list(age_bands) != sorted(set(age_bands)):
        raise ValueError(f"age bands are {list(age_bands)}, wanted rising ages such as 40,60,75")
    found: dict[str, list[str | None]] = {}
    absent: dict[str, str] = {}
    columns = _COLUMNS | {name: name for name in extra}
    for attribute in [*ATTRIBUTES[:4], *extra]:
        column = columns.get(attribute, attribute)
        if column not in rows.column_names:
            absent[attribute] = f"the corpus has no column {column!r}"
            continue
        values = rows.select_columns([column]).with_format(None)[column][:]
        named = [_age_band(one, age_bands) if attribute == AGE else _name(one) for one in values]
        if any(one is not None for one in named):
            found[attribute] = named
        else:
            absent[attribute] = f"no record has a value in {column!r}"
    return found | signal_groups(rows), absent


def signal_groups(rows) -> dict[str, list[str | None]]:
    """Groups by what is measured in the signals: with or without a flag, and thirds of the range of slow wander."""
    flagged: list[str | None] = []
    wander = []
    whole = RowDataset(rows)
    for number in range(len(whole)):
        row = read_row(whole[number], "the row")
        report = check_quality(counts_to_millivolts(row.values, row.gain, row.baseline), row.sampling_rate, row.leads)
        flagged.append(UNFLAGGED if report.record_passed else FLAGGED)
        known = report.wander_mv[np.isfinite(report.wander_mv)]
        wander.append(float(np.median(known)) if len(known) else np.nan)
    values = np.array(wander)
    known = np.isfinite(values)
    found = {QUALITY: flagged}
    if known.any():
        edges = np.quantile(values[known], [1 / 3, 2 / 3])
        words = [f"below {edges[0]:.2f} mV", f"{edges[0]:.2f} to {edges[1]:.2f} mV", f"above {edges[1]:.2f} mV"]
        places = np.searchsorted(edges, values)
        found[WANDER] = [words[place] if one else None for place, one in zip(places, known, strict=True)]
    return found


def _age_band(age, first: Sequence[float]) -> str | None:
    if age is None or not np.isfinite(age):
        return None
    place = int(np.searchsorted(first, age, side="right"))
    if place == 0:
        return f"under {first[0]:g}" if len(first) else "all"
    return f"{first[place - 1]:g} and over" if place == len(first) else f"{first[place - 1]:g} to {first[place]:g}"


def _name(value) -> str | None:
    if value is None or value != value or str(value).strip() == "":
        return None
    return str(value).strip()
