import json

import pytest
import torch

from hf_ecg import ECGFeatureExtractor, ECGResNetModel
from hf_ecg.evaluation.weights import weights_digest
from tests.evaluation import tiny


@pytest.fixture(scope="module")
def script(repository):
    return tiny.load_script(repository, "linear_probe")


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    folder = tmp_path_factory.mktemp("linear_probe")
    tiny.write_corpus(folder / "corpus", 240)
    tiny.dual_encoder().ecg_model.save_pretrained(folder / "OUT" / "encoder")
    tiny.feature_extractor().save_pretrained(folder / "OUT" / "encoder")
    tiny.write_facts(folder / "OUT", train_folds=[1, 2, 3, 4, 5, 6, 7], validation_folds=[8])
    tiny.classifier(["SR", "AFIB"]).save_pretrained(folder / "BCE")
    tiny.feature_extractor().save_pretrained(folder / "BCE")
    tiny.write_facts(folder / "BCE", train_folds=[1, 2, 3, 4, 5, 6, 7], validation_folds=[8])
    return folder


def command(work, *options, folds=("1-7", "8", "9,10")):
    train, validation, test = folds
    arguments = ["--model", str(work / "OUT" / "encoder"), "--data", str(work / "corpus"), "--config", tiny.CONFIG]
    arguments += ["--label_set", "rhythm", "--train_folds", train, "--validation_folds", validation]
    arguments += ["--test_folds", test, "--bootstrap", "20", "--minimum", "3", "--device", "cpu"]
    return [*arguments, *options, "--output", str(work / "probe.json")]


def test_fractions_and_companions_end_in_one_report(script, work):
    before = (work / "OUT" / "encoder" / "model.safetensors").read_bytes()
    report = script.main(command(work, "--fractions", "10,100", "--random", "--supervised", str(work / "BCE")))
    assert json.loads((work / "probe.json").read_text()) == report
    assert (work / "OUT" / "encoder" / "model.safetensors").read_bytes() == before
    judged = report["models"]["probe"]
    assert judged == [{"folder": "OUT/encoder", "seed": 0, "weights": weights_digest(work / "OUT" / "encoder")}]
    task = report["tasks"][0]
    assert task["protocol"] == "supervised" and task["records"] == 48
    assert list(task["systems"]) == [
        "probe 100 %",
        "probe 10 %",
        "random encoder, probe 100 %",
        "random encoder, probe 10 %",
        "BCE classifier",
    ]
    assert (task["differences"][0]["first"], task["differences"][0]["second"]) == ("probe 100 %", "BCE classifier")
    probes = {entry["system"]: entry for entry in report["probes"]}
    assert probes["probe 100 %"]["train_patients"] == 84 and probes["probe 10 %"]["train_patients"] == 9
    # AFIB is in the voltage of one lead, which random convolutions keep.
    assert task["systems"]["probe 100 %"]["macro"]["auroc"]["value"] > 0.9
    assert "| probe 100 % - BCE classifier |" in (work / "probe.md").read_text()


def test_untrained_classes_are_noted(script, work):
    report = script.main(command(work, "--fractions", "1"))
    probe = report["probes"][0]
    assert probe["train_patients"] == 1
    if probe["untrained_classes"]:
        assert any("constant" in note for note in report["notes"])


@pytest.mark.parametrize(
    "folds, message",
    [
        (("1-7", "8", "8,9"), "validation and test share"),
        (("1-7", "7", "10"), "train and validation share"),
        (("2-7", "8", "1"), "was trained on folds"),
        (("1-7", "8", "10;9"), "folds are"),
    ],
)
def test_folds_that_overlap_are_refused(script, work, folds, message):
    with pytest.raises(ValueError, match=message):
        script.main(command(work, folds=folds))


def test_an_encoder_of_a_single_lead_is_shown_the_lead_that_is_named(script, work):
    folder = work / "SINGLE"
    torch.manual_seed(0)
    ECGResNetModel(tiny.ecg_config(num_leads=1)).save_pretrained(folder)
    steps = [{"name": "pick_lead"}]
    ECGFeatureExtractor(sampling_rate=100, leads=["I", "II"], num_samples=100, steps=steps).save_pretrained(folder)
    arguments = command(work, "--fractions", "100")
    arguments[1] = str(folder)
    with pytest.raises(ValueError, match=r"the record has \['I', 'II'\], of which the model takes one: say which"):
        script.main(arguments)
    macro = {}
    for lead in ("I", "II"):
        report = script.main([*arguments, "--lead", lead])
        assert report["lead"] == lead and f"lead {lead} alone" in (work / "probe.md").read_text()
        macro[lead] = report["tasks"][0]["systems"]["probe 100 %"]["macro"]["auroc"]["value"]
    # AFIB is in the voltage of lead I
    assert macro["I"] > 0.9 > macro["II"]
    with pytest.raises(ValueError, match=r"lead='V1' was given, but the recipe accepts \['I', 'II'\]"):
        script.main([*arguments, "--lead", "V1"])
