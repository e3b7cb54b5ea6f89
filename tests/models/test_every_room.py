"""Every family goes through every room: a folder is embedded, probed, fine-tuned, classifies, and is pushed.

No family is named here, and none of these rooms knows one.
"""

import datasets
import numpy as np
import pytest
import torch
from transformers import AutoConfig, AutoFeatureExtractor, AutoModel, pipeline, set_seed

from hf_ecg import AutoModelForECGClassification, ECGFeatureExtractor
from hf_ecg.auto import FAMILIES
from hf_ecg.cli import call
from hf_ecg.embed import EmbeddingOptions, embed_records
from hf_ecg.evaluation.judging.features import run_model
from hf_ecg.evaluation.robustness.conditions import MASKED, Condition, NoiseOptions
from hf_ecg.evaluation.robustness.disturbed_rows import DisturbedRows
from hf_ecg.export import ExportedModel, export_model
from hf_ecg.hub import push_run
from hf_ecg.models.shared.roles import ecg_config, ecg_encoder, model_role
from tests.evaluation import tiny
from tests.hub.conftest import api, hub  # noqa: F401
from tests.models.tiny import CASES, STEPS

OURS = {name: family for name, family in FAMILIES.items() if family.config.__module__.startswith("hf_ecg.")}
# others stand around the encoder of one of these
ENCODERS = [name for name, family in OURS.items() if model_role(family.model) == "encoder"]
EIGHT = ["I", "II", "V1", "V2", "V3", "V4", "V5", "V6"]
FOLDS = "--train_folds 1-7 --validation_folds 8 --test_folds 9,10 --bootstrap 5 --minimum 2".split()


def extractor_for(config) -> ECGFeatureExtractor:
    """Its leads and its length, and what its family reads in place of the waveform."""
    leads = EIGHT if config.num_leads == 8 else tiny.LEADS[: config.num_leads]
    steps = [{"name": "select_leads"}, {"name": "pad"}]
    if config.num_leads == 1:
        leads, steps[0] = tiny.LEADS, {"name": "pick_lead"}
    return ECGFeatureExtractor(
        config.sampling_rate, leads, config.num_samples, [*steps, *STEPS.get(config.model_type, [])]
    )


@pytest.fixture(scope="module")
def work(request, tmp_path_factory):
    """`model`: what `AutoModel` gives of the family, with its encoder's extractor; `corpus`: sixty records of 1 s."""
    folder, family = tmp_path_factory.mktemp("rooms"), OURS[request.param]
    set_seed(0)
    model = family.model(next(make for model, make, *_ in CASES.values() if model is family.model)())
    model.save_pretrained(folder / "model")
    extractor_for(ecg_config(model.config)).save_pretrained(folder / "model")
    tiny.write_facts(folder / "model", train_folds=[1, 2, 3, 4, 5, 6, 7], validation_folds=[8])
    tiny.write_corpus(folder / "corpus", 60)
    return folder


@pytest.fixture(scope="module")
def one_lead(work):
    config = AutoConfig.from_pretrained(work / "model")
    return {"lead": "I"} if ecg_config(config).num_leads == 1 else {}


def options(work, one_lead, *others):
    given = ["--model", str(work / "model"), "--data", str(work / "corpus"), "--config", tiny.CONFIG, *FOLDS]
    return [*given, *others, *(word for name, value in one_lead.items() for word in (f"--{name}", value))]


@pytest.mark.parametrize("work", list(OURS), indirect=True)
def test_pipeline_and_embed_give_what_the_model_gives(work, one_lead, tmp_path):
    rows = tiny.dataset(3)
    extract = pipeline("ecg-feature-extraction", model=str(work / "model"), device="cpu")
    model, extractor = (one.from_pretrained(work / "model") for one in (AutoModel, AutoFeatureExtractor))
    signals = [np.asarray(row["signal"]).reshape(len(tiny.LEADS), -1) / 1000 for row in rows]
    inputs = extractor(signals, 100, tiny.LEADS, "mV", return_tensors="pt", **one_lead)
    with torch.no_grad():
        encoder = ecg_encoder(model).eval()
        wanted = encoder(**inputs).pooler_output
    np.testing.assert_allclose(extract(rows, batch_size=2, **one_lead), wanted, atol=1e-5, rtol=1e-4)
    found = embed_records(
        work / "corpus", str(work / "model"), tmp_path / "e.parquet", EmbeddingOptions(**one_lead), progress=False
    )
    table = datasets.Dataset.from_parquet(str(found.output), cache_dir=str(tmp_path))
    assert len(table) == 60 and len(table[0]["embedding"]) == encoder.config.hidden_size
    first = dict(zip(table["record_id"], table["embedding"], strict=True))
    np.testing.assert_allclose([first[row["record_id"]] for row in rows], wanted, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("work", ENCODERS, indirect=True)
def test_it_is_probed(work, one_lead, tmp_path):
    report = call(
        "evaluate probe", options(work, one_lead, "--label_set", "rhythm", "--output", str(tmp_path / "probe.json"))
    )
    assert report["tasks"][0]["systems"]["probe 100 %"]["macro"]["auroc"]["value"] >= 0


@pytest.mark.parametrize("work", ENCODERS, indirect=True)
def test_it_is_judged_with_fewer_leads_and_more_noise(work, one_lead):
    model, extractor = (one.from_pretrained(work / "model") for one in (AutoModel, AutoFeatureExtractor))
    noise = NoiseOptions().of("ma", 0.0)
    # a model of one lead cannot tell which of several it is to see
    several = [] if one_lead else [Condition("6 limb", noise), Condition(MASKED, noise, mask_rate=0.5)]
    for condition in (Condition("I"), Condition("I", noise), *several):
        rows = DisturbedRows(extractor, tiny.dataset(3), condition)
        found = run_model(model, rows, lambda inputs: model(**inputs).pooler_output)
        assert found.shape == (3, model.config.hidden_size) and found.isfinite().all()


@pytest.mark.large  # the exporter takes seconds for each; that there is a graph test_graphs.py says in every run
@pytest.mark.parametrize("work", ENCODERS, indirect=True)
def test_it_is_written_as_onnx_or_the_reason_is_told(work, one_lead, tmp_path):
    pytest.importorskip("onnxruntime"), pytest.importorskip("onnxscript")
    if "input_values" not in AutoFeatureExtractor.from_pretrained(work / "model").model_input_names:
        with pytest.raises(ValueError, match="beat_tokens.*: only models of the waveform are exported"):
            export_model(str(work / "model"), tmp_path / "onnx")
        return
    folder = export_model(str(work / "model"), tmp_path / "onnx")
    model, exported = AutoModel.from_pretrained(work / "model").eval(), ExportedModel(folder)
    (row,) = tiny.dataset(1)
    signal = np.asarray(row["signal"]).reshape(len(tiny.LEADS), -1) / 1000
    given = exported.inputs(signal, sampling_rate=100, leads=tiny.LEADS, units="mV", **one_lead)
    with torch.no_grad():
        wanted = model(**{name: torch.from_numpy(value) for name, value in given.items()}).pooler_output
    np.testing.assert_allclose(exported.run(given)["pooler_output"], wanted, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("work", ENCODERS, indirect=True)
def test_it_is_fine_tuned_classifies_and_is_pushed(work, one_lead, tmp_path, hub, api):  # noqa: F811
    settings = ["run.epochs=1", "run.num_workers=0", "run.num_threads=1"]
    output = ["--label_set", "rhythm", "--output_dir", str(tmp_path / "tuned")]
    call("finetune", [*options(work, one_lead, *output), *settings])
    tuned = AutoModelForECGClassification.from_pretrained(tmp_path / "tuned")
    before = AutoModel.from_pretrained(work / "model").state_dict()
    assert any(not torch.equal(value, before[key]) for key, value in tuned.encoder.state_dict().items())
    classify = pipeline("ecg-classification", model=str(tmp_path / "tuned"), device="cpu")
    (answer,) = classify(tiny.dataset(1), **one_lead)
    assert {one["label"] for one in answer} <= set(tiny.LABEL_SETS["rhythm"])
    push_run(tmp_path / "tuned", "me/tuned", api=api)
    assert {"config.json", "model.safetensors", "preprocessor_config.json", "README.md"} <= set(hub.files("me/tuned"))
