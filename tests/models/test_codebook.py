"""The vocabulary of heartbeats where it is trained otherwise than on one process without a compiler."""

import torch

from hf_ecg import HeartLangVQHBRForPreTraining
from tests.models import codebook_ranks
from tests.models.tiny.heartlang_vqhbr import masked, vqhbr_config
from tests.processes import run_ranks


def test_two_processes_keep_one_vocabulary_when_one_has_no_beat_at_first(tmp_path):
    run_ranks(codebook_ranks.main, tmp_path)
    for step in range(3):
        first, second = (torch.load(tmp_path / f"step{step}_rank{rank}.pt") for rank in range(2))
        assert first["begun"] == (step > 0)
        for name, value in first.items():
            assert torch.equal(value, second[name]), (step, name)


def test_a_compiled_training_follows_its_beats_too():
    torch.compiler.reset()
    inputs = masked(3, torch.Generator().manual_seed(1))
    books = []
    for compiled in (False, True):
        torch.manual_seed(0)
        model = HeartLangVQHBRForPreTraining(vqhbr_config()).train()
        runs = torch.compile(model, backend="eager") if compiled else model
        for step in range(2):
            runs(**inputs).loss.backward()
            model.after_step(step)
        books.append(model.codebook.state_dict())
    assert books[1]["begun"] == 1
    for name, value in books[0].items():
        torch.testing.assert_close(books[1][name], value)
