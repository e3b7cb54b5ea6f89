"""The command on a tiny corpus of beats: probes at equal positives, gradients, cues, and what it refuses."""

import datasets
import numpy as np
import pytest
import torch

from hf_ecg import ECGResNetForECGClassification, ECGResNetModel
from hf_ecg.data.schema import row_features
from hf_ecg.evaluation.judging.probe_task import probe_task
from hf_ecg.evaluation.metrics.patient_draws import PatientDraws
from hf_ecg.evaluation.simplicity_bias.equal_probes import equal_classes, equal_scores
from tests.evaluation import tiny

SAMPLES = 400
FEW = ["--positives", "6", "--draws", "1", "--bootstrap", "20", "--minimum", "3", "--device", "cpu"]
FOLDS = ["--train_folds", "1-6", "--validation_folds", "7,8", "--test_folds", "9,10", "--allow_training_folds"]


def beats(number=120):
    """AFIB shows as irregular beats, PVC as a high QRS in lead II: a rhythm, and a form."""
    generator, made = np.random.default_rng(0), tiny.rows(number)
    time = np.arange(SAMPLES) / 100
    for row in made:
        afib, pvc = row["rhythm"] == [0], row["form"] == [0]
        steps = generator.uniform(0.45, 0.95, 9) if afib else np.full(9, 0.7)
        places = 0.2 + np.concatenate([[0], np.cumsum(steps)])
        wave = sum(np.exp(-(((time - at) / 0.025) ** 2)) for at in places)
        heights = np.ones(len(tiny.LEADS))
        heights[1] = 2.5 if pvc else 0.8
        signal = heights[:, None] * wave + generator.normal(0, 0.01, (len(tiny.LEADS), SAMPLES))
        row |= {"signal": np.round(signal * 1000).astype(np.int16).ravel(), "num_samples": SAMPLES}
    features = row_features(len(tiny.LEADS), SAMPLES, tiny.LABEL_SETS)
    return datasets.Dataset.from_dict({key: [row.get(key) for row in made] for key in features}, features=features)


@pytest.fixture(scope="module")
def script(repository):
    return tiny.load_script(repository, "simplicity_bias")


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bias")
    tiny.write_corpus(folder / "corpus", whole=beats())
    for name, kind in (("ENCODER", ECGResNetModel), ("CLASSIFIER", ECGResNetForECGClassification)):
        torch.manual_seed(0)
        kind(tiny.ecg_config(num_samples=SAMPLES, pooling="mean_max")).save_pretrained(folder / name)
        tiny.feature_extractor(SAMPLES).save_pretrained(folder / name)
    return folder


def command(work, model, *options):
    return ["--model", str(work / model), "--data", str(work / "corpus"), *FOLDS, *FEW, *options]


def test_a_report_has_its_three_parts_with_intervals(script, work):
    options = ["--random", "--against", str(work / "CLASSIFIER"), "--picture", "--output_dir", str(work / "out")]
    report = script.main(command(work, "ENCODER", *options))
    assert list(report["probes"]["systems"]) == ["model", "random encoder", "against"]
    probes = report["probes"]["systems"]["model"]
    assert list(probes["classes"]) == ["easy", "subtle"] and set(probes["classes"]["easy"]) == {"AFIB", "SR"}
    assert probes["gap"]["value"] == pytest.approx(probes["easy"]["value"] - probes["subtle"]["value"])
    bands = report["gradients"]["systems"]["model"]
    for name in ("easy", "subtle", "easy input"):
        assert sum(one["value"] for one in bands[name]) == pytest.approx(1.0, abs=1e-5)
    form = report["cues"]["systems"]["model"]["subtle"]
    # the form is in the height of a lead: gone with the waveform, there without the rhythm
    assert form["as recorded"]["auroc"]["value"] > 0.95 < form["waveform kept"]["auroc"]["value"]
    assert form["rhythm kept"]["auroc"]["value"] < 0.75 and form["rhythm kept"]["change"]["high"] < 0
    # the encoder of the classifier has the same weights: no difference, in any part
    same = report["probes"]["differences"][1]
    assert (same["first"], same["second"]) == ("model", "against") and same["gap"]["high"] == 0.0
    page = (work / "out/simplicity_bias.md").read_text()
    assert "## Easy against subtle, at equal positives" in page and "| model | as recorded" not in page
    assert (work / "out/simplicity_bias.png").stat().st_size > 1000
    # nothing is computed twice
    parts = {path: path.stat().st_mtime_ns for path in (work / "out/parts").iterdir()}
    assert script.main(command(work, "ENCODER", *options))["cues"] == report["cues"]
    assert {path: path.stat().st_mtime_ns for path in (work / "out/parts").iterdir()} == parts


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--easy", "form"], "easy and subtle are both 'form'"),
        (["--positives", "1000"], r"no class of rhythm has 1000 positives.*'AFIB': \d+"),
        (["--bands", "5", "1"], "numbers that rise"),
        (["--draws", "0"], "draws"),
    ],
)
def test_what_cannot_be_measured_is_refused(script, work, options, message):
    with pytest.raises(ValueError, match=message):
        script.main(command(work, "ENCODER", *options, "--output_dir", str(work / "refused")))


@pytest.fixture(scope="module")
def task():
    rows = tiny.dataset(120)
    folds = np.array(rows["fold"])
    parts = {"train": range(1, 7), "validation": (7, 8), "test": (9, 10)}
    splits = {split: rows.select(np.flatnonzero(np.isin(folds, list(numbers)))) for split, numbers in parts.items()}
    return probe_task(splits, "rhythm", tiny.LABEL_SETS["rhythm"], 3)


def test_equal_probes_see_so_many_rows_and_no_more(task):
    """A feature that tells every training row by its number: with few of them a probe learns few."""
    generator = np.random.default_rng(0)
    features = {split: generator.normal(size=(len(labels), 6)) for split, labels in task.labels.items()}
    for split, labels in task.labels.items():
        features[split][:, 0] += 4 * labels[:, 0]
    assert equal_classes(task, 5).names == ("AFIB", "SR") and not equal_classes(task, 5).left_out
    rare = equal_classes(task, 40)
    assert set(rare.left_out) == {"AFIB", "SR"} and not rare.names
    scores = equal_scores(task, features, ["AFIB"], 5, seed=0)
    truth = task.labels["test"][:, 0].astype(bool)
    assert scores[truth].mean() > scores[~truth].mean()
    assert np.array_equal(scores, equal_scores(task, features, ["AFIB"], 5, seed=0))
    assert not np.array_equal(scores, equal_scores(task, features, ["AFIB"], 5, seed=1))
    # rows that are not drawn change nothing
    drawn = {**features, "train": features["train"].copy()}
    drawn["train"][_not_drawn(task, features)] += 100.0
    assert np.array_equal(scores, equal_scores(task, drawn, ["AFIB"], 5, seed=0))
    with pytest.raises(ValueError, match="AFIB has .* positives in the training rows, wanted 1000"):
        equal_scores(task, features, ["AFIB"], 1000, seed=0)


def _not_drawn(task, features):
    """Found from outside: training rows whose change leaves the scores as they are."""
    wanted, places = equal_scores(task, features, ["AFIB"], 5, seed=0, strengths=[1.0]), []
    for place in range(len(features["train"])):
        changed = {**features, "train": features["train"].copy()}
        changed["train"][place] += 50.0
        if np.array_equal(wanted, equal_scores(task, changed, ["AFIB"], 5, seed=0, strengths=[1.0])):
            places.append(place)
    assert len(places) == len(features["train"]) - 5 - 20
    return places


def test_means_and_differences_are_over_the_same_patients():
    draws = PatientDraws([f"p{row // 2}" for row in range(40)], replicates=200)
    rows = np.arange(0, 40, 2)
    values = np.random.default_rng(0).normal(size=(2, 20, 1))
    (first,), (second,) = draws.means(values, rows), draws.means(values + 1.0, rows)
    assert first.value == pytest.approx(values.mean()) and (second - first).value == pytest.approx(1.0)
    one, other = (draws.means(each[:1], rows)[0] for each in (values, values + 1.0))
    interval = (other - one).interval()
    assert interval["low"] == pytest.approx(1.0) == pytest.approx(interval["high"])
    values[0, 3] = np.nan
    (known,) = draws.means(values, rows)
    assert known.value == pytest.approx(np.delete(values, 3, axis=1).mean())
