"""The step for records that fill a part of their place, such as single beats: missing ends are padding."""

from dataclasses import dataclass

import numpy as np

from ...checks import check_bool, check_one_of, check_positive
from .step_base import RecordError, Step

METHODS = (ZSCORE, MEAN) = ("zscore", "mean")


@dataclass(frozen=True)
class StandardiseRecorded(Step):
    """Each lead by its own mean and deviation over what is recorded; missing ends are zero and false in the mask.

    `method` "zscore" divides by the standard deviation and `epsilon`, "mean" takes the mean away and keeps the unit.
    A sample is recorded where any lead has it. Other than `normalise`, padding is in none of the statistics; missing
    samples between recorded ones are an error, and are filled before. With `masked` false the zeros count as recorded,
    so that a model sees where a beat ends.
    """

    accepts_missing = True
    method: str = ZSCORE
    epsilon: float = 1e-8
    masked: bool = True

    def validate(self):
        check_one_of("method", self.method, METHODS)
        check_positive("epsilon", self.epsilon, or_zero=True)
        check_bool("masked", self.masked)

    def apply(self, batch):
        missing = np.isnan(batch.signals)
        recorded = (batch.sample_mask | batch.gaps) & ~missing.all(1)
        for number in np.flatnonzero(~recorded.any(1)):
            raise RecordError(int(number), "none of its samples is recorded")
        count = recorded.sum(1)
        first = recorded.argmax(1)
        stop = recorded.shape[1] - recorded[:, ::-1].argmax(1)
        unfilled = (missing & recorded[:, None] & batch.lead_mask[..., None]).any((1, 2)) | (stop - first != count)
        for number in np.flatnonzero(unfilled):
            raise RecordError(int(number), "samples are missing between recorded ones: a step fill_missing fills them")
        inside = recorded[:, None] & batch.lead_mask[..., None]
        values = np.where(inside, batch.signals, 0.0)
        mean = values.sum(-1, keepdims=True) / count[:, None, None]
        values = np.where(inside, values - mean, 0.0)
        if self.method == ZSCORE:
            deviation = np.sqrt((values**2).sum(-1, keepdims=True) / count[:, None, None])
            values /= deviation + self.epsilon
        batch.signals, batch.complete = values, True
        batch.sample_mask = recorded & ~batch.gaps if self.masked else batch.sample_mask | batch.gaps
