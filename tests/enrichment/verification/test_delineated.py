"""What the electrocardiograph measured decides before the signal does."""

import datasets
import numpy as np
import pytest

from hf_ecg.clinical.feature_rules.answers import KEPT, REJECTED
from hf_ecg.data.measured_rows import machine_columns
from hf_ecg.data.schema import row_features
from hf_ecg.enrichment.verification.delineated import measured_answers
from hf_ecg.enrichment.verification.pairs import proposed_pairs
from hf_ecg.signals.delineation import Measurements
from hf_ecg.signals.machine_measurements import MEASUREMENT_RANGES
from tests.enrichment.verification import made

LONG_PR, WIDE_QRS, INVERTED = made.LONG_PR, "wide QRS complex", "inverted T waves in leads V1 and V2"
SHORT = {"p_onset": 100, "p_end": 190, "qrs_onset": 240, "qrs_end": 330}  # PR 140 ms, QRS 90 ms
UNKNOWN = dict.fromkeys(SHORT, 29999)


@pytest.fixture
def corpus():
    features = row_features(12, made.SAMPLES, {}, extra=dict.fromkeys(MEASUREMENT_RANGES, datasets.Value("int32")))
    rows = [dict.fromkeys(features) | row for row in made.made_rows(3)]
    rows = [{name: row[name] for name in features} for row in rows]
    for row, machine in zip(rows, (SHORT, SHORT, UNKNOWN), strict=True):
        row.update(machine)
    return datasets.Dataset.from_list(rows, features=features)


@pytest.fixture
def measured(monkeypatch):
    """Signals that were measured; every one is found to have a long PR interval and a wide QRS complex."""
    signals = []

    def measure(signal, sampling_rate, leads):
        signals.append(np.array(signal))
        return Measurements("delineation", pr_ms=250.0, qrs_ms=150.0)

    monkeypatch.setattr("hf_ecg.signals.delineation.measure_ecg", measure)
    return signals


def test_the_machine_decides_first_and_the_signal_the_rest(corpus, measured):
    assert set(machine_columns(corpus)) == set(MEASUREMENT_RANGES)
    asked = {"a": [LONG_PR, WIDE_QRS], "b": [LONG_PR, INVERTED], "c": [LONG_PR, WIDE_QRS]}
    state, score = measured_answers(corpus, proposed_pairs(list("abc"), asked), progress=False)
    assert len(measured) == 3
    np.testing.assert_allclose(np.abs(measured[2]).max(), np.abs(corpus[2]["signal"]).max() / 1000, rtol=1e-5)
    assert state[[0, 1, 2]].tolist() == [REJECTED] * 3 and state[[4, 5]].tolist() == [KEPT] * 2
    assert score[2] == pytest.approx(140 - 200) and score[4] == pytest.approx(250 - 200)


def test_without_the_machines_columns_every_signal_is_measured(corpus, measured):
    plain = corpus.remove_columns(machine_columns(corpus))
    state, _ = measured_answers(plain, proposed_pairs(["a"] * 3, {"a": [LONG_PR]}), progress=False)
    assert len(measured) == 3 and state.tolist() == [KEPT] * 3
