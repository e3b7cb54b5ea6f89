"""Where in a record the rows lie that a recipe makes of it."""

from typing import NamedTuple

import numpy as np

from .feature_extraction_ecg import ECGFeatureExtractor
from .inputs import read_inputs
from .step_run import apply_steps, batch_of_group
from .steps.step_table import build_step


class RowPlaces(NamedTuple):
    """Time and leads of the rows that an extractor makes of one record.

    Sample `i` of `input_values[row]` lies at `starts[row] + i / extractor.sampling_rate` seconds: crops begin later,
    and padding before the record begins before it, below zero. Filters with a delay are not accounted for.

    Attributes:
        starts: float64 (rows,), seconds from the record's beginning.
        leads: names of the rows' leads, in their order.
    """

    starts: np.ndarray
    leads: tuple[str, ...]


def row_places(
    extractor: ECGFeatureExtractor, ecg, sampling_rate=None, leads=None, units=None, lead: str | None = None
) -> RowPlaces:
    """Where the rows lie that the extractor makes of one record with `window="recipe"`, in the order of its rows.

    Args:
        extractor: whose recipe is followed.
        ecg, sampling_rate, leads, units, lead: one record, as the extractor takes it.

    Raises:
        ValueError: several records, or what the extractor refuses.

    Example:
        >>> from hf_ecg import ECGFeatureExtractor
        >>> from hf_ecg.processing.row_places import row_places
        >>> steps = [{"name": "multi_crop", "count": 3, "num_samples": 200}]
        >>> extractor = ECGFeatureExtractor(sampling_rate=100, leads=["I"], num_samples=200, steps=steps)
        >>> signals = np.sin(np.linspace(0, 60, 1000))[None]
        >>> row_places(extractor, signals, sampling_rate=100, leads=["I"], units="mV").starts.tolist()
        [0.0, 4.0, 8.0]
    """
    groups = read_inputs(ecg, sampling_rate, leads, units)
    if len(groups) != 1 or len(groups[0].signals) != 1:
        raise ValueError(f"{sum(len(group.signals) for group in groups)} records were given, wanted one")
    batch = batch_of_group(groups[0], extractor.leads, lead, extractor.sampling_rate, extractor.num_samples)
    steps = [build_step(step) for step in extractor.steps]
    apply_steps(batch, steps, dict(zip(groups[0].positions, groups[0].names, strict=True)))
    return RowPlaces(batch.starts, batch.leads)
