import json
import shutil

import pytest

from hf_ecg.evaluation.judging.features import with_random_ecg_tower
from tests.evaluation import tiny

SETTINGS = ["--config", tiny.CONFIG, "--bootstrap", "20", "--minimum", "3", "--device", "cpu"]


@pytest.fixture(scope="module")
def script(repository):
    return tiny.load_script(repository, "zero_shot")


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    folder = tmp_path_factory.mktemp("zero_shot")
    tiny.write_corpus(folder / "corpus", 240)
    for seed in (0, 1):
        tiny.dual_encoder(seed).save_pretrained(folder / f"OUT{seed}")
        tiny.processor().save_pretrained(folder / f"OUT{seed}")
        tiny.write_facts(folder / f"OUT{seed}", hold_out=["AFIB"], seed=seed)
    tiny.classifier(["rhythm: SR", "form: PVC", "rhythm: AFIB"]).save_pretrained(folder / "BCE")
    tiny.feature_extractor().save_pretrained(folder / "BCE")
    tiny.write_facts(folder / "BCE", label_sets=["rhythm", "form"])
    tiny.save_prompts(folder / "tiny_rhythm.yaml", "rhythm")
    tiny.save_prompts(folder / "tiny_form.yaml", "form", "noisy_or")
    tiny.save_prompts(folder / "tiny_afib.yaml", "rhythm", classes={"AFIB": [tiny.TEXTS["AFIB"]]})
    return folder


def command(work, *options, models=("OUT0",), prompts=("tiny_rhythm",), output="results.json"):
    paths = [str(work / model) for model in models]
    files = [str(work / f"{name}.yaml") for name in prompts]
    data = ["--model", *paths, "--data", str(work / "corpus"), "--prompts", *files, *SETTINGS]
    return [*data, *options, "--output", str(work / output)]


def test_seeds_and_companions_end_in_one_report(script, work, capsys):
    options = ["--supervised", str(work / "BCE"), "--random", "--folds", "10"]
    arguments = command(work, *options, models=("OUT0", "OUT1"), prompts=("tiny_rhythm", "tiny_form"))
    report = script.main(arguments)
    assert json.loads((work / "results.json").read_text()) == report
    page = (work / "results.md").read_text()
    told = capsys.readouterr().out
    assert "| system | seeds |" in page and "| system |" not in told
    assert "label-text: 24 records, macro AUROC of 2 classes" in told and "  prompts - BCE classifier" in told
    assert f"made: {work / 'results.md'} " in told and "next: hf-ecg card " in told
    assert max(len(line) for line in told.splitlines() if not line.startswith(("made", "next"))) <= 100
    rhythm, form = report["tasks"]
    assert [task["protocol"] for task in report["tasks"]] == ["label-text", "label-text"]
    assert rhythm["class_protocols"] == {"AFIB": "zero-shot", "SR": "label-text"}
    assert rhythm["records"] == report["data"]["records"] == 24 and rhythm["patients"] == 12
    assert form["records"] < 24
    assert [entry["num_seeds"] for entry in rhythm["systems"].values()] == [2, 1, 2]
    pairs = [(entry["first"], entry["second"]) for entry in rhythm["differences"]]
    assert pairs == [("prompts", "BCE classifier"), ("prompts", "random encoder")]
    assert "2 seeds of the model beside 1 of the classifier" in report["notes"]
    assert [entry["seed"] for entry in report["models"]["prompts"]] == [0, 1]


def test_ensemble_stands_beside_the_prompts(script, work):
    arguments = command(work, "--ensemble", "--random", "--supervised", str(work / "BCE"), output="ensemble.json")
    task = script.main(arguments)["tasks"][0]
    names = ["prompts", "prompts ensemble", "BCE classifier", "random encoder", "random encoder ensemble"]
    assert list(task["systems"]) == names
    pairs = {(entry["first"], entry["second"]) for entry in task["differences"]}
    assert {("prompts ensemble", "prompts"), ("prompts ensemble", "random encoder ensemble")} <= pairs
    plain = script.main(command(work, "--random", "--supervised", str(work / "BCE"), output="plain.json"))["tasks"][0]
    for name in ("prompts", "random encoder"):
        assert plain["systems"][name] == task["systems"][name]


def test_ways_to_ask_stand_beside_each_other(script, work):
    facts = json.loads((work / "OUT1/training_facts.json").read_text())
    shutil.copytree(work / "OUT1", work / "TOLD", dirs_exist_ok=True)
    (work / "TOLD/training_facts.json").write_text(json.dumps(facts | {"trained_texts": ["sinus rhythm"]}))
    tiny.save_prompts(
        work / "two.yaml", classes={"AFIB": ["atrial fibrillation"], "SR": ["sinus rhythm", "rhythm is"]}
    )
    by = ["--by", "names", "descriptions", "names_and_descriptions", "--random"]
    task = script.main(command(work, *by, models=("TOLD",), prompts=("two",), output="by.json"))["tasks"][0]
    systems = ["prompts", "descriptions", "names and descriptions", "random encoder"]
    assert list(task["systems"])[:4] == systems
    pairs = [(entry["first"], entry["second"]) for entry in task["differences"]]
    assert ("descriptions", "prompts") in pairs and ("names and descriptions", "descriptions") in pairs
    assert ("descriptions", "random encoder, descriptions") in pairs
    assert task["prompts"] == {"AFIB": ["atrial fibrillation"], "SR": ["sinus rhythm"]}
    assert task["dropped"] == {"SR": ["rhythm is"]} and task["not_trained"] == ["AFIB"] and task["trained_texts_known"]
    assert task["descriptions"]["AFIB"]["AFIB"]["absent P waves"] == 1.0
    page = (work / "by.md").read_text()
    assert "SR: rhythm is" in page and "Prompts not in any training text: AFIB" in page
    report = script.main(command(work, "--all_prompts", models=("TOLD",), prompts=("two",), output="all.json"))
    assert report["tasks"][0]["prompts"]["SR"] == ["sinus rhythm", "rhythm is"]
    plain = script.main(command(work, models=("OUT1",), prompts=("two",), output="not_known.json"))
    assert plain["tasks"][0]["systems"]["prompts"] == report["tasks"][0]["systems"]["prompts"]
    assert any("is not known" in note for note in plain["notes"])


def test_texts_of_merls_file_are_asked(script, work):
    path = work / "CKEPE_prompt.json"
    path.write_text(json.dumps({name: text.upper() for name, text in tiny.TEXTS.items() if name != "PVC"}))

    def asked(prompts, output):
        return [prompts if word.endswith("tiny_rhythm.yaml") else word for word in command(work, output=output)]

    plain = script.main(command(work, output="yaml.json"))["tasks"][0]
    task = script.main(asked(f"rhythm={path}", "merl.json"))["tasks"][0]
    assert task["systems"]["prompts"] == plain["systems"]["prompts"]
    assert task["prompts"] == {"AFIB": ["atrial fibrillation"], "SR": ["sinus rhythm"]}
    for prompts, message in (
        (str(path), "say which one is asked for: LABEL_SET="),
        (f"rythm={path}", "no label set 'rythm'.*rhythm"),
        (f"form={path}", r"classes of form without a prompt: \['PVC'\]"),
        (f"rhythm={work / 'absent.json'}", "absent.json"),
    ):
        with pytest.raises((ValueError, OSError), match=message):
            script.main(asked(prompts, "refused.json"))


def test_rules_stand_beside_the_model(script, work):
    options = ["--by", "names", "descriptions", "--rules"]
    report = script.main(command(work, *options, models=("OUT0", "OUT1"), output="rules.json"))
    (task,) = report["tasks"]
    assert list(task["systems"]) == ["prompts", "descriptions", "descriptions and rules", "rules, no model"]
    pairs = {(entry["first"], entry["second"]) for entry in task["differences"]}
    assert {("descriptions and rules", name) for name in ("rules, no model", "descriptions")} <= pairs
    assert set(task["rules"]) == {"AFIB", "SR"} and "rules, no model" in report["models"]
    assert task["systems"]["descriptions and rules"]["num_seeds"] == 2


def test_random_encoder_keeps_the_text_side():
    model = tiny.dual_encoder()
    weight = model.ecg_model.state_dict()
    companion = with_random_ecg_tower(model, seed=1)
    changed = [key for key, value in companion.ecg_model.state_dict().items() if not value.equal(weight[key])]
    assert changed and companion.text_model is model.text_model
    assert all(value.equal(weight[key]) for key, value in model.ecg_model.state_dict().items())


def test_zero_shot_needs_held_out_classes(script, work):
    with pytest.raises(ValueError, match=r"zero-shot is claimed for \['SR'\]"):
        script.main(command(work, "--protocol", "zero-shot"))
    report = script.main(command(work, "--protocol", "zero-shot", prompts=("tiny_afib",), output="held_out.json"))
    assert report["tasks"][0]["protocol"] == "zero-shot"


@pytest.mark.parametrize("folds", ["1", "9,10"])
def test_folds_of_training_and_selection_are_refused(script, work, folds):
    with pytest.raises(ValueError, match="was (trained|selected) on folds"):
        script.main(command(work, "--folds", folds))


def test_companions_folds_are_checked_too(script, work):
    tiny.classifier(["rhythm: SR", "rhythm: AFIB"]).save_pretrained(work / "SEEN")
    tiny.feature_extractor().save_pretrained(work / "SEEN")
    tiny.write_facts(work / "SEEN", train_folds=[10])
    with pytest.raises(ValueError, match="SEEN was (trained|selected) on folds"):
        script.main(command(work, "--supervised", str(work / "SEEN")))
    options = ["--supervised", str(work / "SEEN"), "--allow_training_folds"]
    report = script.main(command(work, *options, output="allowed.json"))
    assert any("train_folds differ" in note for note in report["notes"])


def test_a_classifier_is_no_dual_encoder(script, work):
    with pytest.raises(ValueError, match="wanted a dual encoder"):
        script.main(command(work, models=("BCE",)))


def test_what_would_end_the_evaluation_late_is_refused_before_it(script, work, monkeypatch):
    monkeypatch.setattr(
        "hf_ecg.evaluation.judging.prompt_report.load_corpus", lambda *arguments, **options: pytest.fail("corpus read")
    )
    with pytest.raises(ValueError, match="ends in .json"):
        script.main(command(work, output="results.txt"))
    with pytest.raises(ValueError, match="OUT0'. is one model given twice"):
        script.main(command(work, models=("OUT0", "OUT1", "OUT0")))
    with pytest.raises(ValueError, match="device is 'cudaa'"):
        script.main(command(work, "--device", "cudaa"))
