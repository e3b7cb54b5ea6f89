"""The built-in detector, classifiers as detectors, and how a threshold is chosen."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from transformers import AutoConfig

from hf_ecg.evaluation.af_burden.model_detector import NOISE_ANSWER, ModelDetector
from hf_ecg.evaluation.af_burden.recordings import FileRecording
from hf_ecg.evaluation.af_burden.rr_detector import RRDetector, fit_rr_detector
from hf_ecg.evaluation.af_burden.validation import choose_threshold
from hf_ecg.evaluation.af_burden.ventricular_beats import of_another_shape
from hf_ecg.evaluation.af_burden.window_quality import judge_windows
from hf_ecg.evaluation.protocol import SourceFacts, TrainingFacts
from hf_ecg.pipelines import pipeline
from hf_ecg.signals import read
from hf_ecg.signals.annotations import read_annotations
from hf_ecg.signals.rr_irregularity import RR_FEATURES, rr_features


def test_the_built_in_detector_tells_af_from_sinus_rhythm(windows, shared_data_dir):
    detector = RRDetector.load()
    assert detector.facts["validation_auroc"] > 0.9 and 0 < detector.threshold < 1
    sinus = read(shared_data_dir / "mitdb" / "100")
    sinus = judge_windows([sinus.cut(start, start + 10_800) for start in range(0, 43_200, 10_800)])
    in_af = [score for score, _ in detector.score(judge_windows(windows))]
    others = [score for score, _ in detector.score(sinus)]
    assert min(in_af) > detector.threshold > max(others)
    # too few beats to tell
    few = replace(sinus[0], beats=sinus[0].beats[:5])
    (score, reason), _ = detector.score([few, sinus[0]])
    assert np.isnan(score) and reason == "too few beats"


@pytest.mark.parametrize(
    ("record", "share", "most"), [("201", 0.34, 0.55), ("208", 0.0, 0.3), ("233", 0.0, 0.05), ("219", 0.79, 0.85)]
)
def test_ventricular_beats_are_not_af(shared_data_dir, record, share, most):
    """Share of windows that are AF; with the intervals around ventricular beats many of 208 and 233 are."""
    detector = RRDetector.load()
    windows = [
        window.record for window in FileRecording(shared_data_dir / f"mitdb/{record}.hea", 30, ["AFIB"]).windows()
    ]
    judged = [one for one in judge_windows(windows[:60]) if not one.reason]
    scores = np.array([score for score, _ in detector.score(judged)])
    with_them = np.array([detector.probability(rr_features(one.beats)) for one in judged])
    told = np.isfinite(scores)
    assert told.mean() > 0.9 and share - 0.1 < np.mean(scores[told] >= detector.threshold) < most
    if record in ("208", "233"):
        assert np.mean(with_them >= detector.threshold) > 0.35


def test_beats_of_another_shape_are_the_ventricular_ones(shared_data_dir):
    """As annotated, in a minute of 119 and of 233; and a window without a pair of normal beats tells nothing."""
    for name in ("119", "233"):
        record = read(shared_data_dir / "mitdb" / name)
        marked = read_annotations(shared_data_dir / "mitdb" / name).beats
        for first in (0, 10_800):
            (window,) = judge_windows([record.cut(first, first + 10_800)])
            near = np.abs(marked.samples - np.rint(window.beats * 360)[:, None] - first)
            ventricular = np.isin(np.array(marked.symbols)[near.argmin(axis=1)], ["V", "F"])[1:-1]
            assert near.min(axis=1).max() < 36 and ventricular.sum() > 3
            assert np.mean(of_another_shape(window)[1:-1] == ventricular) > 0.9
    half = np.arange(len(window.beats)) % 2 == 0
    assert rr_features(window.beats, half) is None and rr_features(window.beats, ~half & half) is not None
    with pytest.raises(ValueError, match="left_out has shape"):
        rr_features(window.beats, half[1:])


def test_fitting_and_files(tmp_path):
    random = np.random.default_rng(0)
    is_af = random.random(200) < 0.3
    features = random.normal(size=(200, len(RR_FEATURES))) + 2 * is_af[:, None]
    fitted = fit_rr_detector(features, is_af, 0.4, {"corpus": "made"})
    scores = np.array([fitted.probability(row) for row in features])
    assert np.mean((scores >= 0.5) == is_af) > 0.95
    fitted.save(tmp_path / "rr.json")
    assert RRDetector.load(tmp_path / "rr.json") == fitted
    with pytest.raises(ValueError, match="of one class"):
        fit_rr_detector(features, np.ones(200, bool))
    with pytest.raises(ValueError, match="the features are"):
        replace(fitted, features=("a",))
    with pytest.raises(ValueError, match="8 finite numbers"):
        replace(fitted, weights=(1.0,))
    (tmp_path / "rr.json").write_text("{}")
    with pytest.raises(ValueError, match="wanted"):
        RRDetector.load(tmp_path / "rr.json")


def test_a_classifier_scores_windows_by_its_class_for_af(classifier, windows):
    detector = ModelDetector(classifier, batch_size=3)
    assert detector.label == "AF"
    judged = judge_windows(windows)
    # this extractor fills no gap, and no window of the model is without one
    values = windows[1].to_millivolts()
    values[0, ::90] = np.nan
    gap = replace(judged[1], record=replace(windows[1], values=values, gain=None, baseline=None))
    answers = detector.score([judged[0], gap, *judged[2:]])
    pipe = pipeline("ecg-classification", classifier)
    for place in (0, 2, 3):
        ecg = {"array": windows[place].to_millivolts(), "sampling_rate": 360, "leads": ["I", "V1"], "units": "mV"}
        wanted = {one["label"]: one["score"] for one in pipe(ecg, top_k=None)}
        score, reason = answers[place]
        if max(wanted, key=wanted.get) == "noisy":
            assert np.isnan(score) and reason == NOISE_ANSWER
        else:
            assert score == pytest.approx(wanted["AF"], abs=1e-3) and reason == ""
    assert np.isnan(answers[1][0]) and answers[1][1].startswith("refused by the model: ")


def test_windows_that_the_model_calls_noisy_are_not_scored(classifier, windows):
    detector = ModelDetector(classifier)
    bias = detector._classify.model.state_dict()["classifier.bias"]
    bias[:] = 0
    bias[3] = 50
    assert detector.score(judge_windows(windows[:1]))[0][1] == NOISE_ANSWER
    bias[3], bias[1] = 0, 50
    assert detector.score(judge_windows(windows[:1]))[0][0] > 0.99


def test_the_class_for_af_is_found_or_asked_for(classifier):
    assert ModelDetector(classifier, label="other").label == "other"
    with pytest.raises(ValueError, match="has no class 'flutter', only normal"):
        ModelDetector(classifier, label="flutter")
    with pytest.raises(OSError):
        ModelDetector("absent/absent")


@pytest.mark.parametrize(
    ("names", "label_sets", "label", "found"),
    [
        (["rhythm: SR", "rhythm: AFIB", "form: LVH", "form: NDT"], ["rhythm", "form"], None, "rhythm: AFIB"),
        (
            ["rhythm: SR", "rhythm: MI: AFIB", "form: MI: old", "form: NDT"],
            ["rhythm", "form"],
            "MI: old",
            "form: MI: old",
        ),
        (["history: AF", "MI: AF", "AFIB", "SR"], ["rhythm"], None, "AFIB"),
        (["history: AF", "MI: AF", "ST", "SR"], ["rhythm"], None, "no class for AF"),
        (["rhythm: SR", "rhythm: AFIB", "all: AFIB", "all: SR"], ["rhythm", "all"], None, "several classes 'AFIB'"),
        (["rhythm: SR", "rhythm: AFIB", "all: AFIB", "all: SR"], ["rhythm", "all"], "all: AFIB", "all: AFIB"),
        # a whole name is that class, whatever else it is the end of
        (["AFIB", "rhythm: AFIB", "SR", "ST"], ["rhythm"], "AFIB", "AFIB"),
    ],
)
def test_a_class_is_told_from_its_label_set_whatever_colons_it_holds(
    names, label_sets, label, found, classifier, tmp_path
):
    shutil.copytree(classifier, tmp_path, dirs_exist_ok=True)
    config = AutoConfig.from_pretrained(tmp_path)
    config.id2label = dict(enumerate(names))
    config.save_pretrained(tmp_path)
    facts = TrainingFacts("labels", sources=(SourceFacts(label_sets=tuple(label_sets)),))
    (tmp_path / "training_facts.json").write_text(json.dumps(facts.to_dict()))
    if found in names:
        assert ModelDetector(str(tmp_path), label).label == found
    else:
        with pytest.raises(ValueError, match=found):
            ModelDetector(str(tmp_path), label)


def test_the_threshold_is_the_best_of_all():
    random = np.random.default_rng(3)
    is_af = random.random(60) < 0.3
    scores = (random.normal(size=60) + is_af).round(1)
    chosen = choose_threshold(scores, is_af)

    def gain(threshold):
        found = scores >= threshold
        return found[is_af].mean() - found[~is_af].mean()

    assert gain(chosen) == max(map(gain, np.unique(scores)))
    with pytest.raises(ValueError, match="one class"):
        choose_threshold(scores, np.zeros(60, bool))
