import json
import shutil

import datasets
import numpy as np
import pytest

from hf_ecg.data import measured_rows
from hf_ecg.data.corpus import load_corpus
from hf_ecg.data.refused_rows import RowsRefused
from hf_ecg.enrichment.verification import verification_run as run
from hf_ecg.enrichment.verification.clep import feature_probabilities
from hf_ecg.enrichment.verification.cross_fit import train_cross_fit
from hf_ecg.enrichment.verification.scoring import ClepOptions, _embeds
from hf_ecg.enrichment.verification.verification_run import verify
from hf_ecg.evaluation.loading import load_dual_encoder, pick_device
from hf_ecg.evaluation.protocol import read_training_facts
from hf_ecg.files import ArrayStore
from hf_ecg.signals.delineation import MEASUREMENT_NAMES, Measurements
from tests.enrichment.verification.made import ABSENT_P, CONFIG, LONG_PR, WIDE_BEAT

FEATURES = [ABSENT_P, WIDE_BEAT, LONG_PR]


def proposals_for(corpus) -> dict[str, list[str]]:
    return {text: FEATURES for text in load_corpus(corpus)["text"]}


@pytest.fixture(scope="module")
def verified(made_corpus, models, tmp_path_factory):
    folder = tmp_path_factory.mktemp("verified") / "corpus"
    options = ClepOptions(models=models)
    statistics = verify(
        made_corpus, proposals_for(made_corpus), folder, ("clep",), options, control_seed=0, num_proc=1, progress=False
    )
    return folder, statistics


def test_training_is_cross_fitted_and_not_repeated(recipe, models, monkeypatch):
    facts = [read_training_facts(folder) for folder in models]
    assert [list(entry.sources[0].train_folds) for entry in facts] == [[6, 7, 8], [2, 3, 4]]
    monkeypatch.setattr("hf_ecg.training.prior_runs.pretrain", None)
    folder = models[0].rpartition("/")[0]
    assert train_cross_fit(recipe, folder) == models


def test_plain_datasets_reads_the_same_rows_with_new_columns(made_corpus, verified):
    folder, _ = verified
    old = load_corpus(made_corpus)
    for split, rows in datasets.load_dataset(str(folder), CONFIG).items():
        before = load_corpus(made_corpus, split=split)
        added = {"augmented_report", "waveform_features", "keep_all_report", "keep_random_report", "unusable"}
        added |= {"true_features", "false_features", "random_true_features", "random_false_features"}
        assert set(rows.column_names) == set(before.column_names) | added
        for column in before.column_names:
            assert rows.features[column] == before.features[column]
        some = range(0, len(rows), 7)
        assert rows.select(some).remove_columns(sorted(added)).to_list() == before.select(some).to_list()
    assert len(load_corpus(folder)) == len(old)
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["text_source"] == "statements"
    assert summary["rows"] == {"train": 480, "validation": 60, "test": 60}
    card = (folder / "README.md").read_text()
    assert "# Made corpus, with verified waveform features" in card
    assert "Licence: CC BY 4.0. Cite nobody." in card


def test_what_shows_is_kept_and_what_cannot_be_seen_is_certified_for_nobody(verified):
    folder, statistics = verified
    rows = load_corpus(folder)
    codes = rows.features["all"].feature.names
    for feature, code in ((ABSENT_P, "AFIB"), (WIDE_BEAT, "PVC")):
        kept = np.array(
            [feature in [f["feature"] for f in row if f["verdict"] == "kept"] for row in rows["waveform_features"]]
        )
        there = np.array([codes.index(code) in labels for labels in rows["all"]])
        assert kept.sum() > 0.5 * there.sum()
        assert there[kept].mean() > 0.85
    verdicts = {f["verdict"] for row in rows["waveform_features"] for f in row if f["feature"] == LONG_PR}
    assert verdicts == {"undecided"}
    entry = next(entry for entry in statistics["thresholds"] if entry["feature"] == LONG_PR)
    assert entry["folds_with_a_threshold"] == 0
    assert min(entry["validation_positives"]) >= 20  # enough of them: it is the signal that does not tell


def test_the_texts_say_what_was_kept_and_nothing_twice(verified):
    for row in load_corpus(verified[0]).select_columns(["text", "augmented_report", "waveform_features"]):
        kept = {f["feature"] for f in row["waveform_features"] if f["verdict"] == "kept"}
        sentences = row["augmented_report"].split(". ")
        assert sentences[: len(row["text"].split(". "))] == row["text"].split(". ")
        assert set(sentences) == set(row["text"].split(". ")) | kept
        assert len(sentences) == len(set(sentences))


def test_scores_come_from_the_model_that_never_saw_the_record(verified, models):
    rows = load_corpus(verified[0])
    for folder, fold in zip(models, (1, 6), strict=True):
        assert fold not in read_training_facts(folder).sources[0].train_folds
        model, processor = load_dual_encoder(folder, pick_device("cpu"))
        mine = rows.select([n for n, f in enumerate(rows["fold"]) if f == fold][:8])
        expected = feature_probabilities(model, processor, mine, [FEATURES[:2]] * len(mine))
        found = [[f["score"] for f in row if f["feature"] != LONG_PR] for row in mine["waveform_features"]]
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_control_arms(verified):
    folder, statistics = verified
    rows = load_corpus(folder)
    assert all(set(FEATURES) <= set(text.split(". ")) for text in rows["keep_all_report"])
    assert statistics["controls"]["keep_random_report"] == statistics["kept"]
    assert statistics["controls"]["keep_all_report"] == statistics["proposals"] == 3 * len(rows)
    assert rows["keep_random_report"] != rows["augmented_report"]
    names = rows.features["random_true_features"].feature.names
    for row in rows.select(range(0, len(rows), 50)):
        shown = {name for name in FEATURES if name in row["keep_random_report"].split(". ")}
        drawn = {names[label] for label in row["random_true_features"]}
        # what the text says anyway need not have been drawn
        assert drawn <= shown <= drawn | set(row["text"].split(". "))
        assert len(row["random_true_features"]) + len(row["random_false_features"]) == len(names)


def test_the_page_counts_what_the_rows_hold(verified):
    folder, statistics = verified
    rows = load_corpus(folder)
    verdicts = [f["verdict"] for row in rows["waveform_features"] for f in row]
    for verdict in ("kept", "rejected", "undecided"):
        assert statistics[verdict] == verdicts.count(verdict)
    words = sum(
        len(new.split()) - len(old.split()) for new, old in zip(rows["augmented_report"], rows["text"], strict=True)
    )
    assert statistics["words_added"] == words
    assert json.loads((folder / "verification.json").read_text())["kept"] == statistics["kept"]
    page = (folder / "verification.md").read_text()
    assert f"| {LONG_PR} | {len(rows)} | 0 | 0 | {len(rows)} |" in page


def fake_measurements(monkeypatch, killed_at: int | None = None) -> list[str]:
    """Measurements that know PR alone, long where the first lead is large. Returns what was measured."""
    measured = []

    def measure(signal, rate, leads):
        measured.append(rate)
        if len(measured) == killed_at:
            raise KeyboardInterrupt
        return Measurements("signal", pr_ms=250.0 if np.abs(signal[0]).max() > 1.5 else 150.0)

    monkeypatch.setattr("hf_ecg.signals.delineation.measure_ecg", measure)
    return measured


def test_measured_first_and_clep_for_the_rest(made_corpus, models, tmp_path, monkeypatch):
    measured = fake_measurements(monkeypatch)
    options = ClepOptions(models=models)
    proposals = proposals_for(made_corpus)
    verify(made_corpus, proposals, tmp_path / "out", clep=options, num_proc=1, progress=False)
    assert len(measured) == 600
    features = [f for row in load_corpus(tmp_path / "out")["waveform_features"] for f in row]
    assert {f["verifier"] for f in features if f["feature"] == LONG_PR} == {"measured"}
    assert {f["verifier"] for f in features if f["feature"] == ABSENT_P} == {"clep"}
    assert {f["verdict"] for f in features if f["feature"] == LONG_PR} == {"kept", "rejected"}


def test_the_truth_of_every_feature_stands_in_columns_of_its_own(made_corpus, models, tmp_path, monkeypatch):
    fake_measurements(monkeypatch)
    # nobody proposes anything for the second half of the texts
    proposals = {text: FEATURES if index % 2 else [] for index, text in enumerate(proposals_for(made_corpus))}
    out = tmp_path / "out"
    statistics = verify(made_corpus, proposals, out, clep=ClepOptions(models=models), num_proc=1, progress=False)
    rows = load_corpus(out)
    names = rows.features["true_features"].feature.names
    true, false = (
        [{names[label] for label in labels} for labels in rows[column]]
        for column in ("true_features", "false_features")
    )
    pr = np.array(rows["measurements"])[:, MEASUREMENT_NAMES.index("pr_ms")]
    assert [LONG_PR in row for row in true] == (pr > 200).tolist()
    assert [LONG_PR in row for row in false] == (pr <= 200).tolist()
    # the dual encoder says what is there, never what is not
    assert any(ABSENT_P in row for row in true) and not any(ABSENT_P in row for row in false)
    assert not any(row & other for row, other in zip(true, false, strict=True))
    for features, row in zip(rows["waveform_features"], true, strict=True):
        assert {feature["feature"] for feature in features if feature["verdict"] == "kept"} <= row
    assert statistics["feature_truth"]["shares"][LONG_PR]["true"] == pytest.approx((pr > 200).mean(), abs=1e-3)
    assert "in every record, proposed or not" in (out / "verification.md").read_text()


def test_a_killed_run_measures_nothing_twice(made_corpus, tmp_path, monkeypatch):
    measured = fake_measurements(monkeypatch, killed_at=400)
    arguments = (made_corpus, proposals_for(made_corpus), tmp_path / "out", ("measured",))
    with pytest.raises(KeyboardInterrupt):
        verify(*arguments, num_proc=1, progress=False)
    assert not (tmp_path / "out").exists()
    verify(*arguments, num_proc=1, progress=False)
    assert len(measured) == 400 + 600 - 3 * measured_rows.CHUNK
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out"]
    with pytest.raises(FileExistsError, match="is there already"):
        verify(*arguments, num_proc=1, progress=False)


def test_killed_while_it_writes_the_page_it_goes_on(made_corpus, tmp_path, monkeypatch):
    measured = fake_measurements(monkeypatch)
    arguments = (made_corpus, proposals_for(made_corpus), tmp_path / "out", ("measured",))

    def killed(statistics, folder):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(run, "write_statistics", killed)
        with pytest.raises(KeyboardInterrupt):
            verify(*arguments, num_proc=1, progress=False)
    assert not (tmp_path / "out").exists()  # a corpus without its page would be refused by the next call
    verify(*arguments, num_proc=1, progress=False)
    assert len(measured) == 600 and (tmp_path / "out/verification.md").is_file()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out"]


def test_measurements_of_other_code_are_not_taken(made_corpus, tmp_path, monkeypatch):
    measured = fake_measurements(monkeypatch)
    arguments = {"verifier": ("measured",), "num_proc": 1, "measurements": tmp_path / "kept", "progress": False}
    proposals = proposals_for(made_corpus)
    for number, (code, total) in enumerate((("old", 600), ("new", 1200), ("old", 1200))):
        monkeypatch.setattr(measured_rows, "measured_by", lambda code=code: code)
        verify(made_corpus, proposals, tmp_path / f"out{number}", **arguments)
        assert len(measured) == total


def test_what_is_held_out_of_the_texts_does_not_come_back(made_corpus, tmp_path, monkeypatch):
    fake_measurements(monkeypatch)
    corpus = tmp_path / "corpus"
    shutil.copytree(made_corpus, corpus)
    facts = json.loads((corpus / "summary.json").read_text())
    (corpus / "summary.json").write_text(json.dumps(facts | {"hold_out": ["AFIB"]}))
    named = ["Coarse atrial fibrillation", "no atrial fibrilation"]
    proposals = {text: [LONG_PR, *named, ABSENT_P] for text in load_corpus(corpus)["text"]}
    statistics = verify(corpus, proposals, tmp_path / "out", ("measured",), control_seed=0, num_proc=1, progress=False)
    assert statistics["features_that_state_them"] == named
    rows = load_corpus(tmp_path / "out")
    assert not any("atrial" in text for text in rows["keep_all_report"])
    assert {f["feature"] for row in rows["waveform_features"] for f in row} == {LONG_PR, ABSENT_P}
    page = (tmp_path / "out/verification.md").read_text()
    assert 'held out of every text: AFIB; proposed features that state them: "Coarse atrial fibrillation"' in page


def test_a_kept_feature_that_is_a_prompt_is_named(made_corpus, tmp_path, monkeypatch):
    fake_measurements(monkeypatch)
    monkeypatch.setattr(
        "hf_ecg.enrichment.verification.statistics.is_evaluated_prompt", lambda name: name != WIDE_BEAT
    )
    verify(made_corpus, proposals_for(made_corpus), tmp_path / "out", ("measured",), num_proc=1, progress=False)
    page = (tmp_path / "out/verification.md").read_text()
    # nothing decides absent P waves here, so that no text holds them
    assert f'kept features that are prompts of an evaluation too, word for word: "{LONG_PR}"\n' in page


def test_the_papers_threshold_stops_before_any_record_is_encoded(made_corpus, models, tmp_path, monkeypatch):
    monkeypatch.setattr("hf_ecg.enrichment.verification.scoring.ecg_embeddings", None)
    monkeypatch.setattr("hf_ecg.enrichment.verification.scoring.sigmoid_parameters", lambda model: (10.2, -9.97))
    options = ClepOptions(models=models, compat_fixed_threshold=0.95)
    with pytest.raises(ValueError, match="0.95 is never reached"):
        verify(made_corpus, proposals_for(made_corpus), tmp_path / "out", ("clep",), options, progress=False)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"verifier": ("gut feeling",)}, "wanted some of 'measured', 'clep'"),
        ({"verifier": "clep"}, "wanted some of 'measured', 'clep'"),
        ({"verifier": ("clep",)}, "needs models"),
        ({"text_column": "words"}, "has no column 'words'"),
        ({"proposals": {"another text": ["x"]}}, "none of the 8 texts in the column 'text'"),
    ],
)
def test_bad_input(made_corpus, tmp_path, arguments, message):
    given = {"proposals": proposals_for(made_corpus), "verifier": ("measured",), "progress": False} | arguments
    with pytest.raises(ValueError, match=message):
        verify(made_corpus, output_dir=tmp_path / "out", **given)


def test_thresholds_are_calibrated_without_what_is_held_out(made_corpus, models, tmp_path, monkeypatch):
    corpus, seen = tmp_path / "corpus", []
    shutil.copytree(made_corpus, corpus)
    facts = json.loads((corpus / "summary.json").read_text())
    (corpus / "summary.json").write_text(json.dumps(facts | {"hold_out": ["AFIB"]}))
    calibrate = run.calibrate

    def watched(*arguments, held_out=(), **options):
        seen.append(list(held_out))
        return calibrate(*arguments, held_out=held_out, **options)

    monkeypatch.setattr(run, "calibrate", watched)
    verify(corpus, proposals_for(corpus), tmp_path / "out", ("clep",), ClepOptions(models=models), progress=False)
    assert seen == [["AFIB"]]


def test_a_strict_verification_takes_no_answers_with_gaps(tmp_path):
    rows = datasets.Dataset.from_dict({"record_id": ["a", "b"]})

    def encode(part):
        if "a" in part["record_id"][:]:
            raise RowsRefused({"a": "no samples"})
        return np.ones((len(part), 2), np.float32)

    store = ArrayStore(tmp_path)
    (found,) = _embeds(encode, rows, store, "m", None, strict=False)
    assert np.isnan(found[0]).all() and np.isfinite(found[1]).all()
    with pytest.raises(RowsRefused):
        _embeds(encode, rows, store, "m", None, strict=True)
