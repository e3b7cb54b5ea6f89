"""kill -9 at random moments: no answer is lost, and the server counts one call a report."""

import json
import os
import random
import signal
import subprocess
import time
from collections import Counter

import pytest

from hf_ecg.enrichment.proposals import asking_process
from hf_ecg.enrichment.proposals.answer import MAX_CHARACTERS
from hf_ecg.enrichment.proposals.asking import Patience
from hf_ecg.enrichment.proposals.endpoint import EndpointProposer
from hf_ecg.enrichment.proposals.proposal_run import propose
from hf_ecg.enrichment.proposals.store import AnswerCache, read_proposals
from tests.enrichment.llm_server import FEATURES, PROMPT, LanguageModelServer

REPORTS = [f"report {number}" for number in range(240)]
CONCURRENCY = 8
STOPPED = 130

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="starts runs by fork")


def run_once(base_url, folder):
    proposer = EndpointProposer(base_url, "tiny", PROMPT, timeout=20)
    return propose(REPORTS * 2, proposer, folder, patience=Patience(concurrency=CONCURRENCY), progress=False)


def start(base_url, folder) -> int:
    """A run in a process of its own; its number."""
    if number := os.fork():
        return number
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell ignores it for what runs in its background
    try:
        run_once(base_url, folder)
    except KeyboardInterrupt:
        os._exit(STOPPED)
    finally:
        os._exit(1)


def kill(number: int) -> None:
    os.kill(number, signal.SIGKILL)
    os.waitpid(number, 0)


def answers_on_disk(folder) -> Counter:
    lines = (folder / "answers.jsonl").read_bytes().splitlines()
    return Counter(json.loads(line)["report"] for line in lines)


@pytest.mark.parametrize("seed", [0, 1])
def test_a_killed_run_loses_no_answer_and_repeats_no_call(tmp_path, seed):
    moments = random.Random(seed)
    with LanguageModelServer(seconds=0.03) as server:
        for _ in range(5):
            number = start(server.base_url, tmp_path)
            time.sleep(moments.uniform(0.0, 0.4))
            kill(number)
        called = sum(server.calls.values())
        summary = run_once(server.base_url, tmp_path)
    assert 0 < called < len(REPORTS)  # there was something to lose
    assert server.calls == Counter(REPORTS)
    assert answers_on_disk(tmp_path) == Counter(REPORTS)
    assert summary["kept_before"] >= called - CONCURRENCY
    assert read_proposals(tmp_path) == dict.fromkeys(REPORTS, FEATURES)


def test_when_the_asking_process_dies_only_calls_under_way_are_repeated(tmp_path):
    repeated = 0
    with LanguageModelServer(seconds=0.03) as server:
        for _ in range(3):
            called = sum(server.calls.values())
            number = start(server.base_url, tmp_path)
            while sum(server.calls.values()) < called + CONCURRENCY:
                time.sleep(0.01)
            done = subprocess.run(["pgrep", "-P", str(number)], capture_output=True, text=True)
            children = [int(child) for child in done.stdout.split()]
            before = len(answers_on_disk(tmp_path))
            for child in children:
                os.kill(child, signal.SIGKILL)
            os.waitpid(number, 0)  # it ends by itself, with an error
            assert len(children) == 1 and len(answers_on_disk(tmp_path)) >= before
        run_once(server.base_url, tmp_path)
        repeated = sum(server.calls.values()) - len(REPORTS)
    assert repeated <= 3 * CONCURRENCY
    assert answers_on_disk(tmp_path) == Counter(REPORTS)
    assert read_proposals(tmp_path) == dict.fromkeys(REPORTS, FEATURES)


def test_what_a_power_cut_tore_is_asked_again_and_nothing_else(tmp_path):
    with LanguageModelServer() as server:
        run_once(server.base_url, tmp_path)
        file = tmp_path / "answers.jsonl"
        whole = file.read_bytes()
        file.write_bytes(whole[:-30])
        torn = json.loads(whole.splitlines()[-1])["report"]
        run_once(server.base_url, tmp_path)
        run_once(server.base_url, tmp_path)
    assert server.calls == Counter(REPORTS) + Counter([torn])
    assert AnswerCache(file).torn_lines == 1
    assert read_proposals(tmp_path) == dict.fromkeys(REPORTS, FEATURES)


def test_ctrl_c_writes_down_what_is_under_way(tmp_path):
    with LanguageModelServer(seconds=0.1) as server:
        number = start(server.base_url, tmp_path)
        while sum(server.calls.values()) < 20:
            time.sleep(0.01)
        os.kill(number, signal.SIGINT)
        assert os.waitstatus_to_exitcode(os.waitpid(number, 0)[1]) == STOPPED
        assert not (tmp_path / "proposals.jsonl").exists()
        assert answers_on_disk(tmp_path) == server.calls and len(server.calls) < len(REPORTS)
        run_once(server.base_url, tmp_path)
    assert server.calls == Counter(REPORTS)


def test_ctrl_c_amid_a_message_is_still_ctrl_c(tmp_path, monkeypatch):
    whole = asking_process._listen

    def torn(ours, asking, tell):
        monkeypatch.setattr(asking_process, "_listen", whole)
        os.read(ours.fileno(), 2)
        raise KeyboardInterrupt

    monkeypatch.setattr(asking_process, "_listen", torn)
    with LanguageModelServer(seconds=0.05) as server:
        with pytest.raises(KeyboardInterrupt):
            run_once(server.base_url, tmp_path)
        assert answers_on_disk(tmp_path) == server.calls and 0 < len(server.calls) < len(REPORTS)


def test_two_runs_do_not_write_the_same_answers(tmp_path):
    with LanguageModelServer() as server, AnswerCache(tmp_path / "answers.jsonl").writing():
        proposer = EndpointProposer(server.base_url, "tiny", PROMPT, timeout=0.1)
        proposer.timeout = -9.9  # waits 0.1 s for the other run
        with pytest.raises(OSError, match="still being written by another run"):
            propose(REPORTS, proposer, tmp_path, progress=False)
    assert not server.calls


def test_an_endless_answer_is_not_kept_whole(tmp_path):
    with LanguageModelServer(lambda report: "wave " * 100_000) as server:
        propose(["a"], EndpointProposer(server.base_url, "tiny", PROMPT), tmp_path, progress=False)
    (answer,) = AnswerCache(tmp_path / "answers.jsonl").answers(
        [json.loads((tmp_path / "answers.jsonl").read_text())["key"]]
    )
    assert len(answer) == MAX_CHARACTERS + 1
