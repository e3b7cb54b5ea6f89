"""The step that tells zeros which fill up an array from what was recorded."""

from dataclasses import dataclass

import numpy as np
from transformers.utils import logging

from ...checks import check_positive
from ...signals.missing import SHORTEST_PADDING_S, recorded_stretch
from .step_base import RecordError, Step

logger = logging.get_logger(__name__)


@dataclass(frozen=True)
class ZeroPaddingToMissing(Step):
    """Zeros of all leads at once, from an end on, are missing samples and false in the sample mask; see
    `signals.recorded_stretch`. It stands before the leads are chosen, for it must see all of them."""

    accepts_missing = True
    may_follow_views = False
    minimum_seconds: float = SHORTEST_PADDING_S

    def validate(self):
        check_positive("minimum_seconds", self.minimum_seconds)

    def apply(self, batch):
        for number, record in enumerate(batch.signals):
            first, end = recorded_stretch(record, batch.sampling_rate, self.minimum_seconds)
            samples = record.shape[1]
            if end - first == samples:
                continue
            if first == end:
                raise RecordError(number, "all of its samples are zero: nothing was recorded")
            for outside in (slice(0, first), slice(end, samples)):
                record[:, outside] = np.nan
                batch.sample_mask[number, outside] = False
            batch.complete = False
            logger.warning_once(
                "zeros of all leads at the ends of records are padding: missing, and false in the sample mask"
                " (said once)"
            )
