"""The study of beats: an arm is trained on made records, and the report says which split is which."""

import numpy as np
import pytest
import wfdb

from hf_ecg.evaluation.options import IntervalOptions
from hf_ecg.studies.beats.beat_page import PUBLISHED, beat_lines, beat_page, f1_of
from hf_ecg.studies.beats.beat_runs import CLASSES, BeatRun, answers, class_weights, planned_arms, planned_runs
from hf_ecg.studies.beats.beat_study import Answers, BeatStudy, beat_study, system, validation_figures
from hf_ecg.studies.beats.interval_scores import interval_log_ratios

FAST = [
    "data.sources.0.folds.train=[1,2,3]",
    "run.max_steps=2",
    "run.batch_size=32",
    "run.num_workers=0",
    "data.cache=false",
    "validation.minimum=1",
]


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    """Records of 30 s: a beat each 0.8 s, every fifth one early and wide, every tenth early alone."""
    folder = tmp_path_factory.mktemp("made")
    generator = np.random.default_rng(0)
    for name in ("101", "106", "201", "115", "100", "103", "202"):
        kinds = np.array(["V" if number % 5 == 4 else "A" if number % 10 == 7 else "N" for number in range(35)])
        peaks = np.cumsum(np.where(kinds == "N", 288, 200)) + 200
        signal = generator.normal(size=10_800) * 10
        for peak, kind in zip(peaks, kinds, strict=True):
            signal += 200 * np.exp(-0.5 * ((np.arange(10_800) - peak) / (25 if kind == "V" else 6)) ** 2)
        digital = np.stack([signal, -signal], axis=1).round().astype(int) + 1024
        wfdb.wrsamp(
            name,
            fs=360,
            units=["mV"] * 2,
            sig_name=["MLII", "V1"],
            d_signal=digital,
            fmt=["16"] * 2,
            adc_gain=[200.0] * 2,
            baseline=[1024] * 2,
            comments=["69 M 1085 1629 x1"],
            write_dir=str(folder),
        )
        samples, symbols = np.concatenate([[100], peaks]), ["+", *kinds]
        wfdb.wrann(name, "atr", samples, symbols, aux_note=["(N", *[""] * len(kinds)], write_dir=str(folder))
    return folder


def made_answers(seed, share, rows=105):
    generator = np.random.default_rng(seed)
    labels = generator.choice(5, rows, p=[0.7, 0.1, 0.15, 0.04, 0.01])
    predicted = np.where(generator.random(rows) < share, labels, 0)
    return Answers(labels, np.log(np.eye(5)[predicted] + 0.1), generator.choice(["100", "103", "201"], rows))


def test_an_arm_is_trained_once_and_answers_for_both_splits(raw, tmp_path):
    run = BeatRun(intervals="hidden", weighted=True)
    told = answers(run, raw, tmp_path, FAST)
    assert set(told["validation"].patients) == {"115"} and set(told["test"].patients) == {"100", "103", "201"}
    assert len(told["test"].labels) == 105 and set(told["test"].labels) == {0, 1, 2}
    corpus = tmp_path / "corpora" / "compat_ds1_ds2_125hz"
    weights = class_weights(corpus)
    assert weights[0] == 1 and weights[1] > weights[2] > 1 and weights[4] <= 10
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(tmp_path / "runs" / run.name)
    assert config.class_weights == weights and config.covariates[0] == "rr_before" and config.num_labels == 5
    assert config.covariate_hidden_size == 64
    again = answers(run, tmp_path / "gone", tmp_path, FAST)  # nothing is read or trained anew
    np.testing.assert_array_equal(again["test"].scores, told["test"].scores)
    with pytest.raises(ValueError, match="run.epochs was"):
        answers(run, raw, tmp_path, [*FAST, "run.epochs=7"])
    # early beats that are narrow in one, wide in the other: trees on the intervals tell them from the rest
    beside = interval_log_ratios(corpus, ("test",))["test"]
    assert beside.shape == (105, 5) and (beside.argmax(axis=1)[told["test"].labels > 0] > 0).mean() > 0.9


def test_the_report_has_both_splits_side_by_side(raw, tmp_path):
    """The trainings are put there beforehand; only what a rate costs is measured."""
    (tmp_path / "runs").mkdir()
    arms = planned_arms(0)
    best = arms[3]
    for number, run in enumerate([*arms, *planned_runs(best, (0, 1))]):
        if run.intervals in ("boosted", "alone"):
            continue  # of the network that sees waveforms alone
        share = 0.95 if run.splitting == "leaky" else 0.9 if run == best else 0.6
        parts = {"validation": made_answers(number, share, 35), "test": made_answers(number, share, 105)}
        flat = {f"{split}_{key}": getattr(one, key) for split, one in parts.items() for key in vars(one)}
        np.savez(tmp_path / "runs" / f"{run.name}.npz", **flat)
    asked = BeatStudy(raw, tmp_path, seeds=(0, 1), pairs=1, intervals=IntervalOptions(replicates=20), overrides=FAST)
    report = beat_study(asked)
    assert report["chosen"] == best.arm == "waveform and intervals through a layer"
    assert report["validation"][3]["mean"] > report["validation"][0]["mean"]
    between = [one for one in report["systems"] if "strict" in one]
    assert len(between) == 6 + 1 + 1 + 1 and len(report["systems"]) == len(between) + 1
    for one in between:
        assert one["strict"]["patients"] == 2 and one["patients"] == 3 and one["strict"]["beats"] < one["beats"]
    ratios = report["costs"]["ratios"]
    assert ratios["input_bytes"] == pytest.approx(360 / 125) and 2.5 < ratios["saved_bytes"] < 3.2
    page, lines = beat_page(report), beat_lines(report)
    for title in ("within patients (LEAKY)", "between patients (DS1 to DS2)", "the same without record 202"):
        assert title in page
    assert "from memory" in page and page.count("## Each class") == 3 and "Over 2 seed(s)" in page
    assert lines[0].endswith(best.arm) and any("LEAKY" in line for line in lines)


def test_a_folder_keeps_the_beats_of_one_database(raw, tmp_path):
    (tmp_path / "source.json").write_text('{"data_dir": "another"}')
    with pytest.raises(ValueError, match="holds beats of another, found --data_dir .*take another --output_dir"):
        beat_study(BeatStudy(raw, tmp_path))


def test_figures_of_a_system_are_of_its_answers():
    told = made_answers(0, 0.8, 600)
    entry = system(BeatRun(), told, IntervalOptions(replicates=10))
    hit = ((told.labels == 2) & (told.predicted == 2)).sum()
    assert (
        entry["confusion"][2][2] == hit
        and entry["figures"]["sensitivity/V"]["value"] == hit / (told.labels == 2).sum()
    )
    nothing = Answers(told.labels, np.eye(5)[np.zeros_like(told.labels)], told.patients)
    assert validation_figures(nothing) == {"f1/V": 0.0, "f1/S": 0.0, "mean": 0.0}
    assert len(CLASSES) == 5 and "strict" not in system(BeatRun("leaky"), told, IntervalOptions(replicates=5))
    with pytest.raises(ValueError, match="seeds is empty"):
        BeatStudy("a", "b", seeds=())


def test_published_figures_are_shares():
    assert all(0 < value <= 1 for one in PUBLISHED for value in (*one.supraventricular, *one.ventricular))
    assert f1_of((0.5, 0.5)) == 0.5
