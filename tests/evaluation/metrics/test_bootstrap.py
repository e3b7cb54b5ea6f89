import time

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from hf_ecg.evaluation.metrics.bootstrap import bootstrap_evaluation, paired_difference, patient_weights

NAMES = ["a", "b"]


def example(rows=300, signal=1.0, seed=0, per_patient=2):
    generator = np.random.default_rng(seed)
    labels = generator.random((rows, len(NAMES))) < 0.3
    scores = signal * labels + generator.normal(size=labels.shape)
    return labels, scores, [f"p{index // per_patient}" for index in range(rows)]


def test_replicates_equal_a_plain_loop_over_patients():
    labels, scores, patients = example(rows=40)
    evaluation = bootstrap_evaluation(labels, scores, patients, NAMES, replicates=50, seed=3, minimum=1)
    generator = np.random.default_rng([3, 0])
    rows_of = {patient: [i for i, p in enumerate(patients) if p == patient] for patient in dict.fromkeys(patients)}
    drawn = []
    for _ in range(50):
        chosen = generator.integers(len(rows_of), size=len(rows_of))
        rows = [row for number in chosen for row in list(rows_of.values())[number]]
        drawn.append(np.mean([roc_auc_score(labels[rows, c], scores[rows, c]) for c in range(2)]))
    low, high = np.quantile(drawn, [0.025, 0.975])
    assert evaluation.macro["auroc"].low == pytest.approx(low, abs=1e-12)
    assert evaluation.macro["auroc"].high == pytest.approx(high, abs=1e-12)


def test_patients_are_drawn_whole_and_widen_the_interval():
    labels, scores, _ = example(rows=300)
    # The same rows ten times over say no more when each copy belongs to its original's patient.
    labels, scores = np.repeat(labels, 10, axis=0), np.repeat(scores, 10, axis=0)
    by_patient = [index // 10 for index in range(3000)]
    by_record = list(range(3000))
    wide = bootstrap_evaluation(labels, scores, by_patient, NAMES, replicates=300).macro["auroc"]
    narrow = bootstrap_evaluation(labels, scores, by_record, NAMES, replicates=300).macro["auroc"]
    assert wide.value == narrow.value
    assert wide.high - wide.low > 2 * (narrow.high - narrow.low)


def test_interval_covers_the_truth_about_as_often_as_it_says():
    covered = 0
    for seed in range(60):
        labels, scores, patients = example(rows=200, signal=0.0, seed=seed)
        interval = bootstrap_evaluation(labels, scores, patients, NAMES, replicates=200).macro["auroc"]
        covered += interval.low <= 0.5 <= interval.high
    assert 50 <= covered <= 60


def test_shuffled_labels_are_chance_within_the_interval():
    labels, scores, patients = example(rows=4000, signal=2.0)
    true = bootstrap_evaluation(labels, scores, patients, NAMES, replicates=200).macro["auroc"]
    shuffled = labels[np.random.default_rng(5).permutation(len(labels))]
    chance = bootstrap_evaluation(shuffled, scores, patients, NAMES, replicates=200)
    assert true.low > 0.85
    assert chance.macro["auroc"].low <= 0.5 <= chance.macro["auroc"].high
    assert chance.macro["auroc"].value == pytest.approx(0.5, abs=0.03)
    for entry in chance.classes.values():
        assert entry.auprc.value == pytest.approx(entry.prevalence, abs=0.05)


def test_same_seed_same_interval_and_order_of_rows_does_not_change_the_value():
    labels, scores, patients = example()
    first, second = (bootstrap_evaluation(labels, scores, patients, NAMES, replicates=50, seed=7) for _ in range(2))
    assert first.macro == second.macro and first.classes == second.classes
    other = bootstrap_evaluation(labels, scores, patients, NAMES, replicates=50, seed=8)
    assert first.macro["auroc"].value == other.macro["auroc"].value
    assert first.macro["auroc"].low != other.macro["auroc"].low


def test_paired_difference_is_narrower_than_unpaired_and_zero_with_itself():
    labels, scores, patients = example()
    better = scores + 0.3 * labels
    a = bootstrap_evaluation(labels, better, patients, NAMES, replicates=300)
    b = bootstrap_evaluation(labels, scores, patients, NAMES, replicates=300)
    difference = paired_difference(a, b)["macro"]["auroc"]
    assert difference.value == pytest.approx(a.macro["auroc"].value - b.macro["auroc"].value)
    assert difference.low > 0
    assert difference.high - difference.low < a.macro["auroc"].high - a.macro["auroc"].low
    itself = paired_difference(a, a)["a"]["auprc"]
    assert (itself.value, itself.low, itself.high) == (0, 0, 0)


def test_differences_need_the_same_rows():
    labels, scores, patients = example()
    a = bootstrap_evaluation(labels, scores, patients, NAMES, replicates=20)
    for other in (
        bootstrap_evaluation(labels[:-2], scores[:-2], patients[:-2], NAMES, replicates=20),
        bootstrap_evaluation(~labels, scores, patients, NAMES, replicates=20),
        bootstrap_evaluation(labels, scores, patients, NAMES[::-1], replicates=20),
        bootstrap_evaluation(labels, scores, patients, NAMES, replicates=20, seed=1),
    ):
        with pytest.raises(ValueError, match="paired difference needs"):
            paired_difference(a, other)


def test_seeds_are_a_second_level():
    labels, scores, patients = example()
    generator = np.random.default_rng(1)
    seeds = np.stack([scores + scale * generator.normal(size=scores.shape) for scale in (0.0, 0.5, 2.0)])
    several = bootstrap_evaluation(labels, seeds, patients, NAMES, replicates=500)
    each = [bootstrap_evaluation(labels, one, patients, NAMES, replicates=500) for one in seeds]
    values = [one.macro["auroc"].value for one in each]
    assert several.seeds["auroc"] == pytest.approx(values)
    assert several.macro["auroc"].value == pytest.approx(np.mean(values))
    copies = bootstrap_evaluation(labels, np.stack([scores] * 3), patients, NAMES, replicates=500)
    # Seeds that agree add nothing to the interval; seeds that differ widen it.
    assert copies.macro["auroc"].low == pytest.approx(each[0].macro["auroc"].low)
    widths = [one.macro["auroc"].high - one.macro["auroc"].low for one in (several, *each)]
    assert widths[0] > max(widths[1:])


def test_class_without_positives_and_rare_class():
    labels, scores, patients = example()
    labels[:, 1] = False
    evaluation = bootstrap_evaluation(labels, scores, patients, NAMES, replicates=20)
    assert evaluation.counted == ["a"]
    assert evaluation.classes["b"].auroc.value is None and evaluation.classes["b"].positives == 0
    labels[:3, 1] = True
    evaluation = bootstrap_evaluation(labels, scores, patients, NAMES, replicates=200)
    assert not evaluation.classes["b"].counted and evaluation.classes["b"].auroc.value is not None
    assert evaluation.macro["auroc"].value == evaluation.classes["a"].auroc.value
    labels[:] = False
    assert bootstrap_evaluation(labels, scores, patients, NAMES, replicates=5).macro["auroc"].value is None


@pytest.mark.parametrize("patients", [["p"] * 300, [None, *range(299)], [float("nan"), *range(299)], ["p"] * 299])
def test_bad_patients(patients):
    labels, scores, _ = example()
    with pytest.raises(ValueError, match="patient"):
        bootstrap_evaluation(labels, scores, patients, NAMES, replicates=5)


def test_scores_of_every_seed_must_be_finite():
    labels, scores, patients = example()
    seeds = np.stack([scores, scores])
    seeds[1, 0, 0] = np.nan
    with pytest.raises(ValueError, match="NaN or infinite"):
        bootstrap_evaluation(labels, seeds, patients, NAMES, replicates=5)


def test_weights_draw_each_replicate_whole():
    weights = patient_weights(7, 100, np.random.default_rng(0))
    assert weights.shape == (100, 7) and (weights.sum(axis=1) == 7).all()
    assert weights.mean(axis=0) == pytest.approx(np.ones(7), abs=0.4)


def test_a_thousand_replicates_take_seconds():
    generator = np.random.default_rng(0)
    labels = generator.random((500, 20)) < 0.2
    start = time.process_time()
    bootstrap_evaluation(labels, generator.normal(size=labels.shape), range(500), [str(i) for i in range(20)])
    assert time.process_time() - start < 10


def test_seeds_that_belong_together_are_drawn_together():
    """Two models that differ by nothing but the seed's luck, which they share: no difference in any replicate."""
    labels, scores, patients = example()
    generator = np.random.default_rng(2)
    luck = generator.normal(size=(3, *scores.shape)) * np.array([0.0, 1.0, 3.0])[:, None, None]
    first, second = scores + luck, 2 * (scores + luck)
    widths = []
    for paired in (True, False):
        a, b = (
            bootstrap_evaluation(labels, one, patients, NAMES, replicates=200, paired_seeds=paired)
            for one in (first, second)
        )
        difference = paired_difference(a, b)["macro"]["auroc"]
        widths.append(difference.high - difference.low)
    assert widths[0] == pytest.approx(0, abs=1e-12) and widths[1] > 0.01
    with pytest.raises(ValueError, match="paired difference needs"):
        paired_difference(a, bootstrap_evaluation(labels, first, patients, NAMES, replicates=200, paired_seeds=True))
