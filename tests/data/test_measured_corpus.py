"""A measured corpus is the corpus, with numbers and features that its signals alone decide."""

import json

import datasets
import numpy as np
import pytest

from hf_ecg.cli import script
from hf_ecg.clinical.waveform_features import FEATURE_TEXTS, features_without
from hf_ecg.data import measured_corpus as module
from hf_ecg.data.builder import Corpus, prepare_corpus
from hf_ecg.data.corpus import load_corpus
from hf_ecg.data.corpus_card import CorpusCard
from hf_ecg.data.extended_corpus import extended_corpus, open_corpus
from hf_ecg.data.measured_corpus import prepare_measured
from hf_ecg.data.schema import row_features
from hf_ecg.signals.delineation import MEASUREMENT_NAMES
from hf_ecg.simulation import simulate_ecg

LEADS = ("I", "II", "V1")
KINDS = ("first_degree_av_block", "left_bundle_branch_block")
LONG_PR, WIDE = "prolonged PR interval (over 200 ms)", "wide QRS complex (120 ms or more)"
R_AVL = "R wave in lead aVL over 1.1 mV"
RATE = 200


def corpus(hold_out=()):
    """Six records of three leads, the last of which is flat."""
    features = row_features(3, 10 * RATE, {"all": ["LPR", "CLBBB"]})

    def read(item):
        ecg = simulate_ecg(KINDS[item % 2], sampling_rate=RATE, seed=item)
        signal = ecg.signal[[ecg.leads.index(lead) for lead in LEADS]] * (item != 5)
        given = {
            "record_id": f"r{item}",
            "patient_id": f"p{item}",
            "signal": np.round(signal * 1000).astype(np.int16).ravel(),
            "num_samples": 10 * RATE,
            "sampling_rate": RATE,
            "leads": list(LEADS),
            "gain": [1000.0] * 3,
            "baseline": [0.0] * 3,
            "fold": item % 2 + 1,
            "text": "",
            "all": [("LPR", "CLBBB")[item % 2]],
        }
        return dict.fromkeys(features) | given

    def card(summary):
        return CorpusCard("Made, 200 Hz", "nothing", "By fold.", "empty", "CC0", "Cite nobody.", label_sets=("all",))

    splits = {"train": [0, 1, 2, 3], "test": [4, 5]}
    return Corpus("made_200hz", features, splits, read, {"hold_out": list(hold_out)}, card, {"license": "cc0-1.0"})


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made") / "corpus"
    prepare_corpus(corpus(), folder, progress=False)
    return folder


@pytest.fixture(scope="module")
def measured(made, tmp_path_factory):
    folder = tmp_path_factory.mktemp("measured") / "corpus"
    summary = prepare_measured(made, folder, num_proc=1, progress=False)
    return folder, summary


def names_of(row, rows, column):
    return None if row[column] is None else {rows.features[column].feature.names[label] for label in row[column]}


def test_plain_load_dataset_reads_it_with_the_texts_as_class_names(measured, tmp_path):
    folder, _ = measured
    rows = datasets.load_dataset(str(folder), "made_200hz", split="train", cache_dir=str(tmp_path))
    assert tuple(rows.features["true_features"].feature.names) == FEATURE_TEXTS
    assert rows.features["false_features"].feature.names == rows.features["true_features"].feature.names
    first, second = (names_of(rows[index], rows, "true_features") for index in (0, 1))
    assert LONG_PR in first and LONG_PR not in second and WIDE in second and WIDE not in first
    assert WIDE in names_of(rows[0], rows, "false_features")


def test_the_same_rows_and_what_the_summary_says(made, measured):
    folder, summary = measured
    old, new = load_corpus(made, keep_unusable=True), load_corpus(folder, keep_unusable=True)
    assert new.select_columns(old.column_names).to_list() == old.to_list()
    assert (
        summary["measurement_names"]
        == list(MEASUREMENT_NAMES)
        == json.loads((folder / "summary.json").read_text())["measurement_names"]
    )
    values = np.array(new[0]["measurements"])
    assert values[MEASUREMENT_NAMES.index("pr_ms")] > 200 and np.isnan(values[MEASUREMENT_NAMES.index("V6_r_mv")])
    shares = summary["feature_truth"]["shares"]
    assert shares[LONG_PR]["true"] == pytest.approx(0.5, abs=0.01) and 0.1 < summary["feature_truth"]["decided"] < 0.9
    card = (folder / "README.md").read_text()
    assert "weak labels" in card and f"| {LONG_PR} | 50.0 % | " in card and "| all | LPR | 3 |" in card


def test_a_corpus_made_of_it_without_measurements_names_none(measured):
    opened = open_corpus(measured[0])
    made = extended_corpus(opened, datasets.Features({}), dict, {}, dict, "x", replaced=["measurements"])
    assert "measurements" not in made.features and "measurement_names" not in made.facts
    assert "measurement_names" in extended_corpus(opened, datasets.Features({}), dict, {}, dict, "x").facts


def test_what_needs_an_absent_lead_is_in_neither_list(measured):
    folder, _ = measured
    rows = load_corpus(folder, split="train")
    deep_s = "deep S waves in leads V5 and V6"
    for row in rows:
        assert deep_s not in names_of(row, rows, "true_features") | names_of(row, rows, "false_features")
        # but a limb lead that two others determine is there
        assert R_AVL in names_of(row, rows, "true_features") | names_of(row, rows, "false_features")


def test_a_record_without_a_beat_has_no_features(measured):
    folder, _ = measured
    flat = next(row for row in load_corpus(folder, keep_unusable=True) if row["record_id"] == "r5")
    assert flat["true_features"] is None and flat["false_features"] is None


def test_no_feature_states_what_is_held_out(made, tmp_path, monkeypatch):
    folder = tmp_path / "held"
    prepare_corpus(corpus(["LPR"]), folder, progress=False)
    monkeypatch.setattr("hf_ecg.clinical.waveform_features.mentions", lambda text, codes: text == LONG_PR)
    summary = prepare_measured(folder, tmp_path / "out", num_proc=1, progress=False)
    assert LONG_PR not in load_corpus(tmp_path / "out").features["true_features"].feature.names
    assert summary["feature_truth"]["features_that_state_held_out"] == [LONG_PR]
    assert LONG_PR in (tmp_path / "out/README.md").read_text()


def test_the_tables_features_name_no_code_that_experiments_hold_out():
    for codes in (["AFIB", "CLBBB", "LVH", "PVC", "IMI"], ["CRBBB", "1AVB", "LAFB", "STACH", "ISCAL"]):
        assert features_without(codes) == FEATURE_TEXTS
    assert len(features_without(["NST_", "STD_", "INVT"])) < len(FEATURE_TEXTS)


def test_killed_while_it_measures_it_goes_on(made, measured, tmp_path, monkeypatch):
    calls = []

    def killed(*given):
        calls.append(given)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module, "feature_states", killed)
        with pytest.raises(KeyboardInterrupt):
            prepare_measured(made, tmp_path / "out", num_proc=1, progress=False)
    assert not (tmp_path / "out").exists()
    monkeypatch.setattr("hf_ecg.signals.delineation.measure_ecg", None)  # nothing is measured twice
    prepare_measured(made, tmp_path / "out", num_proc=1, progress=False)
    assert not [path for path in tmp_path.iterdir() if "measurement" in path.name]
    again, once = load_corpus(tmp_path / "out"), load_corpus(measured[0])
    assert again.remove_columns("measurements").to_list() == once.remove_columns("measurements").to_list()
    np.testing.assert_array_equal(*(np.array(rows["measurements"]) for rows in (again, once)))


def test_a_corpus_is_measured_once(measured, tmp_path):
    with pytest.raises(ValueError, match="has the columns .* already"):
        prepare_measured(measured[0], tmp_path / "out", num_proc=1, progress=False)


def test_the_command(made, tmp_path, capsys):
    out = tmp_path / "out"
    script("prepare measurements")(["--data", str(made), "--output_dir", str(out), "--num_proc", "1"])
    assert "of 124 features decided" in capsys.readouterr().out
    assert "true_features" in load_corpus(out).column_names
