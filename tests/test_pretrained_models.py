"""The models inside the package: found by name, loaded, and what they refuse; not their exact numbers."""

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModel, AutoProcessor, pipeline

import hf_ecg
from hf_ecg.cli import call
from hf_ecg.embed.encoder import Encoder
from hf_ecg.evaluation.loading import load_classifier, load_dual_encoder, load_encoder, load_model
from hf_ecg.evaluation.protocol import read_training_facts
from hf_ecg.pretrained_models import model_source
from hf_ecg.simulation import simulate_ecg, write_wfdb
from hf_ecg.studies.pretrained_models.packaging import LARGEST_BYTES
from hf_ecg.training.finetune import finetuning_recipe
from hf_ecg.training.network import build_model
from hf_ecg.training.recipe_sections import ModelSection
from tests.evaluation import tiny

NAMES = hf_ecg.pretrained_names()
DUAL = "ecg-text-small"


@pytest.mark.parametrize("name", NAMES)
def test_a_model_of_the_package_is_small_and_says_where_it_comes_from(name):
    folder = Path(hf_ecg.pretrained(name))
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) <= LARGEST_BYTES
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert "license:" in card and "Licence" in card
    assert json.loads((folder / "config.json").read_text())["dtype"] == "float32"
    facts = read_training_facts(folder)
    assert facts is None or (facts.sources[0].train_folds == tuple(range(1, 11)) and "PTB-XL" in card)


def test_an_unknown_name_is_refused_with_the_names_there_are():
    with pytest.raises(ValueError, match="holds no model 'ecg-text-smal' .did you mean 'ecg-text-small'.*, only "):
        hf_ecg.pretrained("ecg-text-smal")


def test_a_name_is_a_folder_or_a_model_of_the_package(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert model_source(DUAL) == hf_ecg.pretrained(DUAL)
    (tmp_path / DUAL).mkdir()  # a command's output folder, which holds no model
    assert model_source(DUAL) == hf_ecg.pretrained(DUAL)
    (tmp_path / DUAL / "config.json").write_text("{}")
    assert model_source(DUAL) == DUAL
    with pytest.raises(FileNotFoundError, match="an empty name is not a folder here"):
        model_source("")
    (tmp_path / "out").mkdir()
    for name in ("out/clep", "./clep", "/nowhere/at/all", "a/b/c"):
        with pytest.raises(FileNotFoundError, match=f"{name} is not a folder here.*cannot be on the Hub"):
            model_source(name)
    (tmp_path / "model.pt").write_bytes(b"")
    with pytest.raises(FileNotFoundError, match="model.pt is a file, .*hf-ecg convert"):
        model_source("model.pt")


@pytest.mark.parametrize(
    ("name", "meant"), [("out/clep0", "out/clep"), ("ecg-text-smal", DUAL), ("out/quite_another", None)]
)
def test_a_slip_is_told_with_the_name_that_was_meant(tmp_path, monkeypatch, name, meant):
    (tmp_path / "out" / "clep").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match="is not a folder here") as caught:
        model_source(name)
    assert f"(did you mean {meant!r}?)" in str(caught.value) if meant else "did you mean" not in str(caught.value)


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ([], "out is an empty folder, and no model: there is no config.json"),
        (["a.csv", "b/c.txt"], "out holds a.csv, b/, and no model"),
        (["summary.json", "README.md"], "out is a prepared corpus and not a model"),
        (["recipe.yaml", "log.jsonl"], "out is a run that has not saved its model yet .*--resume latest"),
        (["seed0/config.json", "seed1/config.json"], "holds no model itself, but there are out/seed0, out/seed1"),
    ],
)
def test_a_folder_without_a_model_is_told_by_what_it_holds(tmp_path, monkeypatch, files, found):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "out").mkdir()
    for file in files:
        (tmp_path / "out" / file).parent.mkdir(exist_ok=True)
        (tmp_path / "out" / file).write_text("{}")
    for load in DOORS.values():
        with pytest.raises(FileNotFoundError, match=found):
            load("out")


DOORS = {
    "load_pretrained": hf_ecg.load_pretrained,
    "pipeline": partial(hf_ecg.pipeline, "ecg-feature-extraction"),
    "load_encoder": partial(load_encoder, device=torch.device("cpu")),
    "load_classifier": partial(load_classifier, device=torch.device("cpu")),
    "embed": Encoder,
    "init_from": lambda name: build_model(
        ModelSection(class_="ECGResNetForECGClassification", config={}, init_from={"encoder": name}), ["SR"]
    ),
    "finetune": lambda name: finetuning_recipe(name, label_sets=["statements"]),
    "towers": lambda name: hf_ecg.ECGTextModel.from_ecg_text_pretrained(name, name),
}


@pytest.mark.parametrize("door", DOORS)
def test_a_model_that_is_not_there_is_told_at_once_wherever_it_is_named(tmp_path, monkeypatch, door):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match="out/x is not a folder here.*no model of this name is in the cache"):
        DOORS[door]("out/x")


@pytest.mark.parametrize(
    ("load", "wanted"),
    [
        (load_dual_encoder, "wanted a dual encoder of ECGs and texts"),
        (load_classifier, "wanted a classifier such as"),
        (load_encoder, "wanted a model of ECGs"),
        (load_model, "wanted a model of ECGs"),
    ],
)
def test_a_text_model_is_not_taken_for_one_of_ecgs(load, wanted, caplog):
    with pytest.raises(ValueError, match=f"clinical-text-small holds BertModel, which .*{wanted}"):
        load("clinical-text-small", torch.device("cpu"))
    assert not caplog.records


def test_an_encoder_is_no_classifier_and_a_classifier_gives_its_encoder_without_a_report(tmp_path, capfd):
    classifier, cpu = tiny.classifier(["SR"]), torch.device("cpu")
    for name, model in (("classifier", classifier), ("encoder", classifier.encoder)):
        model.save_pretrained(tmp_path / name)
        tiny.feature_extractor().save_pretrained(tmp_path / name)
    with pytest.raises(ValueError, match="encoder holds ECGResNetModel, an encoder without a trained head, wanted a"):
        load_classifier(str(tmp_path / "encoder"), cpu)
    assert type(hf_ecg.load_pretrained(str(tmp_path / "classifier"))[0]) is type(classifier)
    encoder, _ = load_encoder(str(tmp_path / "classifier"), cpu)
    hf_ecg.pipeline("ecg-feature-extraction", str(tmp_path / "classifier"), device="cpu")
    assert type(encoder) is type(classifier.encoder) and "REPORT" not in "".join(capfd.readouterr())
    weights = zip(encoder.parameters(), classifier.encoder.parameters(), strict=True)
    assert all(torch.equal(*pair) for pair in weights)


@pytest.fixture(scope="module")
def ecg():
    return simulate_ecg("atrial_fibrillation", sampling_rate=500, seed=1)


def test_pipelines_without_a_model_take_the_one_of_the_package(ecg):
    given = {"sampling_rate": 500, "leads": ecg.leads, "units": "mV"}
    embed = pipeline("ecg-feature-extraction")
    assert len(embed(ecg.signal, **given)) == embed.model.get_ecg_encoder().config.hidden_size
    classify = pipeline("zero-shot-ecg-classification")
    answers = classify(ecg.signal, **given, candidate_labels=["sinus rhythm", "atrial fibrillation", "zebra"])
    assert all(np.isfinite(answer["score"]) for answer in answers) and len(answers) == 3
    with pytest.raises(ValueError, match="ecg-classification wants model=, a classifier"):
        hf_ecg.pipeline("ecg-classification")
    with pytest.raises(ValueError, match="task is 'ecg-clasification', wanted .*did you mean 'ecg-classification'"):
        hf_ecg.pipeline("ecg-clasification")
    with pytest.raises(
        ValueError, match="ecg-text-small is ECGTextModel, a dual encoder; zero-shot-ecg-classification"
    ):
        pipeline("ecg-classification")


def test_auto_classes_and_the_short_way_give_the_same(ecg):
    folder = hf_ecg.pretrained(DUAL)
    model, processor = AutoModel.from_pretrained(folder), AutoProcessor.from_pretrained(folder)
    assert {tensor.dtype for tensor in model.parameters()} == {torch.float32} and not model.training
    inputs = processor(
        ecg=ecg.signal, text=["sinus rhythm"], sampling_rate=500, leads=ecg.leads, units="mV", return_tensors="pt"
    )
    short, same = hf_ecg.load_pretrained(DUAL)
    assert same.feature_extractor.to_dict() == processor.feature_extractor.to_dict()
    with torch.no_grad():
        assert torch.equal(model(**inputs).logits_per_ecg, short(**inputs).logits_per_ecg)


@pytest.fixture(scope="module")
def embedded():
    model, processor = hf_ecg.load_pretrained(DUAL)

    def embed(signals, rate, leads):
        inputs = processor.feature_extractor(signals, sampling_rate=rate, leads=leads, units="mV", return_tensors="pt")
        with torch.no_grad():
            return model(**inputs, **processor(text=["sinus rhythm"], return_tensors="pt")).ecg_embeds[0]

    return embed


def test_records_of_other_rates_lengths_and_leads_are_read(embedded, ecg):
    whole = embedded(ecg.signal, 500, ecg.leads)
    for rate in (250, 400, 100):
        other = simulate_ecg("atrial_fibrillation", sampling_rate=rate, seed=1)
        assert embedded(other.signal, rate, other.leads) @ whole > 0.9
    assert embedded(ecg.signal[:, :2500], 500, ecg.leads) @ whole > 0.5
    limbs = embedded(ecg.signal[:2], 500, ecg.leads[:2])
    for leads in ([0], [1], [0, 1]):
        assert torch.isfinite(embedded(ecg.signal[leads], 500, [ecg.leads[lead] for lead in leads])).all()
    # six limb leads are what two of them give
    torch.testing.assert_close(limbs, embedded(ecg.signal[:6], 500, ecg.leads[:6]), atol=1e-3, rtol=1e-3)


def test_the_same_record_at_500_and_100_hz_is_the_same_to_it(embedded, shared_data_dir):
    fast = sorted((shared_data_dir / "ptb-xl" / "records500").rglob("*_hr.hea"))[:8]
    for path in fast:
        slow = Path(str(path).replace("records500", "records100").replace("_hr", "_lr"))
        high, low = hf_ecg.read(path), hf_ecg.read(slow)
        one, other = (embedded(r.to_millivolts(), r.sampling_rate, list(r.leads)) for r in (high, low))
        assert one @ other > 0.99


def test_what_it_was_not_trained_for_is_refused(embedded, ecg):
    values = ecg.signal
    zscores = (values - values.mean(1, keepdims=True)) / values.std(1, keepdims=True)
    with pytest.raises(ValueError, match="mean of 0 and a standard deviation of 1"):
        embedded(zscores, 500, ecg.leads)
    with pytest.raises(ValueError, match="lasts 2 s, wanted 5 to 120 s"):
        embedded(values[:, :1000], 500, ecg.leads)


def test_its_words_are_those_of_people_too():
    model, processor = hf_ecg.load_pretrained(DUAL)

    def text(words):
        tokens = processor(text=[words], return_tensors="pt")
        with torch.no_grad():
            return torch.nn.functional.normalize(model.get_text_features(**tokens).pooler_output[0], dim=0)

    for words, same, other in (
        ("AFib", "atrial fibrillation", "sinus rhythm"),
        ("Heart attack", "inferior myocardial infarction", "atrial fibrillation"),
        ("ECG shows sinus tachycardia", "sinus tachycardia", "sinus bradycardia"),
    ):
        assert text(words) @ text(same) > text(words) @ text(other)


def test_the_command_line_takes_its_name(tmp_path, ecg, capsys):
    record = write_wfdb(ecg, tmp_path / "record")
    call("evaluate classify", [str(record), "--model", DUAL, "--prompts", "sinus rhythm", "atrial fibrillation"])
    assert "atrial fibrillation" in capsys.readouterr().out
    call("embed", [str(record), "--model", DUAL, "--output", str(tmp_path / "e.parquet")])
    assert (tmp_path / "e.parquet").is_file()


def test_the_encoder_of_one_lead_reads_lead_one_alone(ecg):
    model, extractor = hf_ecg.load_pretrained("ecg-single-lead-small")
    given = {"sampling_rate": 500, "units": "mV", "return_tensors": "pt"}
    with torch.no_grad():
        one = model(**extractor(ecg.signal[:1], leads=["I"], **given)).pooler_output
        twelve = model(**extractor(ecg.signal, leads=ecg.leads, lead="I", **given)).pooler_output
    torch.testing.assert_close(one, twelve, atol=1e-4, rtol=1e-4)
    with pytest.raises(ValueError, match="lasts 4 s, wanted 5 to 120 s"):
        extractor(ecg.signal[:1, :2000], leads=["I"], **given)


def test_a_gap_within_a_record_moves_no_answer(shared_data_dir):
    """CinC 2017 A00001, normal: lines drawn through a gap of 10 s said 0.42; the whole says 0.93, its windows 0.95."""
    ask = hf_ecg.pipeline("zero-shot-ecg-classification", DUAL)
    record = hf_ecg.read(shared_data_dir / "cinc2017" / "training2017" / "A00001.hea")
    asked = {"array": record.to_millivolts(), "sampling_rate": 300, "leads": ["I"], "units": "mV"}

    def sinus(**options):
        answers = ask(asked, candidate_labels=["sinus rhythm", "atrial fibrillation"], **options)
        return {one["label"]: one["score"] for one in answers}["sinus rhythm"]

    assert sinus() > 0.9
    first = asked["array"][:, 3000:3001].copy()
    asked["array"][:, 3000:6000] = np.nan
    missing = sinus()
    assert missing > 0.88 and sinus(window=10) > 0.9
    asked["array"][:, 3000:6000] = first  # an electrode that is off
    assert sinus() == pytest.approx(missing, abs=1e-6)
