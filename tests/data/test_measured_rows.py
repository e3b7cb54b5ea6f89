"""Measuring a corpus: once a record, whatever its rate and leads, and the same numbers as one record gives."""

import datasets
import numpy as np
import pytest

from hf_ecg.clinical.feature_rules import feature_answers
from hf_ecg.data.measured_rows import MEASUREMENTS, measured_rows, measured_values, measurement_store
from hf_ecg.data.schema import row_features
from hf_ecg.signals.delineation import MEASUREMENT_NAMES, measure_ecg, measurement_values
from hf_ecg.simulation import simulate_ecg

WIDE, LONG_PR, DEEP_S = "wide QRS complex", "prolonged PR interval", "deep S waves in lead V1"
KINDS = ("first_degree_av_block", "left_bundle_branch_block", "sinus_rhythm")


def simulated_rows(leads=None, rate=250):
    records = [simulate_ecg(kind, sampling_rate=rate, seed=3) for kind in KINDS]
    chosen = [index for index, name in enumerate(records[0].leads) if leads is None or name in leads]
    names = [records[0].leads[index] for index in chosen]
    features = row_features(len(names), None, {})
    rows = [
        dict.fromkeys(features)
        | {
            "record_id": kind,
            "signal": np.round(record.signal[chosen] * 1000).astype(np.int16).ravel(),
            "num_samples": record.signal.shape[1],
            "sampling_rate": rate,
            "leads": names,
            "gain": [1000.0] * len(names),
            "baseline": [0.0] * len(names),
        }
        for kind, record in zip(KINDS, records, strict=True)
    ]
    return datasets.Dataset.from_list(rows, features=features)


@pytest.fixture(scope="module")
def rows():
    return simulated_rows()


@pytest.fixture(scope="module")
def values(rows):
    return measured_values(rows, progress=False)


def test_a_corpus_gives_what_its_records_give(rows, values):
    row = rows[0]
    signal = np.array(row["signal"]).reshape(12, -1) / 1000
    alone = measurement_values(measure_ecg(signal, row["sampling_rate"], row["leads"]))
    np.testing.assert_allclose(values[0], alone, rtol=1e-5, atol=1e-6)
    assert values.shape == (3, len(MEASUREMENT_NAMES)) and np.isfinite(values).mean() > 0.9


def test_the_rules_see_what_was_simulated(rows):
    states = feature_answers(measured_rows(rows, progress=False), [LONG_PR, WIDE]).states
    assert states.tolist() == [[2, 1], [1, 2], [1, 1]]


def test_what_was_measured_is_not_measured_again(rows, values, tmp_path, monkeypatch):
    store = measurement_store(tmp_path, rows)
    measured_values(rows, cache=store, progress=False)
    monkeypatch.setattr("hf_ecg.signals.delineation.measure_ecg", None)
    again = measured_values(rows, cache=measurement_store(tmp_path, rows), progress=False)
    np.testing.assert_array_equal(again, values)


def test_a_column_of_measurements_is_read_by_its_names(rows, values, monkeypatch):
    monkeypatch.setattr("hf_ecg.signals.delineation.measure_ecg", None)
    features = datasets.Features(dict(rows.features) | {MEASUREMENTS: datasets.List(datasets.Value("float32"))})
    column = [*values[:2].tolist(), None]
    with_column = [row | {MEASUREMENTS: x} for row, x in zip(rows, column, strict=True)]
    prepared = datasets.Dataset.from_list(with_column, features=features)
    found = measured_rows(prepared, names=MEASUREMENT_NAMES)
    assert found[0].pr_ms == values[0][MEASUREMENT_NAMES.index("pr_ms")]
    assert found[0].lead("V1").r_mv == pytest.approx(values[0][MEASUREMENT_NAMES.index("V1_r_mv")], rel=1e-6)
    assert found[2].beats == 0 and np.isnan(found[2].qrs_ms)
    with pytest.raises(ValueError, match="values for 3 names"):
        measured_rows(prepared, names=("qrs_ms", "pr_ms", "beats"))
    with pytest.raises(ValueError, match="are not names of measurements"):
        measured_rows(prepared, names=("length", *MEASUREMENT_NAMES[1:]))


def test_leads_that_are_not_there_are_undecided():
    states = feature_answers(measured_rows(simulated_rows(leads=("I", "II")), progress=False), [WIDE, DEEP_S]).states
    assert states[:, 0].tolist() == [1, 2, 1] and states[:, 1].tolist() == [0, 0, 0]


def test_a_record_that_cannot_be_measured_is_all_nan(rows, caplog):
    broken = rows.map(
        lambda row, index: row | {"leads": ["I"] * 12 if index == 1 else row["leads"]}, with_indices=True
    )
    values = measured_values(broken, progress=False)
    assert np.isnan(values[1]).sum() >= len(MEASUREMENT_NAMES) - 1 and np.isfinite(values[[0, 2]]).mean() > 0.9
