"""`hf-ecg info` says what is installed, and what a folder is."""

import json

import pytest

from hf_ecg import __version__
from hf_ecg.cli import call, environment
from hf_ecg.clinical.prompts import prompt_set_names
from tests.evaluation import tiny


def test_versions_devices_and_extras(capsys, monkeypatch):
    facts = call("info", ["--json"])
    assert json.loads(capsys.readouterr().out)["result"] == facts
    assert facts["versions"]["hf_ecg"] == __version__ and facts["devices"][0].startswith("cpu")
    lines = ["torch>=2.6", 'matplotlib>=3.8; extra == "plot"', 'no-such-thing>=1; extra == "plot"']
    lines += ['scipy>=1; extra == "dev"', 'hf-ecg[plot]; extra == "dev"']
    monkeypatch.setattr(environment.importlib.metadata, "requires", lambda name: lines)
    assert call("info", [])["extras"] == {"plot": "without no-such-thing", "dev": "present"}
    assert "without no-such-thing" in capsys.readouterr().out


def test_a_model_tells_its_network_input_and_training(tmp_path, capsys):
    tiny.dual_encoder().save_pretrained(tmp_path)
    tiny.processor().save_pretrained(tmp_path)
    tiny.write_facts(tmp_path, train_folds=[1, 2])
    facts = call("info", [str(tmp_path)])
    assert (facts["kind"], facts["class"], facts["num_samples"]) == ("model", "ECGTextModel", tiny.SAMPLES)
    assert facts["leads"] == list(tiny.LEADS) and "select_leads" in facts["steps"]
    assert facts["training facts"]["sources"][0]["train_folds"] == [1, 2]
    assert "[1, 2]" in capsys.readouterr().out.replace("1, 2\n", "[1, 2]\n")


def test_a_corpus_tells_its_rows(tmp_path):
    tiny.write_corpus(tmp_path / "corpus", 20)
    (tmp_path / "corpus" / "summary.json").write_text(
        json.dumps({"config": "tiny_100hz", "rows": {"train": 20}, "skipped": {"damaged": 2, "flat": 1}})
    )
    facts = call("info", [str(tmp_path / "corpus")])
    assert facts["kind"] == "corpus" and facts["rows"] == {"train": 20} and facts["skipped"] == 3


def test_an_unfinished_run_says_how_to_go_on(tmp_path):
    (tmp_path / "recipe.yaml").write_text("model: {}")
    assert "--resume latest" in call("info", [str(tmp_path)])["go on"]
    (tmp_path / "recipe.yaml").unlink()
    with pytest.raises(FileNotFoundError, match="neither a model nor a prepared corpus"):
        call("info", [str(tmp_path)])
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(ValueError, match="config.json is not JSON"):
        call("info", [str(tmp_path)])


def test_a_file_that_is_not_there_is_told_so():
    with pytest.raises(FileNotFoundError, match=r"record\.hea is not here: wanted the file of a record, or"):
        call("info", ["record.hea"])


def test_prompt_sets_are_listed_with_their_texts_and_their_source(capsys, tmp_path, monkeypatch):
    sets = {entry["name"]: entry for entry in call("info", ["prompts"])["sets"]}
    assert list(sets) == prompt_set_names() and sets["ptb_xl_rhythm"]["classes"][0] == "AFIB"
    told = capsys.readouterr().out
    assert all(f"{name}: " in told for name in sets) and "source: sentences of PTB-XL's SCP statements" in told
    assert max(map(len, told.splitlines())) <= 100
    one = call("info", ["cpsc2018"])
    assert one["classes"]["VPC"] == ["premature ventricular contraction"] and one["statements"]["VPC"] == ["PVC"]
    assert "VPC (statements PVC): premature ventricular contraction" in capsys.readouterr().out
    monkeypatch.chdir(tmp_path)
    (tmp_path / "prompts").mkdir()  # what is here counts before
    with pytest.raises(FileNotFoundError, match="neither a model nor a prepared corpus"):
        call("info", ["prompts"])
