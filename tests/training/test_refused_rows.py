"""Rows that the extractor refuses end no training: the next ones of their corpus take their places."""

import json
import shutil

import datasets
import pytest
import torch

from hf_ecg.data.collators import ECGClassificationCollator, ECGContrastiveCollator, ECGWaveformCollator
from hf_ecg.data.collators.usable_rows import REFUSED, UsableRowsCollator
from hf_ecg.data.mixing import MixedRows
from hf_ecg.data.prepared import prepared_inputs
from hf_ecg.processing import ECGFeatureExtractor
from hf_ecg.training import pretrain
from hf_ecg.training.checkpoint import load_state
from tests.data import made_rows
from tests.training.watched import watch

from .test_resume import assert_equal_runs, cut_off


def without_samples(rows, records):
    """Rows as an earlier version prepared them: unusable ones are not marked."""

    def change(row):
        missing = row["record_id"] in records
        return {"signal": [-32768] * len(row["signal"]) if missing else row["signal"]}

    return rows.map(change, features=rows.features)


def corpus_with(corpus, folder, records, mark=False):
    shutil.copytree(corpus, folder)
    (shard,) = folder.rglob("*.parquet")
    rows = datasets.Dataset.from_parquet(str(shard))
    bad = [f"record-{number}" for number in records]
    changed = without_samples(rows, bad)
    if mark:
        changed = changed.add_column("unusable", ["no samples" * (name in bad) for name in rows["record_id"][:]])
    changed.to_parquet(shard)
    return str(folder)


# folds 1 to 4 are trained on; the second and third are neighbours
BAD = (10, 21, 22)


@pytest.fixture
def gappy(text_recipe, corpus, tmp_path):
    text_recipe["data"]["sources"][0]["path"] = corpus_with(corpus, tmp_path / "corpus", BAD)
    return text_recipe


def refused(folder):
    return [json.loads(line) for line in (folder / "refused.jsonl").read_text().splitlines()]


def test_a_run_goes_on_and_resumes_bit_for_bit(gappy, recipe_of, tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.config, "HF_CACHE_HOME", tmp_path / "cache")
    watch(gappy)
    changes = {"run__checkpoint_every_steps": 3, "run__ema_decay": 0.9}
    pretrain(recipe_of(gappy, **changes, run__num_workers=0), tmp_path / "whole")
    found = refused(tmp_path / "whole")
    assert {line["record"] for line in found} == {f"record-{number}" for number in BAD}
    assert all("has a single sample" in line["reason"] for line in found)
    # in the second epoch, where the first process has met them before and the second one has not
    for workers, cache in ((2, False), (0, True)):
        recipe = recipe_of(gappy, **changes, run__num_workers=workers, data__cache=cache)
        folder = tmp_path / f"cut-{workers}"
        cut_off(recipe, folder, 10, resume=False)
        pretrain(recipe, folder, resume=True)
        assert_equal_runs(tmp_path / "whole", folder)
        assert {line["record"] for line in refused(folder)} == {line["record"] for line in found}


def test_a_strict_run_stops_and_goes_on_when_it_is_told_to(gappy, recipe_of, tmp_path):
    with pytest.raises(ValueError, match="record-(10|21|22).*has a single sample"):
        pretrain(
            recipe_of(gappy, run__strict=True, run__checkpoint_every_steps=1, run__num_workers=0), tmp_path / "out"
        )
    pretrain(recipe_of(gappy, run__checkpoint_every_steps=1), tmp_path / "out", resume=True)
    assert len(refused(tmp_path / "out")) == 3 and (tmp_path / "out" / "model.safetensors").is_file()


def test_too_many_are_an_error_that_names_them(gappy, corpus, recipe_of, tmp_path):
    gappy["data"]["sources"][0]["path"] = corpus_with(corpus, tmp_path / "more", (*BAD, 40, 41))
    with pytest.raises(
        ValueError, match=r"[45] of the \d+ rows looked at are refused, more than 1%: record-"
    ) as caught:
        pretrain(recipe_of(gappy), tmp_path / "out")
    assert "refused.jsonl" in str(caught.value) and len(refused(tmp_path / "out")) in (4, 5)
    gappy["data"]["sources"][0]["path"] = str(corpus)
    pretrain(recipe_of(gappy, run__max_steps=1), tmp_path / "out", overwrite=True)
    assert not (tmp_path / "out" / "refused.jsonl").exists(), "the list of another run"


def test_a_recipe_that_fits_no_row_says_so_before_it_begins(gappy, recipe_of, tmp_path):
    gappy["processor"]["feature_extractor"]["sampling_rate"] = 500
    gappy["processor"]["feature_extractor"]["steps"] = [{"name": "select_leads"}]
    gappy["model"]["config"]["ecg_config"]["sampling_rate"] = 500
    gappy["method"]["options"]["views"] = []
    with pytest.raises(ValueError, match="the recipe has no step resample"):
        pretrain(recipe_of(gappy), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_marked_rows_are_none_of_the_run(gappy, corpus, recipe_of, tmp_path):
    gappy["data"]["sources"][0]["path"] = corpus_with(corpus, tmp_path / "marked", (*BAD, 40, 41, 42), mark=True)
    pretrain(recipe_of(gappy, run__max_steps=2), tmp_path / "out")
    assert not (tmp_path / "out" / "refused.jsonl").exists()
    assert load_state(tmp_path / "out" / "checkpoints" / "last")[1]["records"] == 64 - 1 - 6
    with pytest.raises(ValueError, match="has a single sample"):
        pretrain(recipe_of(gappy, run__strict=True), tmp_path / "strict")


STEPS = [{"name": "select_leads"}, {"name": "views"}, {"name": "normalise", "method": "zscore"}]
VIEWS = [{"name": "gaussian_noise", "rms": 0.1}]


def wrapped(kind, sources, tmp_path=None, **options):
    steps = [{"name": "pick_lead"}, *STEPS[1:]] if kind is ECGContrastiveCollator else STEPS
    extractor = ECGFeatureExtractor(sampling_rate=100, leads=made_rows.LEADS, num_samples=None, steps=steps)
    collator = kind(extractor, views=VIEWS, seed=3, **options)
    if tmp_path is not None:
        collator.prepared = prepared_inputs(tmp_path, collator, sources)
    return UsableRowsCollator(collator, MixedRows(sources, collator.columns))


def batch(made, keys):
    return made(made.rows.__getitems__(keys))


@pytest.fixture
def sources():
    """Refused are 10 and 11 of the first corpus, which are its last, and the last of the second one, 17."""
    first, second = made_rows.dataset(12), made_rows.dataset(6, seed=1)
    ids = first["record_id"][:]
    return [without_samples(first, ids[10:]), without_samples(second, [second["record_id"][5]])]


@pytest.mark.parametrize("kind", [ECGWaveformCollator, ECGContrastiveCollator])
@pytest.mark.parametrize("cached", [False, True])
def test_a_replacement_is_a_function_of_the_record_alone(sources, tmp_path, kind, cached):
    folder = tmp_path if cached else None
    whole = batch(wrapped(kind, sources, folder), [(1, index) for index in range(18)])
    assert len(whole.pop(REFUSED)) == 3
    assert len(whole["input_values"]) == 18
    once = wrapped(kind, sources, folder)
    for index in (11, 17, 10, 5, 11):  # in another order, alone, and met before
        alone = batch(once, [(1, index)])
        assert (REFUSED in alone) == (index != 5)
        alone.pop(REFUSED, None)
        for name, values in alone.items():
            assert values is True or torch.equal(values[0], whole[name][index]), (index, name)
    # from the end of a corpus to its beginning, in views of its own
    assert not torch.equal(whole["input_values"][11], whole["input_values"][0])


def test_labels_and_names_are_those_of_the_row_that_is_used(sources):
    made = wrapped(ECGClassificationCollator, sources, label_sets=["rhythm"], class_names=made_rows.CLASSES)
    found = batch(made, [(0, 10), (0, 0)])
    assert torch.equal(found["labels"][0].nan_to_num(-1), found["labels"][1].nan_to_num(-1))
    assert list(found[REFUSED]) == ["r10", "r11"]


def test_a_corpus_of_refused_rows_ends(sources):
    rows = without_samples(made_rows.dataset(5), made_rows.dataset(5)["record_id"][:])
    with pytest.raises(ValueError, match="every record of the corpus is refused"):
        batch(wrapped(ECGWaveformCollator, [rows]), [(0, 1)])


def test_other_errors_of_a_batch_are_as_they_were(sources):
    made = wrapped(ECGClassificationCollator, sources, label_sets=["rhythm"], class_names=made_rows.CLASSES)
    rows = made.rows.__getitems__([(0, 0), (0, 1)])
    rows[1]["rhythm"] = [5]
    with pytest.raises(ValueError, match="record r1: rhythm has the classes"):
        made(rows)
