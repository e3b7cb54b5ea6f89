"""The command that proposes waveform features, on a prepared corpus."""

import json

import pytest

from hf_ecg.cli.endings import EndsWith
from hf_ecg.data.corpus import load_corpus
from hf_ecg.enrichment.proposals.store import read_proposals
from tests.enrichment.llm_server import FEATURES, LanguageModelServer
from tests.evaluation import tiny


@pytest.fixture(scope="module")
def augment_reports(repository):
    return tiny.load_script(repository, "augment_reports")


def test_propose_asks_the_table_about_every_text_of_the_corpus(augment_reports, corpus, tmp_path, capsys):
    summary = augment_reports.main(["propose", "--data", str(corpus), "--output_dir", str(tmp_path)])
    texts = [text for text in load_corpus(corpus)["text"] if text]
    assert set(read_proposals(tmp_path)) == set(texts)
    assert (summary["records"], summary["distinct"]) == (len(texts), len(set(texts)))
    shown = capsys.readouterr().out
    assert "proposer: table" in shown and "next: hf-ecg study augment-reports verify" in shown


def test_propose_asks_an_endpoint_and_says_what_it_gave_up(augment_reports, corpus, tmp_path):
    distinct = {text for text in load_corpus(corpus)["text"] if text}
    lost = sorted(distinct)[0]
    prompt = tmp_path / "prompt.txt"
    prompt.write_text("Name features. REPORT: {report}")
    with LanguageModelServer(lambda report: 400 if report == lost else json.dumps(FEATURES)) as server:
        command = ["propose", "--data", str(corpus), "--output_dir", str(tmp_path / "out"), "--prompt", str(prompt)]
        command += ["--proposer", "endpoint", "--base_url", server.base_url, "--model", "tiny", "--concurrency", "3"]
        with pytest.raises(EndsWith, match=f"1 of {len(distinct)} reports were given up") as ended:
            augment_reports.main(command)
    assert server.calls == dict.fromkeys(distinct, 1)
    assert set(read_proposals(tmp_path / "out")) == distinct - {lost}
    assert ended.value.exit_code == 75


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        (["--proposer", "endpoint", "--model", "m"], "endpoint needs a model and a base_url"),
        (["--proposer", "local"], "local needs a model"),
        (["--text_column", "words"], "no column 'words'"),
        (["--concurrency", "0"], "concurrency"),
    ],
)
def test_what_cannot_be_asked_is_refused(augment_reports, corpus, tmp_path, more, problem):
    with pytest.raises(ValueError, match=problem):
        augment_reports.main(["propose", "--data", str(corpus), "--output_dir", str(tmp_path), *more])
