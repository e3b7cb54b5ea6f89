import json

import datasets
import pytest

from hf_ecg.enrichment.verification.decisions import CLEP
from tests.enrichment.verification import made
from tests.enrichment.verification.made import LONG_PR, WIDE_BEAT
from tests.evaluation.tiny import load_script


@pytest.fixture(scope="module")
def report(made_corpus, models, repository, tmp_path_factory):
    output = tmp_path_factory.mktemp("judged") / "verifiers.json"
    script = load_script(repository, "judge_verifier")
    arguments = ["--data", str(made_corpus), "--verifier", CLEP, "--models", *models, "--output", str(output)]
    script.main([*arguments, "--swaps", "20", "--bootstrap", "100", "--device", "cpu"])
    assert "above the swap with an interval that excludes 0 on" in output.with_suffix(".md").read_text()
    return json.loads(output.read_text())


def test_only_what_shows_in_the_signal_is_seen_and_certified(report):
    found = {entry["feature"]: entry for entry in report["features"]}
    assert found[WIDE_BEAT][CLEP]["sees_the_signal"]
    assert found[WIDE_BEAT][CLEP]["over_swapped"]["low"] > 0.2
    # an interval that excludes 0 comes by chance once in forty: the size of the difference does not. With three swaps
    # it came in one of three such corpora (0.07), with thirty in none (0.04, 0.03, -0.01)
    assert abs(found[LONG_PR][CLEP]["over_swapped"]["value"]) < 0.15
    assert found[LONG_PR][CLEP]["kept"] == 0
    assert found[LONG_PR][CLEP]["certified"] == 0
    assert found[LONG_PR]["positives"] >= 20
    assert report["counts"][CLEP]["judged"] == sum(entry["counted"] for entry in report["features"])


def test_judged_are_the_rows_without_the_statements(report):
    assert report["label_set"] == "form"
    assert {entry["rows"] for entry in report["features"]} == {200}


def test_what_was_withheld_must_be_known(made_corpus, models, repository, tmp_path):
    script = load_script(repository, "judge_verifier")
    arguments = ["--data", str(made_corpus), "--output", str(tmp_path / "x.json")]
    with pytest.raises(ValueError, match="the verifier clep needs --models"):
        script.main(arguments)
    with pytest.raises(ValueError, match="no label set 'rhythm'"):
        script.main([*arguments, "--models", *models, "--label_set", "rhythm"])


def test_a_corpus_that_withheld_nothing_is_refused_before_judges_are_trained(repository, tmp_path):
    folder = made.write_corpus(tmp_path / "corpus", 40)
    for path in folder.rglob("*.parquet"):
        datasets.Dataset.from_parquet(str(path)).remove_columns("withheld").to_parquet(path)
    script = load_script(repository, "judge_verifier")
    arguments = ["--data", str(folder), "--output", str(tmp_path / "x.json"), "--recipe", "x.yaml", "--judges", "x"]
    with pytest.raises(ValueError, match="has no column 'withheld'.*--all_rows"):
        script.main(arguments)
