import csv
import json

import numpy as np
import pytest
import torch
from transformers import AutoFeatureExtractor, AutoModel, pipeline

from hf_ecg import AutoModelForECGClassification, ECGFeatureExtractor, ECGResNeXtConfig, ECGResNeXtModel
from hf_ecg.cli import call
from hf_ecg.data.corpus import load_corpus
from tests.evaluation import tiny
from tests.processes import run_ranks

SMALL = ["run.epochs=2", "run.num_workers=0", "run.num_threads=1"]


@pytest.fixture(scope="module")
def script(repository):
    return tiny.load_script(repository, "finetune")


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """A corpus whose ages show in lead I (every seventh is not known), an encoder of twelve leads and one of one."""
    folder = tmp_path_factory.mktemp("finetune")
    whole = tiny.dataset(240)
    ages = [
        None if index % 7 == 0 else 70 - index % 5 if rhythm == [0] else 40 + index % 5
        for index, rhythm in enumerate(whole["rhythm"])
    ]
    whole = whole.remove_columns("age").add_column("age", ages, feature=whole.features["age"])
    tiny.write_corpus(folder / "corpus", whole=whole)
    twelve, one = folder / "OUT" / "encoder", folder / "ONE" / "encoder"
    tiny.dual_encoder(seed=7).ecg_model.save_pretrained(twelve)
    tiny.feature_extractor().save_pretrained(twelve)
    tiny.write_facts(folder / "OUT", train_folds=[1, 2, 3, 4, 5, 6, 7], validation_folds=[8])
    config = ECGResNeXtConfig(num_samples=100, sampling_rate=100, widths=[8, 16], depths=[1, 1], group_width=4)
    torch.manual_seed(0)
    ECGResNeXtModel(config).save_pretrained(one)
    steps = [{"name": "pick_lead"}, {"name": "normalise", "method": "zscore"}]
    ECGFeatureExtractor(100, tiny.LEADS, 100, steps).save_pretrained(one)
    return folder


def command(work, name, *options, encoder="OUT", tail=SMALL):
    arguments = ["--model", str(work / encoder / "encoder"), "--data", str(work / "corpus")]
    arguments += ["--config", tiny.CONFIG, "--train_folds", "1-7", "--validation_folds", "8", "--test_folds", "9,10"]
    return [*arguments, "--bootstrap", "20", "--minimum", "3", "--output_dir", str(work / name), *options, *tail]


def predictions(work, name) -> list[dict]:
    with (work / name / "scores.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def by_pipeline(work, name, **options) -> list[list[dict]]:
    """What the saved folder says of the test records, through the task anybody would use."""
    classify = pipeline("ecg-classification", model=str(work / name), device="cpu")
    return list(classify(load_corpus(work / "corpus", tiny.CONFIG, folds=[9, 10]), batch_size=16, **options))


def test_a_frozen_encoder_keeps_every_bit_and_the_folder_gives_the_report_again(script, work):
    (work / "OUT/README.md").write_text("---\nlicense: cc-by-nc-4.0\n---\n")
    report = script.main(command(work, "frozen", "--label_set", "rhythm,form", "--frozen", "--random"))
    before = AutoModel.from_pretrained(work / "OUT/encoder").state_dict()
    model = AutoModelForECGClassification.from_pretrained(work / "frozen")
    assert all(torch.equal(value, before[key]) for key, value in model.encoder.state_dict().items())
    assert model.config.id2label == {0: "rhythm: AFIB", 1: "rhythm: SR", 2: "form: PVC"}
    rhythm, form = report["tasks"]
    assert list(rhythm["systems"]) == ["frozen encoder", "frozen encoder, random weights"]
    assert rhythm["protocol"] == "supervised" and rhythm["differences"][0]["second"].endswith("random weights")
    weights = [AutoModel.from_pretrained(work / name).state_dict() for name in ("frozen", "frozen/random")]
    assert not any(torch.equal(value, weights[1][key]) for key, value in weights[0].items() if value.ndim > 1)
    assert form["records"] < rhythm["records"] == 48  # not every record is annotated for form
    for row, found in zip(predictions(work, "frozen"), by_pipeline(work, "frozen", top_k=None), strict=True):
        for entry in found:
            assert float(row[entry["label"]]) == pytest.approx(entry["score"], abs=1e-6)
    facts = json.loads((work / "frozen/training_facts.json").read_text())["sources"][0]
    assert facts["train_folds"] == [1, 2, 3, 4, 5, 6, 7] and facts["label_sets"] == ["rhythm", "form"]
    card = (work / "frozen/README.md").read_text()
    assert "frozen encoder" in card and "\nlicense: cc-by-nc-4.0\n" in card  # the encoder's terms go with its weights
    assert "license:" not in (work / "frozen/random/README.md").read_text().split("---")[1]
    assert json.loads((work / "frozen/finetune.json").read_text()) == report


def test_one_class_a_record(script, work):
    options = ["--label_set", "rhythm", "--problem", "single_label", "--lead", "I"]
    report = script.main(command(work, "single", *options, tail=["run.epochs=6", *SMALL[1:]]))
    figures = report["tasks"][0]["figures"]["fine-tuned"]
    rows, found = predictions(work, "single"), by_pipeline(work, "single")
    assert [max(("AFIB", "SR"), key=lambda name: float(row[name])) for row in rows] == [f[0]["label"] for f in found]
    truth = load_corpus(work / "corpus", tiny.CONFIG, folds=[9, 10])["rhythm"]
    right = np.mean([("AFIB", "SR")[true[0]] == f[0]["label"] for true, f in zip(truth, found, strict=True)])
    assert figures["accuracy"]["value"] == pytest.approx(right) and figures["accuracy"]["value"] > 0.8
    assert AutoModelForECGClassification.from_pretrained(work / "single").config.problem_type.startswith(
        "single_label"
    )
    assert "macro F1" in (work / "single/finetune.md").read_text()


def test_ages_come_out_in_years_and_a_regression_resumes_bit_for_bit(script, work):
    options = ["--target", "age", "--lead", "I"]
    longer = ["run.epochs=6", "optimizer.lr=0.003", *SMALL[1:]]
    report = script.main(command(work, "age", *options, tail=longer))
    figures = report["tasks"][0]["figures"]
    mean, ours = figures["mean of the training rows"]["mae"]["value"], figures["fine-tuned"]["mae"]["value"]
    assert mean > 10 and ours < 0.8 * mean
    config = AutoModelForECGClassification.from_pretrained(work / "age").config
    assert 45 < config.target_mean[0] < 60 and config.id2label == {0: "age"} and config.problem_type == "regression"
    rows, found = predictions(work, "age"), by_pipeline(work, "age")
    assert [float(row["age"]) for row in rows] == pytest.approx([f[0]["score"] for f in found], abs=1e-3)
    assert min(float(row["age"]) for row in rows) > 10  # years, not standard deviations
    weights = (work / "age/model.safetensors").read_bytes()
    (work / "age/model.safetensors").unlink()
    assert script.main(command(work, "age", *options, "--resume", "latest", tail=longer))["tasks"] == report["tasks"]
    assert (work / "age/model.safetensors").read_bytes() == weights
    with pytest.raises(OSError, match="holds a run"):
        script.main(command(work, "age", *options, tail=longer))


def test_a_table_of_leads_shows_each_model_its_own(script, work):
    report = script.main(
        command(work, "table", "--label_set", "rhythm", "--lead_table", tail=["run.max_steps=2", *SMALL])
    )
    assert list(report["tasks"][0]["systems"]) == ["I", "II", "V5", "I+II", "six limb leads", "twelve leads"]
    assert any("I+II is these two" in note for note in report["notes"])
    row = load_corpus(work / "corpus", tiny.CONFIG, folds=[9])[0]
    for name, leads in {"V5": ["V5"], "I+II": ["I", "II"], "twelve_leads": tiny.LEADS}.items():
        extractor = AutoFeatureExtractor.from_pretrained(work / "table" / name)
        mask = extractor(row, return_tensors="pt")["lead_mask"][0]
        assert [lead for lead, there in zip(tiny.LEADS, mask, strict=True) if there] == leads
        assert extractor.to_dict() == AutoFeatureExtractor.from_pretrained(work / "table" / name / "encoder").to_dict()


@pytest.mark.distributed
def test_two_processes_train_one_run_after_the_other(work):
    run_ranks(call, "finetune", command(work, "two", "--label_set", "rhythm", "--random", "--frozen"))
    assert len(json.loads((work / "two/finetune.json").read_text())["runs"]) == 2


def test_a_single_lead_encoder_takes_one_lead(script, work):
    script.main(command(work, "one", "--label_set", "rhythm", "--lead", "II", encoder="ONE"))
    extractor = AutoFeatureExtractor.from_pretrained(work / "one")
    row = load_corpus(work / "corpus", tiny.CONFIG, folds=[9])[0]
    assert extractor.leads == ["II"] and extractor(row, return_tensors="pt")["input_values"].shape == (1, 1, 100)


@pytest.mark.parametrize(
    "options, message",
    [
        (["--label_set", "rhythm", "--test_folds", "7"], "train and test share"),
        (["--label_set", "rhythm", "--train_folds", "9", "--test_folds", "1"], "was trained on folds"),
        (["--label_set", "rhythm", "--lead", "V9"], "the encoder has no lead V9"),
        (["--label_set", "rhythm", "--target", "age"], "wants targets alone"),
        (["--label_set", "rythm"], "no label set"),
        (["--target", "sex"], "no column of numbers 'sex'"),
        (["--label_set", "rhythm,form", "--problem", "single_label"], "wants one of data.label_sets"),
        (["--label_set", "rhythm", "data.sources.0.folds.train=[1,2]"], "not overrides"),
        (["--label_set", "rhythm", "optimizer.rate=1"], "unknown key optimizer.rate"),
    ],
)
def test_mistakes_are_named_before_anything_is_trained(script, work, options, message):
    with pytest.raises(ValueError, match=message):
        script.main(command(work, "never", *options))
    assert not (work / "never").exists()


def test_a_tenth_of_the_patients_and_the_precision_as_what_counts(script, work, capsys):
    options = ["--label_set", "rhythm", "--frozen", "--percent", "10", "--metric", "auprc"]
    report = script.main(command(work, "tenth", *options, tail=["run.batch_size=4", *SMALL]))
    rows = load_corpus(work / "corpus", tiny.CONFIG, folds=list(range(1, 8)))
    assert report["runs"][0]["train_records"] < 0.2 * len(rows)
    assert "trained on 10 % of the training patients, drawn by the seed" in report["notes"]
    (task,) = report["tasks"]
    assert task["primary_metric"] == "auprc" and "macro_auprc" in report["runs"][0]["validation"]
    prevalence = np.mean([facts["prevalence"] for facts in task["systems"]["frozen encoder"]["classes"].values()])
    assert f"macro AUPRC of 2 classes (chance {prevalence:.3f})" in capsys.readouterr().out
    recipe = (work / "tenth" / "recipe.yaml").read_text()
    assert "metric: macro_auprc" in recipe and "train_percent: 10" in recipe


@pytest.mark.parametrize(
    "options, message",
    [
        (["--label_set", "rhythm", "--percent", "0"], "train_percent is 0.0, wanted above 0"),
        (["--target", "age", "--metric", "auprc"], "metric is 'auprc', which is one of labels"),
    ],
)
def test_a_share_and_a_metric_that_do_not_fit(script, work, options, message):
    with pytest.raises(ValueError, match=message):
        script.main(command(work, "wrong", *options))
