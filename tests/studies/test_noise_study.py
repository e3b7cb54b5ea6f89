"""Detectors across corpora: what is trained on what, figures against counts, classifiers against scikit-learn."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from hf_ecg.cli import call
from hf_ecg.evaluation.noise_detection.noise_corpora import NoiseWindows, cinc2017_windows, mit_bih_windows
from hf_ecg.evaluation.noise_detection.noise_figures import noise_figures
from hf_ecg.evaluation.options import IntervalOptions
from hf_ecg.signals.quality import load_noise_detector
from hf_ecg.signals.quality.noise_features import HRV, METHODS
from hf_ecg.signals.quality.saved_classifiers import TreesClassifier, classifier_from_dict
from hf_ecg.studies.noise_detection.fitting import CLASSIFIERS, fit_classifier
from hf_ecg.studies.noise_detection.noise_study import (
    OTHER_CORPUS,
    OUT_OF_FOLD,
    NoiseStudyOptions,
    save_detectors,
    study_noise,
)

FEW = IntervalOptions(replicates=20)


def made(name, seed=0, subjects=40, shift=0.0):
    """Two windows a unit, two units a subject; the first feature tells noise, the others do not."""
    generator = np.random.default_rng(seed)
    units = 2 * subjects
    unit = np.repeat(np.arange(units), 2)
    noisy = generator.integers(0, 2, units)
    features = generator.normal(size=(len(unit), len(METHODS["hrv_and_waveform"]))) + shift
    features[:, 0] += 3 * noisy[unit]
    rules = np.full(len(unit), "", dtype=object)
    rules[0] = "few beats"
    features[0] = np.nan
    group = np.where(noisy == 1, "noisy", np.where(np.arange(units) % 3, "normal", "AF"))
    subject = np.array([f"s{place // 2}" for place in range(units)])
    return NoiseWindows(name, features, rules, unit, noisy, group, subject)


@pytest.fixture(scope="module")
def table():
    features = np.random.default_rng(0).normal(size=(120, 6))
    return features, features[:, 0] + 0.5 * features[:, 1] ** 2 > 0.5


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_what_is_read_back_gives_the_same_probabilities(table, name):
    features, noisy = table
    fitted = fit_classifier(name, features, noisy)
    again = classifier_from_dict(json.loads(json.dumps(fitted.to_dict())))
    np.testing.assert_array_equal(again.probability(features), fitted.probability(features))
    found = fitted.probability(features)
    assert found[noisy].mean() > found[~noisy].mean() + 0.2 and (0 <= found).all() and (found <= 1).all()
    if not isinstance(fitted, TreesClassifier):  # forests take a second
        assert fit_classifier(name, features, noisy) == fitted


def test_forests_and_boosting_compute_what_scikit_learn_does(table):
    from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier

    features, noisy = table
    forest = RandomForestClassifier(
        100, min_samples_leaf=5, max_leaf_nodes=32, class_weight="balanced_subsample", random_state=0
    ).fit(features, noisy)
    ours = fit_classifier("random_forest", features, noisy).probability(features)
    np.testing.assert_allclose(ours, forest.predict_proba(features)[:, 1], atol=1e-12)
    weights = np.where(noisy, 0.5 / noisy.mean(), 0.5 / (1 - noisy.mean()))
    boosted = GradientBoostingClassifier(
        n_estimators=100, learning_rate=0.08, subsample=0.5, min_samples_leaf=10, max_features=0.5, random_state=0
    ).fit(features, noisy, sample_weight=weights)
    ours = fit_classifier("gradient_boosting", features, noisy).probability(features)
    np.testing.assert_allclose(ours, boosted.predict_proba(features)[:, 1], atol=1e-12)


@pytest.mark.parametrize(("name", "noisy"), [("forest", [True, False]), ("svc", [True, True])])
def test_what_cannot_be_fitted_is_told(name, noisy):
    with pytest.raises(ValueError, match="classifier is 'forest'|wanted noisy and clean"):
        fit_classifier(name, np.zeros((2, 3)), np.array(noisy))


def test_figures_are_plain_counts():
    corpus = made("a")
    windows = np.random.default_rng(1).random(len(corpus.unit))
    found = noise_figures(replace(corpus, noisy=np.where(np.arange(80) < 10, -1, corpus.noisy)), windows, 0.5, FEW)
    scores = (windows[::2] + windows[1::2]) / 2
    noisy, called = corpus.noisy[10:] == 1, scores[10:] >= 0.5
    hit, alarm, missed = (noisy & called).sum(), (~noisy & called).sum(), (noisy & ~called).sum()
    assert found["units"] == 70 and found["prevalence"] == noisy.mean()
    assert found["accuracy"]["value"] == pytest.approx((noisy == called).mean())
    assert found["f1"]["value"] == pytest.approx(2 * hit / (2 * hit + alarm + missed))
    pairs = scores[10:][noisy][:, None] - scores[10:][~noisy]
    assert found["auroc"]["value"] == pytest.approx((pairs > 0).mean())
    assert found["f1"]["low"] < found["f1"]["value"] < found["f1"]["high"]
    own = corpus.group == "AF"
    assert found["groups"]["AF"]["called_noisy"] == pytest.approx((scores[own] >= 0.5).mean())


def test_a_subject_is_never_on_both_sides():
    """Labels that are a subject's own and nothing else: out of fold they cannot be known."""
    corpus = made("a", subjects=60)
    subject = np.repeat(np.arange(60), 2)
    noisy = np.random.default_rng(3).integers(0, 2, 60)[subject]
    own = np.random.default_rng(4).normal(size=60)[subject][corpus.unit]
    features = np.tile(own[:, None], (1, corpus.features.shape[1]))
    features[0] = np.nan
    corpus = replace(corpus, noisy=noisy, features=features)
    rows, _ = study_noise([corpus], NoiseStudyOptions(("hrv",), ("decision_tree",), intervals=FEW))
    assert rows[0]["protocol"] == OUT_OF_FOLD and rows[0]["figures"]["auroc"]["value"] < 0.7


def test_the_study_trains_on_one_corpus_and_judges_the_other(tmp_path):
    first, second = made("a"), made("b", seed=1, shift=0.3)
    quiet = replace(made("c", seed=2), noisy=np.zeros(80, int))
    options = NoiseStudyOptions(("hrv",), ("logistic_regression", "decision_tree"), intervals=FEW)
    rows, detectors = study_noise([first, second, quiet], options)
    told = {(row["classifier"], tuple(row["trained_on"]), row["judged_on"]): row["protocol"] for row in rows}
    assert told["decision_tree", ("a",), "a"] == OUT_OF_FOLD and told["decision_tree", ("a",), "b"] == OTHER_CORPUS
    assert told["logistic_regression", ("a", "b"), "b"] == OUT_OF_FOLD
    assert "auroc" not in rows[-1]["figures"] and rows[-1]["judged_on"] == "c"
    assert all(row["figures"]["auroc"]["value"] > 0.9 for row in rows[:-1] if row["classifier"] != "decision_tree")
    files = [save_detectors(detectors, [first, second, quiet], options, tmp_path / name) for name in ("x", "y")]
    assert files[0][HRV].read_bytes() == files[1][HRV].read_bytes()
    detector = load_noise_detector(str(files[0][HRV]))
    assert detector.classifier == detectors[HRV].classifier
    assert [entry["corpus"] for entry in detector.origin["corpora"]] == ["a"]
    assert detector.origin["corpora"][0]["windows_trained_on"] == 159


def test_mit_bih_groups(shared_data_dir):
    """201 has atrial fibrillation and ectopic beats; it and 202 are one man."""
    found = mit_bih_windows(shared_data_dir / "mitdb", str(shared_data_dir / "nstdb"), records=["202"])
    assert set(found.subject) == {"201"} and len(found.noisy) == 90
    groups = dict(zip(*np.unique(found.group, return_counts=True), strict=True))
    assert groups["AF"] > 5 and "ectopy" in groups and groups["bw 12 dB"] == 6
    assert (found.noisy[found.group == "bw 12 dB"] == -1).all() and (found.noisy == 1).sum() == 21


def test_the_commands_on_real_records(shared_data_dir, tmp_path):
    source = shared_data_dir / "cinc2017/training2017"
    folder = tmp_path / "cinc2017"
    folder.mkdir()
    lines = [line for line in (source / "REFERENCE-v3.csv").read_text().split() if line[-1] in "~NA"]
    chosen = [line for kind in "~NA" for line in [one for one in lines if one.endswith(kind)][:8]]
    (folder / "REFERENCE-v3.csv").write_text("\n".join(chosen) + "\n")
    for line in chosen:
        for ending in (".hea", ".mat"):
            name = line.split(",")[0] + ending
            shutil.copy(source / name, folder)
    report = call(
        "evaluate noise-detection",
        ["--cinc2017", str(folder), "--bootstrap", "20", "--output", str(tmp_path / "o.json")],
    )
    by_method = {row["method"]: row["figures"] for row in report["rows"]}
    assert all(figures["auroc"]["value"] > 0.9 and figures["units"] == 24 for figures in by_method.values())
    page = (tmp_path / "o.md").read_text()
    assert "prevalence 0.333" in page and "AF (8)" in page
    out = tmp_path / "out"
    options = ["--methods", "hrv", "--classifiers", "logistic_regression", "--folds", "2", "--bootstrap", "20"]
    call("study noise", ["--cinc2017", str(folder), *options, "--output_dir", str(out)])
    assert load_noise_detector(str(out / "hrv.json")).origin["corpora"][0]["subjects"] == 24


def test_a_corpus_without_the_records_is_told(shared_data_dir):
    with pytest.raises(ValueError, match="none of the records"):
        cinc2017_windows(shared_data_dir / "cinc2017", records=["A99999"])
