"""What is not an array, number or name is refused in words, wherever it is handed in."""

import numpy as np
import pytest

from hf_ecg.signals import Record, choose_channels, fill_missing, normalise
from hf_ecg.signals.leads import canonical_leads, known_lead
from hf_ecg.signals.units import check_amplitude, counts_to_millivolts, known_voltage
from hf_ecg.signals.window import crop, pad

WRONG = [None, "x", "1", object(), {}, set(), [None], [["a"]], 1 + 2j, np.array("x")]
COUNTS, ONE, SIGNALS = np.ones((2, 5), np.int16), np.ones(2), np.random.default_rng(0).normal(size=(2, 50))
RECORD = {"name": "r", "values": COUNTS, "gain": ONE, "baseline": ONE, "leads": ("I", "II"), "sampling_rate": 500.0}


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: type(wrong).__name__)
@pytest.mark.parametrize(
    "call",
    [
        lambda wrong: counts_to_millivolts(wrong, ONE, ONE),
        lambda wrong: counts_to_millivolts(COUNTS, wrong, ONE),
        lambda wrong: counts_to_millivolts(COUNTS, ONE, wrong),
        lambda wrong: check_amplitude(wrong),
        lambda wrong: Record(**{**RECORD, "values": wrong}),
        lambda wrong: Record(**{**RECORD, "leads": wrong}),
        lambda wrong: Record(**{**RECORD, "sampling_rate": wrong}),
        lambda wrong: Record("r", SIGNALS, None, None, ("I", "II"), 500.0).as_counts(wrong),
        lambda wrong: Record(**RECORD).cut(wrong or "", 3),
        lambda wrong: normalise(SIGNALS, "zscore", epsilon=wrong),
        lambda wrong: normalise(SIGNALS, "divide", divisor=wrong),
        lambda wrong: normalise(SIGNALS, "minmax", minimum=wrong),
        lambda wrong: fill_missing(SIGNALS, "neighbour_mean", neighbours=wrong),
        lambda wrong: crop(wrong, 10),
        lambda wrong: pad(wrong, 10),
        lambda wrong: canonical_leads(wrong if wrong not in ({}, set()) else None),
        lambda wrong: choose_channels(wrong),
        lambda wrong: choose_channels(["I"], wrong if wrong is not None else 3),
    ],
)
def test_a_sentence_for_each(call, wrong):
    with pytest.raises(ValueError):
        call(wrong)


def test_no_string_is_no_name():
    assert known_lead(3) is None and known_voltage(None) is None
