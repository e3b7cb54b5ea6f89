"""Cards from reports that the real scripts wrote on tiny models."""

import json
import re

import numpy as np
import pytest
import wfdb
import yaml
from huggingface_hub import ModelCard, parse_eval_result_entries

from hf_ecg import ECGFeatureExtractor
from hf_ecg.hub import push_run, write_card
from hf_ecg.hub.__main__ import main
from hf_ecg.processing.describe import describe_voltage
from tests.evaluation import tiny

SETTINGS = ["--config", tiny.CONFIG, "--bootstrap", "20", "--minimum", "3", "--device", "cpu"]


@pytest.fixture(scope="module")
def work(tmp_path_factory, repository):
    """A dual encoder, a classifier, and what both scripts say about them."""
    folder = tmp_path_factory.mktemp("cards")
    tiny.write_corpus(folder / "corpus", 240)
    model = tiny.dual_encoder()
    model.save_pretrained(folder / "OUT")
    tiny.processor().save_pretrained(folder / "OUT")
    model.ecg_model.save_pretrained(folder / "OUT" / "encoder")
    tiny.feature_extractor().save_pretrained(folder / "OUT" / "encoder")
    tiny.write_facts(folder / "OUT")
    tiny.classifier(["rhythm: AFIB", "rhythm: SR"]).save_pretrained(folder / "BCE")
    tiny.feature_extractor().save_pretrained(folder / "BCE")
    tiny.write_facts(folder / "BCE", text_column=None, label_sets=["rhythm"])
    tiny.save_prompts(folder / "tiny_rhythm.yaml", "rhythm")
    shared = ["--supervised", str(folder / "BCE"), "--random", "--data", str(folder / "corpus"), *SETTINGS]
    prompts = ["--prompts", str(folder / "tiny_rhythm.yaml"), "--output", str(folder / "label_text.json")]
    tiny.load_script(repository, "zero_shot").main(["--model", str(folder / "OUT"), *shared, *prompts])
    probe = ["--label_set", "rhythm", "--fractions", "100", "--output", str(folder / "probe.json")]
    tiny.load_script(repository, "linear_probe").main(["--model", str(folder / "OUT" / "encoder"), *shared, *probe])
    return folder


def value(report, system, metric="auroc"):
    return report["tasks"][0]["systems"][system]["macro"][metric]["value"]


def test_the_card_tells_what_was_measured_and_what_was_not(work):
    reports = [work / "label_text.json", work / "probe.json"]
    card = write_card(work / "OUT", reports, licence="mit", dataset_id="me/tiny-ecg")
    text, data = card.read_text(), ModelCard.load(card).data
    label_text, probe = (json.loads(path.read_text()) for path in reports)
    results = {entry.metric_name: entry for entry in data.eval_results}
    assert results["macro AUROC (label-text, tiny_rhythm)"].metric_value == round(value(label_text, "prompts"), 4)
    probed = results["macro AUPRC (supervised, probe 100 %, rhythm)"]
    assert probed.metric_value == round(value(probe, "probe 100 %", "auprc"), 4)
    assert probed.metric_args["classes"] == ["AFIB", "SR"] and probed.dataset_type == "tiny"
    # companions stand beside the figures, and are not results of this model
    assert not any("classifier" in name or "random" in name for name in results)
    for system in ("BCE classifier", "random encoder", "random encoder, probe 100 %"):
        assert re.search(rf"^\| {system} \| 1 \| [01]\.\d+ \[[01]\.\d+, [01]\.\d+\]", text, re.MULTILINE), system
    assert label_text["command"] in text and "24 records of 12 patients" in text and "macro over 2: AFIB, SR" in text
    assert "tiny_rhythm are label-text, not zero-shot" in text and "folds of the same corpus" in text
    assert data.license == "mit" and data.tags[0] == "ecg" and "100 Hz" in text
    (yaml_file,) = (work / "OUT" / ".eval_results").glob("hf_ecg_label_text.yaml")
    (entry,) = parse_eval_result_entries(yaml.safe_load(yaml_file.read_text()))
    assert (entry.dataset_id, entry.task_id) == ("me/tiny-ecg", "tiny_rhythm") and "label-text" in entry.notes
    assert entry.value == round(value(label_text, "prompts"), 4)
    # written anew, it is the same: reports and licence stay in the folder
    assert write_card(work / "OUT", dataset_id="me/tiny-ecg").read_text() == text


def test_the_companions_own_card_shows_its_own_figure(work):
    card = write_card(work / "BCE", [work / "label_text.json"])
    text, results = card.read_text(), ModelCard.load(card).data.eval_results
    report = json.loads((work / "label_text.json").read_text())
    auroc = next(entry for entry in results if entry.metric_type == "roc_auc")
    assert auroc.metric_value == round(value(report, "BCE classifier"), 4) and "supervised" in auroc.metric_name
    assert "This model is `BCE classifier` in the tables" in text and "**Supervised**" in text


def test_a_report_on_other_weights_is_refused(work, tmp_path):
    tiny.dual_encoder(5).save_pretrained(tmp_path / "OUT")
    tiny.processor().save_pretrained(tmp_path / "OUT")
    with pytest.raises(ValueError, match="label_text.json judges OUT .* not the weights in"):
        write_card(tmp_path / "OUT", [work / "label_text.json"])
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(ValueError, match="other.json is not an evaluation report"):
        write_card(tmp_path / "OUT", [tmp_path / "other.json"])


def test_without_evaluation_the_card_says_so(work, tmp_path, capsys):
    tiny.dual_encoder().save_pretrained(tmp_path)
    tiny.processor().save_pretrained(tmp_path)
    assert main(["card", str(tmp_path), "--title", "Mine"]) == str(tmp_path / "README.md")
    text = (tmp_path / "README.md").read_text()
    assert "This model was not evaluated." in text and "model-index" not in text and "# Mine" in text


def test_figures_of_simulated_records_are_no_results(work, tmp_path):
    report = json.loads((work / "label_text.json").read_text())
    report["data"]["simulated"] = True
    (tmp_path / "label_text.json").write_text(json.dumps(report))
    tiny.dual_encoder().save_pretrained(tmp_path / "OUT")
    tiny.processor().save_pretrained(tmp_path / "OUT")
    card = write_card(tmp_path / "OUT", [tmp_path / "label_text.json"], dataset_id="me/tiny-ecg")
    assert "model-index" not in card.read_text() and "are not results" in card.read_text()
    assert "simulated" in ModelCard.load(card).data.tags and not (tmp_path / "OUT" / ".eval_results").exists()


@pytest.mark.parametrize(
    ("name", "result"), [("OUT", "similarities"), ("BCE", "scores"), ("OUT/encoder", "embedding")]
)
def test_the_code_on_the_card_runs(work, tmp_path, monkeypatch, name, result):
    signal = np.random.default_rng(0).normal(0, 0.3, (100, 12))
    wfdb.wrsamp("record", 100, ["mV"] * 12, tiny.LEADS, p_signal=signal, fmt=["16"] * 12, write_dir=str(tmp_path))
    text = write_card(work / name).read_text()
    code = re.search(r"```python\n(.*?)```", text, re.DOTALL)[1].replace("PATH_OR_ID", str(work / name))
    assert text.index("pip install hf-ecg") < text.index("import hf_ecg")
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(code, names)
    assert len(names[result]) == {"OUT": 1, "BCE": 2, "OUT/encoder": 1}[name]


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (None, "visible: the waveform"),
        ({"name": "divide", "divisor": 5}, "visible: the waveform"),
        ({"name": "normalise", "method": "zscore"}, r"\*\*not visible\*\* \(zscore over each lead\)"),
        (
            {"name": "normalise", "method": "minmax", "over": "record"},
            "minmax over each record, only the leads' sizes",
        ),
        ({"name": "normalise", "method": "zscore", "return_amplitude": True}, "beside it as `amplitude`"),
    ],
)
def test_whether_voltage_is_visible(step, words):
    extractor = ECGFeatureExtractor(sampling_rate=100, num_samples=None, steps=[step] if step else [])
    assert re.match(f".*{words}", describe_voltage(extractor))


def test_a_pushed_card_passes_the_hubs_validation_and_carries_its_id(work, hub, api):
    write_card(work / "OUT", [work / "label_text.json"], dataset_id="me/tiny-ecg")
    push_run(work / "OUT", "me/tiny", api=api)
    files = hub.files("me/tiny")
    assert hub.count("POST /api/validate-yaml") == 1
    card = ModelCard(files["README.md"].decode())
    card.validate()
    assert card.data.eval_results and "PATH_OR_ID" not in card.content and str(work) not in card.content
    assert {"evaluation/label_text.json", ".eval_results/hf_ecg_label_text.yaml"} <= set(files)
    assert str(work).encode() not in files["evaluation/label_text.json"]
