import contextlib
import importlib.util
import io
import json

import datasets
import numpy as np
import pytest

from hf_ecg.clinical.prompts import load_prompts
from hf_ecg.data.corpus import label_matrix, load_corpus


@pytest.fixture(scope="module")
def prepared(repository, tmp_path_factory):
    """Records of every entry of the mix in every fold, prepared by two processes."""
    folder = tmp_path_factory.mktemp("simulated") / "corpus"
    told = io.StringIO()
    with contextlib.redirect_stdout(told):
        script(repository).main(["--output_dir", str(folder), "--num_records", "270", "--num_proc", "2"])
    assert "rows/s" in told.getvalue() and "next: hf-ecg pretrain --config demo_simulated" in told.getvalue()
    return folder


def test_plain_load_dataset_reads_it(prepared):
    rows = datasets.load_dataset(str(prepared), "simulated_100hz")
    assert set(rows) == {"train", "validation", "test"}
    row = rows["train"][0]
    assert len(row["signal"]) == 12 * 1000 and row["sampling_rate"] == 100
    assert row["sex"] in ("male", "female") and 18 <= row["age"] <= 90
    assert row["text"] and row["report"].startswith("Sinus rhythm")


def test_folds_are_by_patient_and_all_hold_every_rhythm(prepared):
    rows = load_corpus(prepared)
    folds: dict[str, set] = {}
    for patient, fold in zip(rows["patient_id"], rows["fold"], strict=True):
        folds.setdefault(patient, set()).add(fold)
    assert all(len(one) == 1 for one in folds.values())
    assert len(folds) < len(rows), "some patients have two records"
    labels, annotated = label_matrix(rows, "rhythm")
    assert annotated.all()
    fold = np.array(rows["fold"])
    assert set(fold) == set(range(1, 11))
    assert all(labels[fold == number].any(axis=0).all() for number in range(1, 11))


def test_einthoven_and_goldberger_hold_in_counts(prepared):
    signals = np.array(load_corpus(prepared)["signal"][:20]).reshape(-1, 12, 1000)
    one, two, three, right, left, foot = np.moveaxis(signals[:, :6], 1, 0)
    assert (three == two - one).all()
    assert (
        (2 * right == -(one + two)).all() and (2 * left == 2 * one - two).all() and (2 * foot == 2 * two - one).all()
    )


def test_card_and_summary_say_that_it_is_simulated(prepared):
    summary = json.loads((prepared / "summary.json").read_text())
    assert summary["simulated"] is True and summary["seed"] == 0 and not summary["skipped"]
    card = (prepared / "README.md").read_text().lower()
    assert "simulated, not recorded" in card and "- simulated" in card


def test_records_pass_the_quality_gate(prepared):
    quality = json.loads((prepared / "summary.json").read_text())["quality"]
    assert quality["records_passed"] >= 0.97 * quality["records"]


def test_prompts_name_the_classes(prepared):
    features = load_corpus(prepared).features
    for name in ("diagnostic", "form", "rhythm"):
        prompts = load_prompts(f"simulated_{name}")
        assert set(prompts.classes) == set(features[name].feature.names)


def test_records_do_not_depend_on_processes_or_number(prepared, repository, tmp_path):
    arguments = ["--output_dir", str(tmp_path / "few"), "--num_records", "12"]
    script(repository).main(arguments)
    few, many = (
        {row["record_id"]: row for row in load_corpus(folder).to_list()} for folder in (tmp_path / "few", prepared)
    )
    assert len(few) == 12
    assert all(many[record] == row for record, row in few.items())
    with pytest.raises(FileExistsError):
        script(repository).main(arguments)


@pytest.mark.parametrize("wrong", [["--num_records", "3"], ["--seed", "-1"], ["--sampling_rate", "20"]])
def test_impossible_requests_are_refused(repository, tmp_path, wrong):
    with pytest.raises(ValueError, match="wanted"):
        script(repository).main(["--output_dir", str(tmp_path / "out"), *wrong])
    assert not (tmp_path / "out").exists()


def script(repository):
    spec = importlib.util.spec_from_file_location("script_simulated", repository / "dataset_scripts" / "simulated.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
