"""A run that was cut off ends where the undisturbed one does, bit for bit, and goes on with nothing else."""

import json
import shutil

import datasets
import pytest
import torch

from hf_ecg.data.corpus import load_corpus
from hf_ecg.training import pretrain
from hf_ecg.training.checkpoint import load_state
from hf_ecg.training.log_file import read_log
from tests.training.watched import forget, watch

TIMES = ("records_per_second", "waiting")


def timeless(folder):
    return [{key: value for key, value in line.items() if key not in TIMES} for line in read_log(folder)]


def cut_off(recipe, folder, after, resume):
    forget(dies_after=after)
    with pytest.raises(KeyboardInterrupt):
        pretrain(recipe, folder, resume=resume)
    forget()


def assert_equal_runs(whole, cut):
    assert (whole / "model.safetensors").read_bytes() == (cut / "model.safetensors").read_bytes()
    states = [load_state(folder / "checkpoints" / "last") for folder in (whole, cut)]
    assert all(torch.equal(states[0][0]["model"][name], states[1][0]["model"][name]) for name in states[0][0]["model"])
    for key in ("best", "best_step", "best_epoch", "step", "epoch"):
        assert states[0][1][key] == states[1][1][key]
    assert timeless(whole) == timeless(cut)
    return states


@pytest.mark.parametrize(("workers", "accumulation"), [(0, 1), pytest.param(2, 1, marks=pytest.mark.large), (2, 2)])
def test_resume_is_bit_for_bit(text_recipe, recipe_of, tmp_path, workers, accumulation):
    """Views, dropout in the text tower, BatchNorm, a moving average, the best epoch, the log."""
    watch(text_recipe)
    changes = {"run__ema_decay": 0.9, "run__checkpoint_every_steps": 3, "run__accumulation": accumulation}
    pretrain(recipe_of(text_recipe, **changes, run__num_workers=0), tmp_path / "whole")
    recipe = recipe_of(text_recipe, **changes, run__num_workers=workers)
    # before the first checkpoint, between two, in the second epoch, after the last
    for step in (1, 4, 8, 12) if accumulation == 1 else (1, 4):
        cut_off(recipe, tmp_path / "cut", step, resume=step != 1)
    pretrain(recipe, tmp_path / "cut", resume=True)
    states = assert_equal_runs(tmp_path / "whole", tmp_path / "cut")
    averages = [state["average"]["averages"] for state, _ in states]
    assert all(torch.equal(averages[0][name], averages[1][name]) for name in averages[0])
    assert not torch.equal(averages[0]["logit_scale"], states[0][0]["model"]["logit_scale"])


def test_the_best_so_far_survives_a_resume(text_recipe, recipe_of, tmp_path):
    text_recipe["optimizer"]["lr"], text_recipe["schedule"] = 0.3, {"name": "constant"}  # it gets worse again
    recipe = recipe_of(watch(text_recipe), run__epochs=4)
    cut_off(recipe, tmp_path / "out", 22, resume=False)
    metrics = pretrain(recipe, tmp_path / "out", resume=True)
    losses = [line["loss"] for line in read_log(tmp_path / "out") if line["kind"] == "validation"]
    assert metrics["loss"] == min(losses) == min(losses[:3])
    assert load_state(tmp_path / "out" / "checkpoints" / "last")[1]["best_epoch"] == losses.index(min(losses))


def test_a_finished_run_resumed_stays_as_it_is(text_recipe, recipe_of, tmp_path):
    recipe = recipe_of(text_recipe, run__max_steps=2)
    metrics = pretrain(recipe, tmp_path / "out")
    before = (tmp_path / "out" / "model.safetensors").read_bytes()
    assert pretrain(recipe, tmp_path / "out", resume=True) == metrics
    assert (tmp_path / "out" / "model.safetensors").read_bytes() == before
    assert len(read_log(tmp_path / "out")) == 3


@pytest.fixture
def other_corpus(corpus, tmp_path):
    """The corpus with its rows changed by a function, in a folder of its own."""

    def write(change):
        folder = tmp_path / "other"
        shutil.copytree(corpus, folder)
        (part,) = (folder / "tiny_100hz").glob("*.parquet")
        rows = change(datasets.load_dataset("parquet", data_files=str(part), split="train"))
        rows.to_parquet(part)
        assert len(load_corpus(folder, "tiny_100hz")) == len(rows)
        return str(folder)

    return write


def test_resume_takes_a_corpus_that_was_moved(text_recipe, recipe_of, tmp_path, other_corpus):
    pretrain(recipe_of(text_recipe, run__max_steps=2), tmp_path / "out")
    moved = other_corpus(lambda rows: rows)
    pretrain(recipe_of(text_recipe, run__max_steps=2, data__sources__0__path=moved), tmp_path / "out", resume=True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: rows.select(range(50)), "records was 63 and is now 39"),
        (lambda rows: rows.map(lambda row: {"text": row["text"].replace("sinus", "")}), "cannot resume: rows was"),
    ],
)
def test_resume_refuses_other_rows(text_recipe, recipe_of, tmp_path, other_corpus, change, message):
    pretrain(recipe_of(text_recipe, run__max_steps=2), tmp_path / "out")
    other = recipe_of(text_recipe, run__max_steps=2, data__sources__0__path=other_corpus(change))
    with pytest.raises(ValueError, match=message):
        pretrain(other, tmp_path / "out", resume=True)


def test_a_recipe_of_an_earlier_version_is_told_apart(text_recipe, recipe_of, tmp_path):
    pretrain(recipe_of(text_recipe, run__max_steps=2), tmp_path / "out")
    path = tmp_path / "out" / "recipe.yaml"
    path.write_text(path.read_text().replace("method:\n  name: text_pairs", "collator:\n  name: ecg_text"))
    with pytest.raises(ValueError, match="collator is from an earlier version: the section is now `method:"):
        pretrain(recipe_of(text_recipe, run__max_steps=2), tmp_path / "out", resume=True)
    assert json.loads((tmp_path / "out" / "config.json").read_text())["model_type"] == "ecg_text"


def test_a_cache_of_the_deterministic_steps_changes_no_weight(text_recipe, recipe_of, tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.config, "HF_CACHE_HOME", tmp_path / "cache")
    pretrain(recipe_of(text_recipe, run__max_steps=5), tmp_path / "plain")
    for name in ("made", "read"):
        pretrain(recipe_of(text_recipe, run__max_steps=5, data__cache=True, run__num_workers=2), tmp_path / name)
        kept = list((tmp_path / "cache").rglob("*.npz"))
        assert len(kept) == 1
    for name in ("made", "read"):
        assert (tmp_path / name / "model.safetensors").read_bytes() == (
            tmp_path / "plain" / "model.safetensors"
        ).read_bytes()
