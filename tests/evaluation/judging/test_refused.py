"""Rows that an extractor refuses are in no figure, for no system: as if the corpus had been prepared without them."""

import datasets
import numpy as np
import pytest

from hf_ecg.data.corpus import label_names
from hf_ecg.data.refused_rows import RowsRefused
from hf_ecg.evaluation.judging.features import ecg_embeddings
from hf_ecg.evaluation.judging.probe_report import judge_by_probe
from hf_ecg.evaluation.judging.prompt_report import judge_by_prompts
from hf_ecg.evaluation.judging.refused import nan_where_refused, skip_refused
from hf_ecg.evaluation.judging.validation import build_validation
from hf_ecg.evaluation.options import ForwardOptions, IntervalOptions
from tests.evaluation import tiny

INTERVALS = IntervalOptions(replicates=20, minimum=2)


def spoilt(rows, places):
    """The rows, some of them without samples."""

    def change(row, index):
        return {"signal": [-32768] * len(row["signal"]) if index in places else row["signal"]}

    return rows.map(change, with_indices=True, features=rows.features)


@pytest.fixture(scope="module")
def rows():
    datasets.disable_progress_bars()
    return tiny.dataset(80)


@pytest.fixture(scope="module")
def bad(rows):
    """Of folds 9 and 10, and one that is trained on."""
    folds = np.array(rows["fold"][:])
    return [int(np.flatnonzero(folds == fold)[1]) for fold in (2, 9, 10)]


@pytest.fixture
def corpora(tmp_path, rows, bad):
    """With the rows that are refused, and without them."""
    kept = [row for row in range(len(rows)) if row not in bad]
    return (
        str(tiny.write_corpus(tmp_path / "spoilt", whole=spoilt(rows, bad))),
        str(tiny.write_corpus(tmp_path / "without", whole=rows.select(kept))),
    )


def save(folder):
    tiny.dual_encoder().save_pretrained(folder)
    tiny.processor().save_pretrained(folder)
    tiny.write_facts(folder)
    return [str(folder)]


def test_prompts(corpora, rows, bad, tmp_path):
    models, prompts = save(tmp_path / "dual"), [str(tiny.save_prompts(tmp_path / "rhythm.yaml"))]
    options = {"folds": [9, 10], "config": tiny.CONFIG, "intervals": INTERVALS, "allow_training_folds": True}
    found, wanted = (judge_by_prompts(models, data, prompts, **options) for data in corpora)
    assert found["tasks"] == wanted["tasks"] and "refused" not in wanted
    assert {entry["record"] for entry in found["refused"]} == {rows["record_id"][row] for row in bad[1:]}
    assert any("rows that the extractor refuses are in no figure: 2" in note for note in found["notes"])
    with pytest.raises(ValueError, match="has a single sample"):
        judge_by_prompts(models, corpora[0], prompts, **options, forward=ForwardOptions(device="cpu", strict=True))


def test_probe(corpora, rows, bad, tmp_path):
    folder = tmp_path / "encoder"
    tiny.dual_encoder().ecg_model.save_pretrained(folder)
    tiny.feature_extractor().save_pretrained(folder)
    tiny.write_facts(folder)
    options = {"folds": {"train": [1, 2, 3], "validation": [9], "test": [10]}, "percentages": [100.0]}
    options |= {"strengths": [0.1], "config": tiny.CONFIG, "intervals": INTERVALS, "allow_training_folds": True}
    found, wanted = (judge_by_probe([str(folder)], data, "rhythm", **options) for data in corpora)
    assert found["tasks"] == wanted["tasks"]
    assert {entry["record"] for entry in found["refused"]} == {rows["record_id"][row] for row in bad}


@pytest.mark.parametrize("name", ["label_text", "classification"])
def test_validation(rows, bad, tmp_path, name):
    spec = {"name": name, "minimum": 2}
    if name == "label_text":
        spec["prompts"], model, processor = [str(tiny.save_prompts(tmp_path / "p.yaml"))], tiny.dual_encoder(), None
    else:
        spec["label_sets"], model = ["rhythm"], tiny.classifier(label_names(rows, "rhythm"))
    processor = tiny.processor() if name == "label_text" else tiny.feature_extractor()
    kept = rows.select([row for row in range(len(rows)) if row not in bad])
    validate = build_validation(spec, processor, spoilt(rows, bad))
    assert validate(model) == validate(model) == build_validation(spec, processor, kept)(model)
    with pytest.raises(ValueError, match="3 rows are refused"):
        build_validation(spec, processor, spoilt(rows, bad), strict=True)(model)


def test_embeddings_of_refused_rows_are_nan(rows, bad):
    model, processor = tiny.dual_encoder(), tiny.processor()
    found = nan_where_refused(lambda kept: ecg_embeddings(model, processor, kept), spoilt(rows, bad))
    assert np.flatnonzero(np.isnan(found).any(1)).tolist() == sorted(bad)
    kept = [row for row in range(len(rows)) if row not in bad]
    assert np.array_equal(found[kept], ecg_embeddings(model, processor, rows.select(kept)))


def test_too_many_are_an_error_that_names_them(rows):
    model, processor = tiny.dual_encoder(), tiny.processor()
    with pytest.raises(ValueError, match="5 of the 80 rows looked at are refused, more than 1%") as caught:
        skip_refused(lambda kept: ecg_embeddings(model, processor, kept["a"]), {"a": spoilt(rows, [1, 5, 7, 9, 60])})
    assert all(rows["record_id"][row] in str(caught.value) for row in (1, 5, 7, 9))
    assert not isinstance(caught.value, RowsRefused)


def test_what_is_asked_again_must_get_fewer_rows():
    def judge(splits):
        raise RowsRefused({"a": "no samples"})

    with pytest.raises(RowsRefused, match="no samples"):
        skip_refused(judge, {"rows": datasets.Dataset.from_dict({"record_id": ["a", "b"]})})
