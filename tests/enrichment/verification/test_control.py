import numpy as np
import pytest

from hf_ecg.enrichment.verification.control import base_rates_of, nearest_diagnoses, signal_control

ROWS = 900


@pytest.fixture(scope="module")
def population():
    """Two diagnoses; a feature is common with the first and rare with the second; two records a patient."""
    random = np.random.default_rng(0)
    diagnosis = random.integers(2, size=ROWS)
    positive = random.random(ROWS) < np.where(diagnosis == 0, 0.5, 0.05)
    patients = np.arange(ROWS) // 2
    diagnoses = np.stack([diagnosis == 0, diagnosis == 1], axis=1)
    partners = nearest_diagnoses(diagnoses, patients, np.zeros(ROWS), within=True)
    return diagnosis, positive, patients, partners, base_rates_of(positive, partners)


def control(population, scores, **options):
    _, positive, patients, partners, base = population
    judged = np.ones(ROWS, dtype=bool)
    names = [f"p{patient}" for patient in patients]
    return signal_control(positive, scores, partners, base, judged, names, swaps=3, replicates=100, **options)


def test_a_verifier_that_sees_the_signal_is_above_both_controls(population):
    scores = population[1] + np.random.default_rng(1).normal(0, 0.7, ROWS)
    found = control(population, scores)
    assert found.sees_the_signal
    assert found.over_base_rate.low > 0
    assert found.verifier.value == pytest.approx(found.swapped.value + found.over_swapped.value)
    assert (found.rows, found.positives) == (ROWS, population[1].sum())


def test_a_verifier_that_only_knows_the_diagnosis_is_not(population):
    scores = (population[0] == 0) + np.random.default_rng(1).normal(0, 0.3, ROWS)
    found = control(population, scores)
    assert found.verifier.value > found.positives / found.rows + 0.1  # far above chance all the same
    assert not found.sees_the_signal
    assert found.over_swapped.low < 0 < found.over_swapped.high


def test_blind_verifiers_pass_the_control_by_chance_only(population):
    passed = 0
    for seed in range(8):
        scores = (population[0] == 0) + np.random.default_rng(seed).normal(0, 0.3, ROWS)
        passed += control(population, scores).sees_the_signal
    assert passed <= 1  # one in forty is expected


def test_what_the_verifier_cannot_decide_is_ranked_last(population):
    _, positive, *_ = population
    scores = np.where(positive, 1.0, np.nan)
    assert control(population, scores).verifier.value == pytest.approx(1)
    scores = np.where(positive, np.nan, 1.0)
    assert control(population, scores).verifier.value < positive.mean() + 0.01


def test_partners_share_the_diagnosis_and_are_other_patients():
    diagnoses = np.array([[1, 1, 0], [1, 1, 0], [1, 0, 0], [0, 0, 1], [0, 0, 0], [0, 0, 0], [1, 1, 0]], dtype=bool)
    patients = np.array([0, 1, 2, 3, 4, 5, 0])
    groups = np.zeros(7)
    found = nearest_diagnoses(diagnoses, patients, groups, within=True)
    assert [one.tolist() for one in found] == [[1], [0, 6], [0, 1, 6], [], [5], [4], [1]]
    groups[[2, 3]] = 1
    assert nearest_diagnoses(diagnoses, patients, groups, within=True)[2].tolist() == []
    assert nearest_diagnoses(diagnoses, patients, groups, within=False)[0].tolist() == [2]


def test_no_positives_no_figure(population):
    _, _, patients, partners, base = population
    judged, none = np.ones(ROWS, dtype=bool), np.zeros(ROWS, dtype=bool)
    names = [str(patient) for patient in patients]
    assert signal_control(none, np.zeros(ROWS), partners, base, judged, names) is None
