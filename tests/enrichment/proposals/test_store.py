"""Files of answers and proposals, whole and broken ones."""

import threading

import pytest

from hf_ecg.enrichment.proposals.prompt import fill_prompt, load_prompt
from hf_ecg.enrichment.proposals.store import AnswerCache, answer_key, read_proposals, write_proposals


def test_many_threads_write_and_every_answer_is_found(tmp_path):
    texts = [f'report {number} "ü\n\ud800' for number in range(200)]
    keys = [answer_key("prompt", "model", text) for text in texts]
    with AnswerCache(tmp_path / "answers.jsonl").writing() as cache:

        def write(start):
            for number in range(start, 200, 4):
                cache.append(keys[number], "model", texts[number], f"answer {number}")

        threads = [threading.Thread(target=write, args=(start,)) for start in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert list(cache.answers(keys)) == [f"answer {number}" for number in range(200)]
    again = AnswerCache(tmp_path / "answers.jsonl")
    assert len(again) == 200 and again.torn_lines == 0
    other = answer_key("another prompt", "model", texts[0])
    assert list(again.answers([other, keys[7]])) == [None, "answer 7"]


@pytest.mark.parametrize("junk", [b'{"key": "zz", "answer": "a"}\n', b"\xff\xfe\n", b"[]\n", b'{"key": "ab"', b"\n"])
def test_lines_that_are_no_answer_are_passed_over(tmp_path, junk):
    path, keys = tmp_path / "answers.jsonl", [answer_key("", "", text) for text in "ab"]
    with AnswerCache(path).writing() as cache:
        cache.append(keys[0], "", "a", "first")
    with open(path, "ab") as file:
        file.write(junk)
    with AnswerCache(path).writing() as cache:
        cache.append(keys[1], "", "b", "second")
    cache = AnswerCache(path)
    assert list(cache.answers(keys)) == ["first", "second"]
    assert cache.torn_lines == 1


def test_an_answer_is_not_accepted_without_a_file_open_for_it(tmp_path):
    with pytest.raises(OSError, match="not open for writing"):
        AnswerCache(tmp_path / "answers.jsonl").append("ab", "", "a", "answer")


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("{", "line 2 is not a proposal"),
        ('{"report": "b"}', "line 2 is not a proposal"),
        ('{"report": "b", "features": "x"}', "wanted a report and a list"),
        ('{"report": "a", "features": []}', "'a' stands twice"),
    ],
)
def test_a_file_of_proposals_that_is_broken_is_told(tmp_path, line, problem):
    write_proposals(tmp_path / "proposals.jsonl", [{"report": "a", "features": ["wide QRS complex"]}])
    assert read_proposals(tmp_path) == {"a": ["wide QRS complex"]}
    with open(tmp_path / "proposals.jsonl", "a") as file:
        file.write(line + "\n")
    with pytest.raises(ValueError, match=problem):
        read_proposals(tmp_path / "proposals.jsonl")


def test_prompts(tmp_path):
    assert fill_prompt("Read {report}!", "a {report} {0} %s") == "Read a {report} {0} %s!"
    assert "{report}" in load_prompt() and "Python list" in load_prompt("waveform_features_v1")
    with pytest.raises(FileNotFoundError, match="one of the prompts .*waveform_features_v1"):
        load_prompt("nothing")
    for text, times in (("no place", 0), ("{report} {report}", 2)):
        (tmp_path / "own.txt").write_text(text)
        with pytest.raises(ValueError, match=f"{times} times"):
            load_prompt(tmp_path / "own.txt")
    (tmp_path / "own.txt").write_bytes(b"\xff{report}")
    with pytest.raises(ValueError, match="UTF-8"):
        load_prompt(tmp_path / "own.txt")
