"""Answers as arrays are the verdicts, one by one."""

import numpy as np
import pytest

from hf_ecg.clinical.feature_rules import feature_answers, feature_margins, measured_verdicts
from hf_ecg.clinical.waveform_features import WAVEFORM_FEATURES
from hf_ecg.signals.delineation import Measurements, measure_ecg
from hf_ecg.simulation import simulate_ecg

FEATURES = list(dict.fromkeys(row.feature for row in WAVEFORM_FEATURES))


@pytest.fixture(scope="module")
def measurements():
    ecg = simulate_ecg("atrial_fibrillation", sampling_rate=250, seed=1)
    return [
        measure_ecg(ecg.signal, 250, ecg.leads),
        measure_ecg(ecg.signal[:2], 250, ecg.leads[:2]),
        Measurements("signal"),
    ]


def test_arrays_hold_the_verdicts(measurements):
    found = feature_answers(measurements, FEATURES)
    names = {0: "undecided", 1: "rejected", 2: "kept"}
    for row, record in enumerate(measurements):
        verdicts = measured_verdicts(record, FEATURES)
        assert [names[state] for state in found.states[row].tolist()] == [verdict.verdict for verdict in verdicts]
        scores = [np.nan if verdict.score is None else verdict.score for verdict in verdicts]
        np.testing.assert_array_equal(found.margins[row], scores)
    assert np.isnan(found.margins[2]).all() and (found.states[0] != 0).mean() > 0.7


def test_the_bound_itself_belongs_to_the_side_that_the_rule_says():
    found = feature_answers([Measurements("signal", qrs_ms=120.0)], ["wide QRS complex", "narrow QRS complex"])
    assert found.margins.tolist() == [[0.0, 0.0]] and found.states.tolist() == [[2, 1]]


def test_no_records_and_no_features_have_empty_arrays():
    assert feature_margins([], FEATURES).shape == (0, len(FEATURES))
    assert feature_margins([Measurements("signal")], []).shape == (1, 0)
    with pytest.raises(ValueError, match="is the string"):
        feature_answers([], "wide QRS complex")
