"""Runs whose steps are of one corpus: two ranks, resume, what the log and the card say, and pairs of patients."""

import copy
import json

import numpy as np
import pytest
import torch.distributed as dist
import yaml

from hf_ecg.data.collators.second_views import patient_numbers
from hf_ecg.training import load_recipe, pretrain
from hf_ecg.training.build import build_parts
from hf_ecg.training.interruption import StopRequest
from hf_ecg.training.log_file import read_log
from hf_ecg.training.loop import TrainingRun
from tests.processes import run_ranks
from tests.training.test_resume import assert_equal_runs, cut_off
from tests.training.test_two_corpora import other_corpus, two  # noqa: F401
from tests.training.watched import watch

RESNET = {"num_leads": 12, "num_samples": 100, "sampling_rate": 100, "stem_width": 4, "widths": [8], "depths": [1]}

WEIGHTS = {f"data__sources__{place}__weight": 1.0 for place in (0, 1)}


@pytest.fixture
def cape_recipe(text_recipe, two) -> dict:  # noqa: F811
    """CAPE in small, over two corpora of 48 and 24 records, of which the first has two of each patient."""
    text_recipe["model"] = {
        "class": "ECGForContrastivePreTraining",
        "config": {"ecg_config": {"model_type": "ecg_resnet", **RESNET}, "projection_dim": 8}
        | {"loss_type": "info_nce", "temperature": 0.1, "same_patient": "mask"},
    }
    del text_recipe["processor"]["tokenizer"]
    text_recipe["data"].pop("columns", None)
    options = {"views": [{"name": "gaussian_noise", "rms": 0.1}], "second_view": "patient", "patient_ids": True}
    text_recipe["method"] = {"name": "view_pairs", "options": options}
    text_recipe["validation"] = None
    text_recipe["run"] |= {"num_workers": 0, "batch_size": 8, "epochs": 1}
    text_recipe["data"]["batches"] = "one_source"
    return copy.deepcopy(two(text_recipe))


def sources_of_runs(recipe_file, folder):
    """What each rank does."""
    found = {batches: sources_of_steps(recipe_file, folder / batches, batches) for batches in ("one_source", "mixed")}
    (folder / f"corpora_{dist.get_rank()}.json").write_text(json.dumps(found))


def sources_of_steps(recipe_file, folder, batches):
    """How many corpora the loss of each micro-batch of a run compares, on all ranks together."""
    recipe = load_recipe(recipe_file, [f"data.batches={batches}", "run.accumulation=2"])
    stop = StopRequest()
    run = TrainingRun(recipe, folder, stop, resume=False, overwrite=False)
    try:
        rows = run.parts.rows
        keys = patient_numbers(rows.__getitems__([(0, index) for index in range(len(rows))])).tolist()
        owners = dict(zip(keys, np.repeat([0, 1], rows.sizes).tolist(), strict=True))
        found = []
        for step in run.steps():
            gathered = [run.accelerator.gather(batch["patient_ids"]).tolist() for batch in step]
            assert len(step) == 2 and all(len(ids) == 4 for ids in gathered)
            found.append([len({owners[number] for number in ids}) for ids in gathered])
    finally:
        run.close(disconnect=False)
        stop.close()
    return found


@pytest.mark.distributed
def test_two_ranks_never_mix_corpora_in_a_step(cape_recipe, tmp_path):
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump(cape_recipe))
    run_ranks(sources_of_runs, path, tmp_path)
    for rank in (0, 1):
        found = {
            key: np.array(value) for key, value in json.loads((tmp_path / f"corpora_{rank}.json").read_text()).items()
        }
        assert found["one_source"].shape == (9, 2) and (found["one_source"] == 1).all()
        assert (found["mixed"] == 2).any()  # without the sampler this test fails


def test_resume_in_the_middle_of_an_epoch_is_bit_for_bit(text_recipe, two, recipe_of, tmp_path):  # noqa: F811
    recipe = two(watch(text_recipe))
    changes = {"data__batches": "one_source", "data__temperature": 2, "data__records_per_epoch": 32}
    changes |= {"run__checkpoint_every_steps": 2, "run__accumulation": 2, "run__num_workers": 0}
    pretrain(recipe_of(recipe, **changes), tmp_path / "whole")
    cut_off(recipe_of(recipe, **changes), tmp_path / "cut", 3, resume=False)  # goes on within the first epoch
    pretrain(recipe_of(recipe, **changes), tmp_path / "cut", resume=True)
    assert_equal_runs(tmp_path / "whole", tmp_path / "cut")
    lines = [line for line in read_log(tmp_path / "whole") if line["kind"] == "sources"]
    assert [line["epoch"] for line in lines] == [0, 1] and lines[0]["records"] != lines[1]["records"]
    for line in lines:
        assert sum(line["records"].values()) == 32 and all(number % 8 == 0 for number in line["records"].values())
        assert line["shares"] == {name: number / 32 for name, number in line["records"].items()}


def test_the_log_and_the_card_say_what_a_run_took(cape_recipe, recipe_of, tmp_path):
    pretrain(recipe_of(cape_recipe, run__batch_size=10), tmp_path / "out")
    line = read_log(tmp_path / "out")[0]
    assert line["kind"] == "sources" and line["left_out"] == {"tiny_100hz": 8, "other_500hz": 4}
    assert line["records"] == {"tiny_100hz": 40, "other_500hz": 20} and line["shares"]["tiny_100hz"] == 0.6667
    assert "; every step is of one corpus" in (tmp_path / "out" / "README.md").read_text()


def test_a_batch_pairs_records_of_a_patient_and_names_the_patients(cape_recipe, recipe_of):
    parts = build_parts(recipe_of(cape_recipe))
    rows = parts.rows.__getitems__([(0, index) for index in (0, 1, 50, 51)])
    batch = parts.collator(rows)
    same = batch["patient_ids"][:, None] == batch["patient_ids"]
    assert [row["patient_id"] for row in rows[:2]] == ["patient-0", "patient-0"]
    assert same.sum() == 6 and same[0, 1]  # the patients of the other corpus are others
    own = parts.model(**batch).loss
    del batch["patient_ids"]
    with pytest.raises(ValueError, match="needs patient_ids"):
        parts.model(**batch)
    assert own.isfinite()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"data__batches": "cohort"}, "data.batches is 'cohort'"),
        ({"data__temperature": 0}, "data.temperature is 0"),
        (
            {"data__temperature": 2, "data__sources__0__weight": 1.0, "data__sources__1__weight": 1.0},
            "without a weight",
        ),
        ({"data__records_per_epoch": 64}, "without weights or data.temperature"),
        ({"model__config__same_patient": "positive"}, "same_patient"),
        ({"model__config__loss_type": "vicreg"}, "same_patient is 'mask'"),
        ({"run__batch_size": 32}, "corpus 1 has 24 records, a step takes 32"),
    ],
)
def test_what_does_not_go_together_is_refused(cape_recipe, recipe_of, tmp_path, changes, message):
    with pytest.raises(ValueError, match=message):
        pretrain(recipe_of(cape_recipe, **changes), tmp_path / "out")
