"""What is said once is said once in all processes."""

import time

from hf_ecg import said_once
from hf_ecg.data.workers import ordered_map


def says(kind: str) -> bool:
    time.sleep(0.02)  # so that every process gets some
    return said_once.first_time("test", kind)


def test_one_of_several_processes_says_it(monkeypatch):
    monkeypatch.setattr(said_once, "_told", set())
    monkeypatch.setattr(said_once, "_shared", [])
    assert said_once.first_time("test", "known before")
    kinds = ["remark", "known before", "other"] * 5
    said = list(ordered_map(says, kinds, 4))
    assert not any(ordered_map(says, kinds, 2)) and not says("other")
    assert {kind: sum(yes for yes, one in zip(said, kinds, strict=True) if one == kind) for kind in kinds} == {
        "remark": 1,
        "known before": 0,
        "other": 1,
    }
