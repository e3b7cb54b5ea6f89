import os

import pytest
import torch

from hf_ecg.files import atomic_folder, find_folder
from hf_ecg.training.checkpoint import fingerprint, load_state, save_state


def test_state_comes_back(tmp_path):
    save_state(tmp_path / "last", {"weight": torch.arange(3)}, {"step": 7, "best": 0.1 + 0.2})
    state, progress = load_state(tmp_path / "last")
    assert torch.equal(state["weight"], torch.arange(3))
    assert progress == {"step": 7, "best": 0.1 + 0.2}


def test_no_checkpoint_is_none(tmp_path):
    assert load_state(tmp_path / "last") is None


def test_a_death_while_writing_keeps_the_former(tmp_path):
    save_state(tmp_path / "last", {}, {"step": 1})

    def die(temporary):
        (temporary / "state.pt").write_bytes(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        atomic_folder(tmp_path / "last", die)
    assert load_state(tmp_path / "last")[1] == {"step": 1}
    save_state(tmp_path / "last", {}, {"step": 2})
    assert load_state(tmp_path / "last")[1] == {"step": 2}
    assert sorted(os.listdir(tmp_path)) == ["last"]


@pytest.mark.parametrize("death_at", [1, 2])
def test_a_death_between_the_renames_keeps_one_whole(tmp_path, monkeypatch, death_at):
    save_state(tmp_path / "last", {}, {"step": 1})
    rename, calls = os.rename, []

    def dying_rename(source, target):
        calls.append(source)
        if len(calls) == death_at:
            raise KeyboardInterrupt
        rename(source, target)

    monkeypatch.setattr(os, "rename", dying_rename)
    with pytest.raises(KeyboardInterrupt):
        save_state(tmp_path / "last", {}, {"step": 2})
    monkeypatch.undo()
    assert find_folder(tmp_path / "last") is not None
    assert load_state(tmp_path / "last")[1] == {"step": 1}
    save_state(tmp_path / "last", {}, {"step": 3})
    assert load_state(tmp_path / "last")[1] == {"step": 3}


def test_the_fingerprint_sees_values_and_names():
    tensors = {"a": torch.zeros(3), "b": torch.tensor(1.0, dtype=torch.bfloat16)}
    assert fingerprint(tensors) == fingerprint(dict(reversed(tensors.items())))
    assert fingerprint(tensors) != fingerprint({**tensors, "a": torch.tensor([0, 0, 1e-7])})
    assert fingerprint(tensors) != fingerprint({"a": tensors["a"], "c": tensors["b"]})
