"""Fine-tuning on times of events, by the command."""

import csv

import datasets
import numpy as np
import pytest
import torch
from transformers import AutoFeatureExtractor

from hf_ecg import AutoModelForECGSurvival
from hf_ecg.data.corpus import load_corpus, target_matrix
from hf_ecg.data.survival_columns import rows_with_survival
from tests.evaluation import tiny
from tests.train.test_finetune import SMALL, command


@pytest.fixture(scope="module")
def script(repository):
    return tiny.load_script(repository, "finetune")


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """A corpus in which records with atrial fibrillation have their event soon, and others late or never."""
    folder, generator = tmp_path_factory.mktemp("survival"), np.random.default_rng(0)
    whole = tiny.dataset(240)
    soon = np.array([rhythm == [0] for rhythm in whole["rhythm"]])
    days = np.where(soon, generator.uniform(1, 300, 240), generator.uniform(400, 900, 240))
    died = np.where(soon, 1, generator.integers(0, 2, 240))
    days = [None if place % 9 == 0 else value for place, value in enumerate(days.tolist())]
    whole = whole.add_column("days", days, feature=datasets.Value("float32"))
    whole = whole.add_column("died", died.astype(bool).tolist(), feature=datasets.Value("bool"))
    tiny.write_corpus(folder / "corpus", whole=whole)
    tiny.dual_encoder(seed=7).ecg_model.save_pretrained(folder / "OUT/encoder")
    tiny.feature_extractor().save_pretrained(folder / "OUT/encoder")
    return folder


DAYS = {"days": datasets.Value("float32"), "died": datasets.Value("bool")}
SURVIVAL = ["--problem", "survival", "--target", "days,died"]
BREAKS = "method.options.breaks=[0, 150, 350, 700]"


def test_a_survival_head_learns_who_has_the_event_soon(script, work):
    tail = ["run.epochs=6", "optimizer.lr=0.003", *SMALL[1:], BREAKS]
    report = script.main(command(work, "out", *SURVIVAL, "--random", tail=tail))
    (task,) = report["tasks"]
    rows = load_corpus(work / "corpus", tiny.CONFIG, folds=[9, 10])
    known = [place for place, value in enumerate(rows["days"]) if value is not None]
    assert task["name"] == "survival" and task["records"] == len(known) < len(rows)
    assert task["events"] == sum(rows["died"][place] for place in known)
    figures = task["figures"]
    assert list(figures) == ["fine-tuned", "fine-tuned, random weights"]
    assert figures["fine-tuned"]["c_index"]["value"] > 0.75
    page = (work / "out/finetune.md").read_text()
    assert f"{task['events']} events" in page and "| system | concordance |" in page
    model = AutoModelForECGSurvival.from_pretrained(work / "out").eval()
    assert model.config.survival_breaks == [0, 150, 350, 700] and model.config.survival_reduction == "mean"
    extractor = AutoFeatureExtractor.from_pretrained(work / "out")
    with torch.no_grad():
        curve = model.survival_curve(model(**extractor(rows[3], return_tensors="pt")).logits)
    with (work / "out/scores.csv").open(newline="") as file:
        row = list(csv.DictReader(file))[3]
    assert list(row) == ["record_id", "0 to 150", "150 to 350", "350 to 700"]
    assert [float(value) for value in list(row.values())[1:]] == pytest.approx(curve[0, 1:].tolist(), abs=1e-5)


def test_events_may_be_true_and_false():
    days, died = [5.0, None, 7.0], [True, False, None]
    rows = datasets.Dataset.from_dict({"days": days, "died": died}, datasets.Features(DAYS))
    values = target_matrix(rows, ["days", "died"])
    np.testing.assert_array_equal(values, [[5, 1], [np.nan, 0], [7, np.nan]])
    assert len(rows_with_survival(rows, ["days", "died"])) == 1


def test_a_frozen_encoder_is_asked_once(script, work, capfd):
    script.main(command(work, "frozen", *SURVIVAL, "--frozen", tail=[*SMALL, BREAKS]))
    assert "the encoder is frozen" in "".join(capfd.readouterr())
    assert len(AutoModelForECGSurvival.from_pretrained(work / "frozen").config.id2label) == 3


@pytest.mark.parametrize(
    "options, tail, message",
    [
        (["--problem", "survival", "--target", "days"], [], "wants two columns, time and event"),
        (["--problem", "survival", "--label_set", "rhythm"], [], "survival wants targets alone"),
        (["--problem", "survival", "--target", "died,days"], [], "days holds .* in the test rows, wanted 1"),
        (SURVIVAL, ["method.options.breaks=[1, 2]"], "rise from 0"),
        (
            SURVIVAL,
            ["method.options.breaks=[0, 0.5]"],
            "all events of the training rows are after",
        ),
        (SURVIVAL, ["validation.metric=mae"], "'mae', validation 'survival' measures .'c_index'"),
    ],
)
def test_what_does_not_fit_is_refused_before_training(script, work, options, tail, message):
    with pytest.raises(ValueError, match=message):
        script.main(command(work, "refused", *options, tail=[*SMALL, *tail]))
