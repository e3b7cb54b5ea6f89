import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from hf_ecg.evaluation.judging.linear_probe import ProbeRows, linear_probe, parse_percentages, patient_fraction
from hf_ecg.evaluation.metrics.classification import per_class_metrics

NAMES = ["a", "b"]


def split(rows, seed, prefix, noise=1.0):
    generator = np.random.default_rng(seed)
    labels = generator.random((rows, 2)) < 0.4
    features = generator.normal(size=(rows, 8)) * noise
    features[:, :2] += 2 * labels
    # Features of very different sizes, one constant: only standardised ones can be fit together.
    features = features * [1e-3, 1e3, 1, 1, 1, 1, 1, 0] + 5
    return ProbeRows(features.astype(np.float32), labels, [f"{prefix}{index // 2}" for index in range(rows)])


TRAIN, VALIDATION, TEST = split(400, 0, "t"), split(120, 1, "v"), split(200, 2, "e")


def test_probe_learns_what_is_linear():
    result = linear_probe(TRAIN, VALIDATION, TEST.features, NAMES)
    for entry in per_class_metrics(TEST.labels, result.scores, NAMES).values():
        assert entry.auroc > 0.88
    assert (result.records, result.patients, result.untrained) == (400, 200, [])


def test_scores_are_those_of_a_plain_fit_at_the_chosen_strength():
    result = linear_probe(TRAIN, VALIDATION, TEST.features, NAMES, strengths=[0.1])
    x = TRAIN.features.astype(np.float64)
    mean = x.mean(axis=0)
    deviation = np.where(x.std(axis=0) < 1e-9, 1, x.std(axis=0))
    plain = LogisticRegression(C=0.1, max_iter=1000).fit((x - mean) / deviation, TRAIN.labels[:, 0])
    expected = plain.decision_function((TEST.features - mean) / deviation)
    assert result.scores[:, 0] == pytest.approx(expected, abs=2e-3)


def test_strength_follows_validation_alone():
    noise = np.random.default_rng(4)
    result = linear_probe(TRAIN, VALIDATION, TEST.features, NAMES, strengths=[1e-6, 1e-2, 10.0])
    other = linear_probe(TRAIN, VALIDATION, noise.normal(size=(30, 8)), NAMES, strengths=[1e-6, 1e-2, 10.0])
    assert result.strength == other.strength and result.validation == other.validation
    assert result.validation[result.strength] == max(result.validation.values())
    assert set(result.validation) == {1e-6, 1e-2, 10.0}


def test_the_strength_may_follow_the_average_precision():
    rare = ProbeRows(VALIDATION.features, VALIDATION.labels & (np.arange(120) % 5 == 0)[:, None], VALIDATION.patients)
    given, options = (TRAIN, rare, rare.features, NAMES), {"strengths": [1e-6, 1e-2, 10.0], "minimum": 1}
    found = linear_probe(*given, metric="auprc", **options)
    entries = per_class_metrics(rare.labels, found.scores, NAMES, 1).values()
    # what is judged here is what it was chosen on
    assert np.mean([entry.auprc for entry in entries]) == pytest.approx(max(found.validation.values()))
    assert found.validation != linear_probe(*given, **options).validation
    with pytest.raises(ValueError, match="metric is 'f1', wanted one of auroc, auprc"):
        linear_probe(*given, metric="f1")


def test_the_smallest_of_equal_strengths_wins():
    features = np.array([[0.0], [1.0]] * 20)
    labels = features > 0.5
    train, validation = (ProbeRows(features, labels, [f"{p}{i}" for i in range(40)]) for p in "tv")
    assert linear_probe(train, validation, features, ["a"], strengths=[10.0, 0.1, 1.0]).strength == 0.1


def test_fractions_are_of_patients_and_nested():
    patients = [f"p{index // 3}" for index in range(600)]
    shares = [patient_fraction(patients, fraction, seed=1) for fraction in (0.01, 0.1, 1.0)]
    assert [len({p for p, keep in zip(patients, share, strict=True) if keep}) for share in shares] == [2, 20, 200]
    for share in shares:
        kept = {p for p, keep in zip(patients, share, strict=True) if keep}
        assert share.sum() == 3 * len(kept)
    assert (shares[0] <= shares[1]).all() and shares[2].all()
    assert (patient_fraction(patients, 0.1, seed=2) != shares[1]).any()
    assert (patient_fraction(patients[::-1], 0.1, seed=1)[::-1] == shares[1]).all()
    assert patient_fraction(["a", "b"], 0.01, seed=0).sum() == 1


@pytest.mark.parametrize("fraction", [0, 1.01, -1])
def test_fraction_outside(fraction):
    with pytest.raises(ValueError, match="fraction"):
        patient_fraction(["a", "b"], fraction, seed=0)


def test_a_class_absent_from_the_share_scores_chance():
    train = ProbeRows(TRAIN.features, TRAIN.labels & [True, False], TRAIN.patients)
    result = linear_probe(train, VALIDATION, TEST.features, NAMES)
    assert result.untrained == ["b"]
    assert per_class_metrics(TEST.labels, result.scores, NAMES)["b"].auroc == 0.5


def test_a_patient_on_both_sides_is_refused():
    with pytest.raises(ValueError, match="train and validation share 60 patients"):
        linear_probe(
            TRAIN, ProbeRows(VALIDATION.features, VALIDATION.labels, TRAIN.patients[:120]), TEST.features, NAMES
        )


def test_validation_rows_must_have_a_class_that_counts():
    few = ProbeRows(VALIDATION.features[:8], VALIDATION.labels[:8], VALIDATION.patients[:8])
    with pytest.raises(ValueError, match="validation rows"):
        linear_probe(TRAIN, few, TEST.features, NAMES)


def test_rows_must_fit_and_be_finite():
    with pytest.raises(ValueError, match="rows"):
        ProbeRows(TRAIN.features, TRAIN.labels[:-1], TRAIN.patients)
    with pytest.raises(ValueError, match="NaN or infinite"):
        ProbeRows(TRAIN.features * np.nan, TRAIN.labels, TRAIN.patients)


def test_percentages_are_read_or_refused():
    assert parse_percentages("100, 1,10") == [1.0, 10.0, 100.0]
    for wrong in ("0,10", "200", "nan", "", "ten"):
        with pytest.raises(ValueError, match=f"fractions are '{wrong}', wanted percentages"):
            parse_percentages(wrong)
