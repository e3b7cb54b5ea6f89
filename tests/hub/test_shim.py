"""The shim for `trust_remote_code`; `test_another_process.py` reads it with the package installed, and without it."""

import json

import pytest

from hf_ecg.hub import push_run
from tests.evaluation import tiny


@pytest.fixture
def pushed(hub, api, dual_run):
    push_run(dual_run, "me/tiny", shim=True, api=api)
    (dual_run / "encoder" / "README.md").write_text("# Encoder\n")
    push_run(dual_run / "encoder", "me/alone", shim=True, api=api)
    return hub


def test_the_folder_stays_as_it_was_and_a_push_without_shim_takes_it_away(pushed, api, dual_run):
    files = pushed.files("me/tiny")
    assert (
        files["modeling_hf_ecg.py"].startswith(b"from hf_ecg import ECG")
        and files["modeling_hf_ecg.py"].count(b"\n") == 1
    )
    assert json.loads(files["config.json"])["auto_map"]["AutoModelForPreTraining"] == "modeling_hf_ecg.ECGTextModel"
    assert "auto_map" not in json.loads((dual_run / "config.json").read_text())
    push_run(dual_run, "me/tiny", api=api)
    files = pushed.files("me/tiny")
    assert "modeling_hf_ecg.py" not in files and b"auto_map" not in files["config.json"]


def test_a_model_of_another_package_gets_no_shim(hub, api, dual_run):
    config = json.loads((dual_run / "config.json").read_text())
    (dual_run / "config.json").write_text(json.dumps(config | {"model_type": "no_such_type"}))
    with pytest.raises(ValueError, match="'no_such_type', which hf_ecg does not have"):
        push_run(dual_run, "me/tiny", shim=True, api=api)
    assert not hub.calls


def test_a_classifiers_shim_names_our_auto_class(hub, api, tmp_path):
    tiny.classifier(["AFIB", "SR"]).save_pretrained(tmp_path / "BCE")
    tiny.feature_extractor().save_pretrained(tmp_path / "BCE")
    (tmp_path / "BCE" / "README.md").write_text("# BCE\n")
    push_run(tmp_path / "BCE", "me/bce", shim=True, api=api)
    classes = json.loads(hub.files("me/bce")["config.json"])["auto_map"]
    assert classes["AutoModelForECGClassification"] == "modeling_hf_ecg.ECGResNetForECGClassification"
