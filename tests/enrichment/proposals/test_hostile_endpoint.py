"""What an endpoint may send in the place of a completion: in messages, in memory, and in what is kept."""

import base64
import gzip
import json
import resource
import zlib
from urllib.parse import quote

import pytest

from hf_ecg.enrichment.proposals.asking import Patience, UnusableAnswer
from hf_ecg.enrichment.proposals.endpoint import EndpointProposer
from hf_ecg.enrichment.proposals.hidden_key import without_key
from hf_ecg.enrichment.proposals.proposal_run import propose
from hf_ecg.enrichment.proposals.store import read_proposals
from tests.enrichment.llm_server import FEATURES, PROMPT, LanguageModelServer

KEY = "sk-live/0123456789abcdefghij+lmnopqrstuvwxyzABCDEFGH"
LIMIT = 2 << 20


@pytest.fixture(scope="module")
def server():
    with LanguageModelServer() as server:
        yield server


@pytest.fixture
def answer(server, monkeypatch):
    monkeypatch.setenv("HF_ECG_API_KEY", KEY)

    def answer(status, body, **headers):
        server.behave = lambda report: {"status": status, "body": body, "headers": headers}
        return EndpointProposer(server.base_url, "tiny", PROMPT, timeout=20).answer("report")

    return answer


def completion(content) -> bytes:
    return json.dumps({"choices": [{"message": {"role": "assistant", "content": content}}]}).encode()


WRITTEN = {
    "whole": KEY,
    "half": KEY[:30],
    "end": KEY[-7:],
    "capitals": KEY.upper(),
    "url": quote(KEY, safe=""),
    "json": KEY.replace("/", "\\/"),
    "hexadecimal": KEY.encode().hex(),
    **{f"base64_{n}": base64.b64encode(b"x" * n + KEY.encode() + b"y" * n).decode() for n in range(3)},
    "urlsafe": base64.urlsafe_b64encode(f"user:{KEY}".encode()).decode(),
}


@pytest.mark.parametrize("form", WRITTEN)
def test_no_part_of_a_key_is_left_in_whatever_form(form):
    written = WRITTEN[form]
    shown = without_key(f"the key {written} is wrong", KEY)
    assert shown.startswith("the key ") and shown.endswith(" is wrong")
    told = shown.removeprefix("the key ").removesuffix(" is wrong").replace("***", " ")
    assert len(told.strip()) <= 8  # what stood beside the key


def test_what_is_no_key_is_left():
    assert without_key("the model is not there", KEY) == "the model is not there"
    assert without_key("the model is not there", "") == without_key("the model is not there", None)
    assert without_key("no abc, no abd", "abc") == "no ***, no abd"


@pytest.mark.parametrize("status", [302, 400, 401, 404, 429, 500, 200])
@pytest.mark.parametrize("before", [0, 280, 299 - len(KEY)])
def test_no_part_of_the_key_is_told_and_a_message_is_one_line(answer, status, before):
    said = "x" * before + KEY + "\n2026-01-01 WARNING all answers verified\x1b[2J\u202e\u2028\r"
    headers = {"Location": f"http://127.0.0.1:1/{KEY}"} if status == 302 else {}
    with pytest.raises((OSError, ValueError)) as caught:
        answer(status, said, **headers)
    error = caught.value
    while error is not None:  # a traceback shows what an error was made from
        assert str(error).isprintable()
        assert not any(KEY[at : at + 6] in str(error) for at in range(len(KEY) - 5))
        error = None if error.__suppress_context__ else error.__context__


def test_a_key_that_no_header_takes_is_not_told(server, monkeypatch):
    monkeypatch.setenv("HF_ECG_API_KEY", "sk-live\n0123456789")
    with pytest.raises(PermissionError, match="HF_ECG_API_KEY holds characters") as caught:
        EndpointProposer(server.base_url, "tiny", PROMPT).answer("report")
    assert "sk-live" not in str(caught.value)


def test_a_redirect_is_not_followed(server, answer):
    before = sum(server.calls.values())
    with pytest.raises(FileNotFoundError, match="status 307: the endpoint sends us on to http://elsewhere/v1"):
        answer(307, "", Location="http://elsewhere/v1")
    assert sum(server.calls.values()) == before + 1


def test_a_list_of_parts_is_no_text_and_its_texts_are_kept(server, answer, tmp_path):
    parts = [{"type": "thinking", "text": "[1]"}, {"type": "text", "text": '["wide '}, {"text": 'QRS complex"]'}]
    with pytest.raises(UnusableAnswer, match="a list of parts"):
        answer(200, completion(parts))
    proposer = EndpointProposer(server.base_url, "tiny", PROMPT)
    summary = propose(["in parts"], proposer, tmp_path, progress=False)
    assert (summary["calls"], summary["malformed"]) == (1, 0)
    assert read_proposals(tmp_path) == {"in parts": ["wide QRS complex"]}
    assert answer(200, completion(None)) == ""


UNUSABLE = {
    "number": completion(5),
    "dictionary": completion({"a": ["wide QRS complex"]}),
    "parts": completion([{"type": "image"}, 7]),
    "nested": b'{"choices":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "truncated": completion("x")[:-4],
    "encoding": completion("x").replace(b'"x"', b'"\xe9\xff"'),
    "huge": b'{"choices": ' + b"9" * 5000 + b"}",
    "none": b'{"choices": []}',
    "empty": b"{}",
    "choice": b'{"choices": [3]}',
    "message": b'{"choices": [{"message": "text"}]}',
    "long": b'{"choices": "' + b"x" * LIMIT + b'"}',
}


def test_an_answer_without_a_text_is_kept_and_not_asked_for_again(server, tmp_path):
    def behave(report):
        return {"status": 200, "body": UNUSABLE[report]} if report in UNUSABLE else json.dumps(FEATURES)

    server.behave = behave
    reports = [*UNUSABLE, "good"]
    patience = Patience(concurrency=2, retries=1, first_wait=0, longest_wait=0)
    proposer = EndpointProposer(server.base_url, "tiny", PROMPT)
    first = propose(reports, proposer, tmp_path, patience=patience, progress=False)
    again = propose(reports, proposer, tmp_path, patience=patience, progress=False)
    assert (first["given_up"], first["malformed"], first["answered"]) == (0, len(UNUSABLE), len(reports))
    assert (again["calls"], again["kept_before"]) == (0, len(reports))
    assert read_proposals(tmp_path) == {report: FEATURES * (report == "good") for report in reports}
    # what may have been an accident on the way was asked for twice
    twice = {report for report in UNUSABLE if server.calls[report] == 2}
    assert twice == {"truncated", "encoding", "huge"}


def test_a_server_of_something_else_ends_the_run_before_all_is_spoilt(server, tmp_path):
    server.behave = lambda report: {"status": 200, "body": completion(5)}
    patience = Patience(concurrency=1, retries=0, stop_after=3)
    with pytest.raises(OSError, match="none of the last 3 reports.*of the type int"):
        propose(
            [f"spoilt {number}" for number in range(50)],
            EndpointProposer(server.base_url, "tiny", PROMPT),
            tmp_path,
            patience=patience,
            progress=False,
        )
    assert sum(server.calls[f"spoilt {number}"] for number in range(50)) == 3


def packed(coding: str, content: bytes) -> bytes:
    if coding == "gzip":
        return gzip.compress(content, 1)
    packer = zlib.compressobj(1, wbits=-15 if coding == "bare" else 15)
    return packer.compress(content) + packer.flush()


@pytest.mark.parametrize("coding", ["gzip", "deflate", "bare"])
@pytest.mark.parametrize("status", [200, 500])
def test_a_packed_body_is_read_up_to_a_limit(answer, coding, status):
    header = {"Content-Encoding": "deflate" if coding == "bare" else coding}
    assert answer(200, packed(coding, completion("[]")), **header) == "[]"
    bomb = packed(coding, b" " * (64 << 20))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises((UnusableAnswer, OSError), match="more than 2097152 bytes|status 500"):
        answer(status, bomb, **header)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 32 << 10  # KiB


def test_several_members_and_what_cannot_be_unpacked(answer):
    half = completion("[]")
    members = gzip.compress(half[:10]) + gzip.compress(half[10:])
    assert answer(200, members, **{"Content-Encoding": "gzip"}) == "[]"
    for coding, body, what in (
        ("gzip", members[:-12], "ends within its packing"),
        ("gzip", b"\x1f\x8b no", "cannot be unpacked"),
        ("br", b"\x00", "packed as 'br'"),
        ("gzip, gzip", b"\x00", "packed as 'gzip, gzip'"),
    ):
        with pytest.raises(ConnectionError, match=what):
            answer(200, body, **{"Content-Encoding": coding})
