"""The command on a tiny corpus: every kind of model, resumed, and what it refuses."""

import json

import pytest
import torch

from hf_ecg import ECGFeatureExtractor, ECGResNetModel
from hf_ecg.evaluation.judging import features
from tests.evaluation import tiny

FEW = ["--snr_db", "-12", "--bootstrap", "20", "--minimum", "3", "--device", "cpu"]


@pytest.fixture(scope="module")
def script(repository):
    return tiny.load_script(repository, "robustness")


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    folder = tmp_path_factory.mktemp("robustness")
    tiny.write_corpus(folder / "corpus", 240)
    tiny.dual_encoder().save_pretrained(folder / "OUT")
    tiny.processor().save_pretrained(folder / "OUT")
    tiny.write_facts(folder / "OUT")
    tiny.classifier(["SR", "AFIB"]).save_pretrained(folder / "BCE")
    tiny.feature_extractor().save_pretrained(folder / "BCE")
    tiny.write_facts(folder / "BCE")
    torch.manual_seed(0)
    ECGResNetModel(tiny.ecg_config(num_leads=1)).save_pretrained(folder / "SINGLE")
    steps = [{"name": "pick_lead"}]
    single = ECGFeatureExtractor(sampling_rate=100, leads=["I", "II"], num_samples=100, steps=steps)
    single.save_pretrained(folder / "SINGLE")
    tiny.save_prompts(folder / "rhythm.yaml")
    return folder


def command(work, name, *options, label_set="rhythm", output="table"):
    arguments = ["--model", str(work / name), "--data", str(work / "corpus"), "--label_sets", label_set]
    folds = ["--train_folds", "1-6", "--validation_folds", "7,8", "--test_folds", "9,10", "--allow_training_folds"]
    kinds = [] if "tolerantecg" in options else ["--noises", "ma"]
    return [*arguments, *folds, *kinds, *FEW, *options, "--output_dir", str(work / output)]


def cells(report):
    return {(cell["leads"], cell["noise"]): cell for cell in report["tasks"][0]["cells"]}


def test_a_probe_loses_what_its_leads_lose_and_resumes(script, work, monkeypatch):
    report = script.main(command(work, "OUT", "--probe", "--picture"))
    found = cells(report)
    assert list(found) == [
        (leads, noise) for noise in ("clean", "ma -12 dB") for leads in ("12", "8", "6 limb", "I+II+V2", "II", "I")
    ]
    assert report["kind"] == "probe" and report["tasks"][0]["reference"] == "12, clean"
    reference = found["12", "clean"]["auroc"]["value"]
    # AFIB is in the voltage of lead I
    assert reference > 0.9 > found["II", "clean"]["auroc"]["value"]
    change = found["II", "clean"]["change"]
    assert change["value"] == pytest.approx(found["II", "clean"]["auroc"]["value"] - reference)
    assert change["low"] <= change["value"] <= change["high"] < 0 and "change" not in found["12", "clean"]
    assert found["12", "ma -12 dB"]["auroc"]["value"] < reference
    page = (work / "table/robustness.md").read_text()
    assert "| noise | 12 | 8 | 6 limb | I+II+V2 | II | I |" in page and "noise: simulated, seed 0" in page
    assert (work / "table/robustness.png").stat().st_size > 1000
    assert json.loads((work / "table/robustness.json").read_text()) == report
    # one part is lost: it alone is made again
    (lost,) = (work / "table/parts").glob("II, ma*")
    lost.unlink()
    asked = []
    monkeypatch.setattr(
        "hf_ecg.evaluation.robustness.robustness_run.run_model",
        lambda *given: asked.append(given[3]) or features.run_model(*given),
    )
    again = script.main(command(work, "OUT", "--probe", "--picture"))
    assert asked == ["II, ma -12 dB"] and again["tasks"] == report["tasks"]


@pytest.mark.parametrize("name, kind, options", [("BCE", "classifier", []), ("OUT", "prompts", ["--prompts"])])
def test_classes_and_prompts_are_scored_by_name(script, work, name, kind, options):
    options = [*options, str(work / "rhythm.yaml")] if options else []
    report = script.main(command(work, name, *options, "--table", "tolerantecg", output=kind))
    assert report["kind"] == kind and report["table"] == "tolerantecg"
    assert list(cells(report)) == [
        (leads, noise) for noise in ("clean", "mixture -12 dB") for leads in ("all leads", "masked leads")
    ]
    beside = ["--picture", "--beside", str(work / kind / "robustness.json")]
    drawn = script.main(command(work, name, *options, "--table", "tolerantecg", *beside, output=kind))
    assert drawn["tasks"] == report["tasks"] and (work / kind / "robustness.png").is_file()
    assert report["tasks"][0]["protocol"] == {"classifier": "supervised", "prompts": "label-text"}[kind]
    assert "masked leads, 50% of each record's, are gone" in (work / kind / "robustness.md").read_text()
    # the clean cell is what the evaluations of clean records say
    if kind == "classifier":
        model, rows = tiny.classifier(["SR", "AFIB"]), tiny.dataset(240)
        rows = rows.select([index for index, fold in enumerate(rows["fold"]) if fold in (9, 10)])
        logits = features.classifier_logits(model, tiny.feature_extractor(), rows)
        from sklearn.metrics import roc_auc_score

        truth = [labels == [0] for labels in rows["rhythm"]]
        wanted = (roc_auc_score(truth, logits[:, 1]) + 1 - roc_auc_score(truth, logits[:, 0])) / 2
        assert cells(report)["all leads", "clean"]["auroc"]["value"] == pytest.approx(wanted)


def test_a_model_of_one_lead_shows_what_it_can_read(script, work):
    report = script.main(command(work, "SINGLE", "--lead", "I", output="single"))
    found = cells(report)
    assert [leads for (leads, noise), cell in found.items() if "auroc" in cell and noise == "clean"] == ["II", "I"]
    assert "of which the model takes one" in found["12", "clean"]["reason"]
    assert report["tasks"][0]["reference"] == "II, clean"
    assert report["models"]["probe"][0]["trained_on_lead"] == "I"
    page = (work / "single/robustness.md").read_text()
    assert page.count("of which the model takes one") < 12 and "| clean | - | - | - | - | " in page
    with pytest.raises(ValueError, match="the model takes one: say which"):
        script.main(command(work, "SINGLE", output="single"))


@pytest.mark.parametrize(
    "name, options, message",
    [
        ("BCE", ["--lead", "I"], "lead is 'I', which says what a probe is trained on; this is a classifier"),
        ("OUT", [], "there are no prompts for rhythm_class"),
        ("BCE", ["--mask_rate", "2"], "mask_rate is 2.0"),
        ("BCE", ["--beside", "other.json"], "wanted --picture with it"),
    ],
)
def test_what_does_not_fit_is_told(script, work, name, options, message):
    label_set = "rhythm_class" if "no prompts" in message else "rhythm"
    with pytest.raises(ValueError, match=message):
        script.main(command(work, name, *options, label_set=label_set, output="refused"))


def test_absent_recordings_are_told_before_anything_is_computed(script, work, tmp_path):
    (tmp_path / "ma.hea").write_text("")
    for options in (["--recordings", "nowhere"], ["--recordings", str(tmp_path), "--table", "tolerantecg"]):
        with pytest.raises(FileNotFoundError, match="recordings wants a folder with bw, em and ma"):
            script.main(command(work, "OUT", "--probe", *options, output="absent"))
    assert not (work / "absent").exists()


def test_a_model_that_can_read_nothing_ends_in_a_sentence(script, work, tmp_path):
    tiny.classifier(["SR", "AFIB"]).save_pretrained(tmp_path)
    tiny.feature_extractor(num_samples=200).save_pretrained(tmp_path)
    arguments = command(work, "BCE", output="nothing")
    arguments[1] = str(tmp_path)
    with pytest.raises(ValueError, match="can read none of the conditions: .* the model wants 200"):
        script.main(arguments)


def test_patients_on_both_sides_are_refused_unless_the_split_is_called_leaky(script, work):
    whole = tiny.dataset(240)
    shared = [f"p{index % 7}" for index in range(240)]
    whole = whole.remove_columns("patient_id").add_column("patient_id", shared)
    tiny.write_corpus(work / "leaky", whole=whole)
    arguments = command(work, "SINGLE", "--lead", "I", "--table", "tolerantecg", output="leaky_table")
    arguments[3] = str(work / "leaky")
    with pytest.raises(ValueError, match="train and validation share 7 patients"):
        script.main(arguments)
    # both conditions show two leads, and the model reads one
    with pytest.raises(ValueError, match="can read none of the conditions"):
        script.main([*arguments, "--leaky"])
    arguments[1] = str(work / "OUT")
    without_lead = [word for word in arguments if word not in ("--lead", "I")]
    arguments[1], itself = str(work / "OUT"), ["--against", str(work / "BCE")]
    report = script.main([*without_lead, "--probe", "--leaky", *itself])
    other = script.main([arguments[0], str(work / "BCE"), *without_lead[2:], "--probe", "--leaky"])
    for cell, its in zip(cells(report).values(), cells(other).values(), strict=True):
        assert cell["against"]["value"] == pytest.approx(cell["auroc"]["value"] - its["auroc"]["value"])
    script.main([*without_lead, "--probe", "--leaky", *itself])
    assert "Minus BCE under the same condition, paired:" in (work / "leaky_table/robustness.md").read_text()
    assert report["leaky"] and "leaky: patients may be" in (work / "leaky_table/robustness.md").read_text()


def test_the_published_table_mixes_all_noises(script, work):
    with pytest.raises(ValueError, match="the noises are ma, and the table tolerantecg mixes bw, em, ma: leave"):
        script.main(command(work, "BCE", "--table", "tolerantecg", "--noises", "ma"))
