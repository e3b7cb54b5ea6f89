"""A filter as a view: nothing random, for views of one record of which some are filtered and others are not."""

from collections.abc import Mapping

import numpy as np
import torch

from ..signals.filters import apply_filter
from .view_base import Generators, Waveforms


def filtered(waveforms: Waveforms, generator: Generators, *, filter: Mapping, sampling_rate: float) -> Waveforms:
    """The recorded samples of each record through a filter; absent leads and padding stay zero.

    What all views share belongs into the feature extractor. TolerantECG's views (arXiv 2507.09887) differ by it.

    Args:
        waveforms: records.
        generator: not used.
        filter: see `hf_ecg.signals.apply_filter`.
        sampling_rate: hertz of the waveforms.

    Raises:
        ValueError: a cut-off at or above half the sampling rate, a record that is shorter than the filter's padding.
    """
    values, lead_mask, sample_mask = waveforms
    made = torch.zeros_like(values)
    if sample_mask.all():
        made = _passed(values, sampling_rate, filter)
    else:
        # what is padded must not ring into the record
        for row, (record, mask) in enumerate(zip(values, sample_mask, strict=True)):
            made[row, :, mask] = _passed(record[:, mask], sampling_rate, filter)
    return waveforms._replace(input_values=made.masked_fill(~lead_mask[..., None], 0.0))


def _passed(values: torch.Tensor, sampling_rate: float, filter: Mapping) -> torch.Tensor:
    made = apply_filter(values.double().cpu().numpy(), sampling_rate, filter)
    # a pass from the end to the beginning leaves its result the wrong way round in memory
    return torch.from_numpy(np.ascontiguousarray(made)).to(values)
