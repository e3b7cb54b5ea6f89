"""The command on a tiny corpus, and what the pipelines make of the file beside the weights."""

import json
import shutil

import datasets
import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from scipy.special import expit, logit

import hf_ecg
from hf_ecg.cli import call
from hf_ecg.evaluation.calibration.calibration_file import read_calibration, write_calibration
from hf_ecg.evaluation.calibration.calibration_page import calibration_section
from hf_ecg.hub.folders import model_files
from tests.evaluation import tiny
from tests.made_channels import beats, write_channels

FAST = ["--train_folds", "1-6", "--calibration_folds", "7,8", "--bootstrap", "20", "--minimum", "5"]


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """A corpus, and models whose calibration stands beside them: of labels, of one class out of two, and of texts."""
    folder = tmp_path_factory.mktemp("calibrate")
    tiny.write_corpus(folder / "corpus", 160)
    for name, problem in (("multi", "multi_label"), ("single", "single_label"), ("number", "regression")):
        model = tiny.classifier(tiny.LABEL_SETS["rhythm"])
        model.config.problem_type = f"{problem}_classification" if "label" in problem else problem
        save(model, tiny.feature_extractor(), folder / name, label_sets=["rhythm"], train_folds=[1, 2, 3, 4, 5, 6])
    save(tiny.dual_encoder(), tiny.processor(), folder / "text", train_folds=[1, 2, 3, 4, 5, 6])
    encoder = hf_ecg.ECGResNetModel(tiny.ecg_config())
    save(encoder, tiny.feature_extractor(), folder / "encoder", train_folds=[1, 2, 3, 4, 5, 6])
    tiny.save_prompts(folder / "words.yaml")
    return folder


def save(model, processor, folder, **facts):
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    tiny.write_facts(folder, validation_folds=[], **facts)


@pytest.fixture(scope="module")
def reports(work):
    words = ["--prompts", str(work / "words.yaml")]
    picture = ["--picture", "--other", f"itself={work / 'corpus'}"]
    more = {"multi": [*picture, "--method", "platt"], "single": ["--ood", "energy"], "text": words}
    given = {name: [str(work / name), str(work / "corpus"), *FAST, *options] for name, options in more.items()}
    return {name: call("calibrate", arguments) for name, arguments in given.items()}


def rows(work):
    return datasets.load_dataset(str(work / "corpus"), split="test")


def test_the_report_judges_other_folds_than_were_fitted_on(work, reports):
    for name, report in reports.items():
        (task,) = report["tasks"]
        assert report["data"]["folds"] == {"train": [1, 2, 3, 4, 5, 6], "calibration": [7, 8], "test": [9, 10]}, name
        assert task["fitted_records"] == 32 and task["records"] == 32
        assert set(task["before"]) >= {"calibration_error", "log_loss", "auroc"}
        assert 0 <= task["sets"]["coverage"]["value"] <= 1 and 0 <= task["sets"]["absent_coverage"]["value"] <= 1
        # all methods on the same rows; the one that was taken has the figures of the rest of the report
        methods = task["methods"]
        assert list(methods) == ["before", "temperature", "platt", "isotonic"]
        assert methods[task["method"]]["calibration_error"] == task["after"]["calibration_error"]
        assert task["method_chosen"] == (name != "multi")
        held_out = {one: methods[one]["held_out_log_loss"] for one in list(methods)[1:]}
        assert task["method"] == min(held_out, key=held_out.get) or name == "multi"
        assert set(methods["isotonic"]["difference"]) == {"calibration_error", "log_loss", "auroc"}
    before, after = (reports["multi"]["tasks"][0][when]["log_loss"]["value"] for when in ("before", "after"))
    assert after < before  # an untrained head is right about nothing but the half
    page = (work / "multi" / "calibration_report.md").read_text()
    assert "| isotonic |" in page and "| verdicts that are sure, present or absent |" in page
    assert "| AFIB |" in page and "found in the top 5%" in page and "noise alone, ma" in page
    assert (work / "multi" / "figures" / "reliability.png").stat().st_size > 1000
    itself = reports["multi"]["strangeness"]["inputs"]["itself"]
    assert itself["mahalanobis"]["low"] < 0.5 < itself["mahalanobis"]["high"]


def test_what_is_written_is_what_is_read(work, reports, tmp_path):
    found = read_calibration(work / "multi" / "calibration.json")
    assert found.facts["folds"]["calibration"] == [7, 8] and found.weights.startswith("sha256:")
    assert read_calibration(write_calibration(found, tmp_path / "again.json")) == found


def test_a_classifier_says_how_sure_it_is(work, reports):
    row = rows(work)[0]
    classify = hf_ecg.pipeline("ecg-classification", str(work / "multi"))
    answers = {one["label"]: one for one in classify(row, top_k=None)}
    plain = {one["label"]: one["score"] for one in classify(row, top_k=None, calibrated=False)}
    task = read_calibration(work / "multi" / "calibration.json").tasks["rhythm"]
    for one in task.classes:
        answer, score = answers[one.label], float(logit(plain[one.label]))
        assert answer["score"] == pytest.approx(expit(one.map.slope * score + one.map.intercept), abs=1e-5)
        assert answer["set"] == (score >= one.set_from) and answer["calibrated"] is True
        may_not = score <= one.absent_to
        assert answer["verdict"] == ("unsure" if answer["set"] == may_not else "absent" if may_not else "present")
        assert isinstance(answer["abstained"], bool) and answer["ood_score"] > 0 and answer["ood"] in (True, False)
    off = hf_ecg.pipeline("ecg-classification", str(work / "multi"), calibration=False)
    assert {one["label"]: one["score"] for one in off(row, top_k=None)} == plain
    assert set(off(row)[0]) == {"label", "score"}


def test_batches_and_crops_change_nothing(work, reports):
    some = rows(work).select(range(3))
    classify = hf_ecg.pipeline("ecg-classification", str(work / "multi"))
    alone, together = [classify(row) for row in some], list(classify(some, batch_size=3))
    for one, other in zip(alone, together, strict=True):
        assert one[0]["ood_score"] == pytest.approx(other[0]["ood_score"], rel=1e-4)


def test_classes_that_exclude_each_other_have_one_set(work, reports):
    answers = hf_ecg.pipeline("ecg-classification", str(work / "single"))(rows(work)[0])
    assert sum(one["score"] for one in answers) == pytest.approx(1)
    assert sum(one["verdict"] == "present" for one in answers) <= 1
    assert len({one["abstained"] for one in answers}) == 1 and len({one["ood"] for one in answers}) == 1


def test_texts_are_calibrated_by_their_prompt_set(work, reports, caplog):
    row, texts = rows(work)[0], {name: [tiny.TEXTS[name]] for name in ("SR", "AFIB")}
    ask = hf_ecg.pipeline("zero-shot-ecg-classification", str(work / "text"))
    answers = {one["label"]: one for one in ask(row, candidate_labels=texts)}
    plain = {one["label"]: one["score"] for one in ask(row, candidate_labels=texts, calibrated=False)}
    task = read_calibration(work / "text" / "calibration.json").tasks["words"]
    for one in task.classes:  # in another order than was asked
        assert answers[one.label]["score"] == pytest.approx(float(one.map(logit(plain[one.label]))), abs=1e-5)
    assert set(ask(row, candidate_labels=["sinus rhythm", "complex"])[0]) == {"label", "score", "cosine"}


def test_other_weights_are_refused(work, reports, tmp_path):
    shutil.copytree(work / "multi", tmp_path / "other")
    weights = load_file(work / "multi" / "model.safetensors")
    weights["classifier.bias"] += 1
    save_file(weights, tmp_path / "other" / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ValueError, match="is of the weights sha256:.* calibrate these weights"):
        hf_ecg.pipeline("ecg-classification", str(tmp_path / "other"))
    row = rows(work)[0]
    assert "set" not in hf_ecg.pipeline("ecg-classification", str(tmp_path / "other"), calibration=False)(row)[0]
    loaded = hf_ecg.pipeline("ecg-classification", str(work / "multi"))
    model, extractor = loaded.model, loaded.feature_extractor
    again = hf_ecg.pipeline(
        "ecg-classification", model, feature_extractor=extractor, calibration=str(work / "multi" / "calibration.json")
    )
    assert again(row) == loaded(row)
    again.save_pretrained(tmp_path / "kept")
    assert hf_ecg.pipeline("ecg-classification", str(tmp_path / "kept"))(row)[0]["calibrated"] is True
    torch.nn.init.zeros_(model.classifier.weight)
    del model.loaded_for_a_pipeline
    with pytest.raises(ValueError, match="calibrate these weights"):
        hf_ecg.pipeline(
            "ecg-classification", model, feature_extractor=extractor, calibration=str(work / "multi/calibration.json")
        )


def changed(content, path, value):
    place = content
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value


@pytest.mark.parametrize(
    "path, value, message",
    [
        (["version"], 2, "has the version 2, this hf_ecg reads 1"),
        (["more"], 1, "holds 'more'"),
        (["weights"], 7, "weights holds 7, wanted a text"),
        (["tasks", "rhythm", "kind"], "both", "kind is 'both'"),
        (["tasks", "rhythm", "coverage"], 2, "coverage is 2, wanted a share"),
        (["tasks", "rhythm", "classes"], [], "wanted a list of objects"),
        (["tasks", "rhythm", "classes", 0, "map", "slope"], "a", "slope holds 'a', wanted a finite number"),
        (["tasks", "rhythm", "classes", 0, "map", "slope"], -1, "wanted 0 or more"),
        (["tasks", "rhythm", "classes", 0, "map", "scores"], [1.0], "wanted as many of both"),
        (["tasks", "rhythm", "classes", 0, "positives"], -1, "wanted a number of rows"),
        (["tasks", "rhythm", "classes", 0, "label"], "SR", "a label is there twice"),
        (["outliers", "mean"], [0.0], "do not fit each other"),
        (["outliers", "threshold"], float("nan"), "wanted a finite number"),
        (["outliers", "threshold"], 10**400, "wanted a finite number"),
        (["tasks", "rhythm", "classes", 0, "map", "slope"], 1e300, "wanted a finite number"),
        (["tasks"], {}, "one task at least"),
    ],
)
def test_a_changed_value_is_refused_in_words(work, reports, tmp_path, path, value, message):
    content = json.loads((work / "multi" / "calibration.json").read_text())
    changed(content, path, value)
    (tmp_path / "calibration.json").write_text(json.dumps(content))
    with pytest.raises(ValueError, match=message):
        read_calibration(tmp_path / "calibration.json")


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda content: content[: len(content) // 2], "is not JSON"),
        (lambda content: b"", "is not JSON"),
        (lambda content: b"\xff" + content, "is not JSON"),
        (lambda content: b"[1]", "holds list, wanted a JSON object"),
    ],
)
def test_a_damaged_file_is_refused_in_words(work, reports, tmp_path, change, message):
    (tmp_path / "calibration.json").write_bytes(change((work / "multi" / "calibration.json").read_bytes()))
    with pytest.raises(ValueError, match=message):
        read_calibration(tmp_path / "calibration.json")


@pytest.mark.parametrize(
    "model, options, message",
    [
        ("number", [], "is a regression: it gives numbers, and no probabilities of classes, wanted a classifier"),
        ("encoder", [], "is an encoder without a trained head, which gives no classes.*hf-ecg finetune"),
        (
            "multi",
            ["--calibration_folds", "6", "--train_folds", "1-5"],
            "was trained on folds .6. of those",
        ),
        ("multi", ["--calibration_folds", "9"], "share 1 folds"),
        ("multi", ["--label_sets", "form"], "trained|no output"),
        ("multi", ["--prompts", "ptb_xl_rhythm"], "this is a classifier"),
        ("multi", ["--coverage", "1"], "coverage is 1.0, wanted a share"),
        ("multi", ["--minimum", "40"], "no class has 40 positives"),
        ("text", [], "--prompts names sets"),
    ],
)
def test_what_cannot_be_calibrated_is_refused_in_words(work, model, options, message):
    with pytest.raises(ValueError, match=message):
        call("calibrate", [str(work / model), str(work / "corpus"), *FAST, *options])


@pytest.mark.parametrize("command", ["calibrate", "audit"])
def test_a_corpus_without_patients_is_refused_in_words(work, tmp_path, command):
    options = FAST if command == "calibrate" else ["--bootstrap", "5"]
    tiny.write_corpus(tmp_path / "nobody", whole=tiny.dataset(160).remove_columns("patient_id"))
    with pytest.raises(ValueError, match="nobody cannot be taken by folds: it has no column 'patient_id'"):
        call(command, [str(work / "multi"), str(tmp_path / "nobody"), *options])
    whole = tiny.dataset(160)
    unknown = whole.remove_columns("patient_id").add_column(
        "patient_id", [None] * 160, feature=whole.features["patient_id"]
    )
    tiny.write_corpus(tmp_path / "unknown", whole=unknown)
    with pytest.raises(ValueError, match="32 of 32 rows have no patient_id"):
        call(command, [str(work / "multi"), str(tmp_path / "unknown"), *options])


def test_fewer_than_twenty_rows_are_refused(work, tmp_path):
    tiny.write_corpus(tmp_path / "small", 60)
    with pytest.raises(ValueError, match="there are 12 rows to calibrate on, wanted at least 20"):
        call("calibrate", [str(work / "multi"), str(tmp_path / "small"), *FAST])


def test_a_class_without_positives_keeps_its_scores(work):
    from hf_ecg.evaluation.calibration.calibrated_tasks import CalibrationOptions, CalibrationRows, calibrate_task

    random = np.random.default_rng(0)
    labels = np.stack([random.random(60) < 0.5, np.zeros(60)], axis=1).astype(float)
    given = CalibrationRows(labels, random.normal(size=(60, 2)), [f"p{row}" for row in range(60)])
    options = CalibrationOptions()
    task, remarks = calibrate_task("multi_label", "x", ["a", "b"], given, "isotonic", options, minimum=10)
    assert task.probabilities([[0.0, 2.0]])[0, 1] == pytest.approx(expit(2)) and task.in_set([[0.0, -9.0]])[0, 1]
    assert any(one.startswith("b: as they were") for one in remarks)
    _, remarks = calibrate_task("multi_label", "x", ["öde, neu", "b"], given, "isotonic", options, minimum=70)
    assert remarks[0].startswith("öde, neu; b: as they were")
    for patients, message in (
        (["p"] * 60, "belong to one patient"),
        ([None] * 60, "60 of 60 rows have no patient_id"),
    ):
        with pytest.raises(ValueError, match=message):
            few = CalibrationRows(labels, given.scores, patients)
            calibrate_task("multi_label", "x", ["a", "b"], few, "isotonic", options, minimum=10)
    with pytest.raises(ValueError, match="60 rows to calibrate on are of 4 patients, wanted at least 5"):
        few = CalibrationRows(labels, given.scores, [row % 4 for row in range(60)])
        calibrate_task("multi_label", "x", ["a", "b"], few, "isotonic", options, minimum=10)


@pytest.mark.parametrize("model, prompts", [("multi", False), ("text", True)])
def test_the_command_for_one_record_says_how_sure_it_is(work, reports, tmp_path, capsys, model, prompts):
    path = str(write_channels(tmp_path, tiny.LEADS, ["1000/mV"] * 12, counts=beats(12, tiny.SAMPLES)))
    asked = ["--prompts", str(work / "words.yaml"), "sinus rhythm"] if prompts else []
    given = [path, "--model", str(work / model), *asked]
    (sure,) = [one for one in call("evaluate classify", given) if one["class"] == "AFIB"]
    assert {"set", "verdict", "abstained", "ood", "calibrated"} <= set(sure)
    assert "Calibrated on other records" in capsys.readouterr().out
    plain = call("evaluate classify", [*given, "--uncalibrated"])
    assert not any("set" in one for one in plain) and len(plain) == (3 if prompts else 2)


def test_a_report_of_before_verdicts_makes_a_section(reports):
    report = json.loads(json.dumps(reports["multi"]))
    (task,) = report["tasks"]
    for key in ("absent_coverage", "sure", "sure_wrong"):
        del task["sets"][key]
    assert "| classes in a set |" in calibration_section(report) and "false classes" not in calibration_section(report)
    assert "| false classes not called present |" in calibration_section(reports["multi"])


def test_the_card_tells_what_was_found(work, reports):
    call("audit", [str(work / "multi"), str(work / "corpus"), "--bootstrap", "10", "--no_duplicates"])
    call("card", [str(work / "multi")])
    card = (work / "multi" / "README.md").read_text()
    assert "## How sure its answers are" in card and "## Audit" in card and "gaps were looked at" in card
    assert "Groups of age and sex, one by one" not in card
    assert json.loads((work / "multi" / "audit.json").read_text())["tasks"][0]["cuts_of"] == "calibration.json"
    pushed = model_files(work / "multi", "me/x")
    assert {"calibration.json", "calibration_report.md", "audit.json", "figures/reliability.png"} <= set(pushed)
