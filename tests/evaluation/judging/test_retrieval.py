import json
import sys

import numpy as np
import pytest

from hf_ecg.evaluation.judging import retrieval
from hf_ecg.evaluation.judging.features import ecg_embeddings, ecg_text_embeddings
from hf_ecg.evaluation.judging.retrieval import build_index
from hf_ecg.evaluation.metrics.retrieval_metrics import retrieval_metrics
from tests.evaluation import tiny

pytest.importorskip("faiss")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    dataset, model, processor = tiny.dataset(40), tiny.dual_encoder(), tiny.processor()
    folder = tmp_path_factory.mktemp("retrieval") / "index"
    return dataset, model, processor, folder, build_index(model, processor, dataset, folder)


def test_hits_are_those_of_the_full_matrix(made):
    dataset, model, processor, _, index = made
    ecgs, texts = ecg_embeddings(model, processor, dataset), sorted(set(dataset["text"]))
    cosines = ecgs @ ecg_text_embeddings(model, processor, texts).T
    scale, bias = float(model.logit_scale.detach().exp()), float(model.logit_bias.detach())
    (hits,) = index.find_ecgs(ecg_text_embeddings(model, processor, texts[:1]), top_k=3)
    best = np.sort(cosines[:, 0])[::-1][:3]
    assert [hit.cosine for hit in hits] == pytest.approx(best, abs=1e-5)
    assert [hit.probability for hit in hits] == pytest.approx(1 / (1 + np.exp(-(scale * best + bias))), rel=1e-4)
    row = dataset["record_id"][:].index(hits[0].record_id)
    assert cosines[row, 0] == pytest.approx(hits[0].cosine, abs=1e-5)
    assert hits[0].text == dataset["text"][row] and hits[0].patient_id == dataset["patient_id"][row]
    (found,) = index.find_texts(ecgs[:1], top_k=10)
    assert {hit.text for hit in found} == set(texts)
    assert sum(hit.num_records for hit in found) == 40


def test_ecgs_of_the_patient_are_left_out_of_ecg_to_ecg(made):
    *_, index = made
    embedding, row = index.record("r7")
    (everyone,) = index.find_ecgs(embedding[None], 39, by_text=False)
    assert everyone[0].record_id == "r7" and everyone[0].cosine == pytest.approx(1.0, abs=1e-5)
    assert everyone[0].probability is None
    (others,) = index.find_ecgs(embedding[None], 39, by_text=False, without_patients=["p3"])
    assert row["patient_id"] == "p3" and len(others) == 38
    assert not {"r6", "r7"} & {hit.record_id for hit in others}
    (few,) = index.find_ecgs(embedding[None], 3, by_text=False, without_patients=["p3"])
    assert few == others[:3]
    with pytest.raises(ValueError, match="no record 'x'"):
        index.record("x")
    with pytest.raises(ValueError, match="top_k is 0"):
        index.find_texts(embedding[None], 0)


def test_the_index_is_kept_until_weights_or_texts_change(made, monkeypatch):
    dataset, model, processor, folder, index = made
    runs = []

    def counted(*arguments):
        runs.append(1)
        return ecg_embeddings(*arguments)

    monkeypatch.setattr(retrieval, "ecg_embeddings", counted)
    again = build_index(model, processor, dataset, folder)
    assert not runs and np.array_equal(again.record("r3")[0], index.record("r3")[0])
    other = tiny.dual_encoder(seed=1)
    changed = build_index(other, processor, dataset, folder)
    assert len(runs) == 1 and not np.allclose(changed.record("r3")[0], index.record("r3")[0])
    texts = dataset.remove_columns("text").add_column("text", ["sinus rhythm"] * 40)
    assert len(build_index(other, processor, texts, folder).texts) == 1 and len(runs) == 2
    build_index(model, processor, dataset, folder)


@pytest.mark.parametrize("name", ["index.json", "ecgs.faiss", "texts.parquet"])
def test_a_torn_index_is_made_anew_and_somebodys_notes_stay(made, caplog, name):
    dataset, model, processor, folder, index = made
    build_index(model, processor, dataset, folder)
    (folder / "notes.txt").write_text("mine")
    (folder / name).write_bytes((folder / name).read_bytes()[:40])
    again = build_index(model, processor, dataset, folder)
    assert "is torn and is made anew" in caplog.text and (folder / "notes.txt").read_text() == "mine"
    assert np.array_equal(again.record("r3")[0], index.record("r3")[0])


def test_a_folder_of_something_else_is_left_alone(made, tmp_path):
    dataset, model, processor, *_ = made
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ValueError, match="not an index"):
        build_index(model, processor, dataset, tmp_path)
    assert (tmp_path / "notes.txt").exists()


def test_softmax_models_give_no_probability(made, tmp_path):
    dataset, _, processor, *_ = made
    model = tiny.dual_encoder(loss_type="softmax")
    index = build_index(model, processor, dataset, tmp_path / "index")
    (hits,) = index.find_texts(index.record("r0")[0][None], 1)
    assert hits[0].probability is None and -1 <= hits[0].cosine <= 1


def test_absent_faiss_is_told_with_the_remedy(made, monkeypatch, tmp_path):
    dataset, model, processor, *_ = made
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(ImportError, match=r"pip install faiss-cpu, .*\.\[retrieval\]"):
        build_index(model, processor, dataset, tmp_path / "index")


def unit(rows):
    rows = np.array(rows, dtype=float)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_a_hit_is_any_record_with_the_same_text():
    texts = unit([[1, 0], [0, 1]])
    ecgs = unit([[1, 0.1], [1, 0.2], [0.1, 1], [1, 0.05]])
    found = retrieval_metrics(ecgs, texts, [0, 0, 1, 1], ["a", "b", "c", "d"], ranks=(1, 2))
    assert found["ecg_to_text"]["recall@1"]["value"] == 0.75
    assert found["ecg_to_text"]["recall@1"]["chance"] == 0.5
    # the nearest ECG of text 0 is one of text 1
    assert found["text_to_ecg"]["recall@1"]["value"] == 0.5
    assert found["text_to_ecg"]["median_rank"] == 1.5
    assert found["ecg_to_ecg"]["queries"] == 4
    low, high = found["ecg_to_text"]["recall@1"]["interval"]
    assert low < 0.75 < high
    json.dumps(found)


def test_own_patient_is_no_answer():
    ecgs = unit([[1, 0], [1, 0.01], [0, 1], [0.1, 1]])
    found = retrieval_metrics(ecgs, unit([[1, 0], [0, 1]]), [0, 0, 1, 1], ["a", "a", "b", "c"], ranks=(1,))
    assert found["ecg_to_ecg"]["queries"] == 2 and found["ecg_to_ecg"]["without_answer"] == 2
    assert found["ecg_to_ecg"]["recall@1"]["value"] == 1.0


def test_a_model_that_gives_one_value_for_everything_is_at_chance():
    number, texts = 400, np.ones((40, 3)) / np.sqrt(3)
    own = np.arange(number) % 40
    found = retrieval_metrics(np.repeat(texts, 10, axis=0), texts, own, np.arange(number), ranks=(1, 20))
    assert found["ecg_to_text"]["median_rank"] == 20.5
    assert found["ecg_to_text"]["recall@1"]["value"] == 0


def test_numbers_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="does not name each of the 2 texts"):
        retrieval_metrics(np.eye(2), np.eye(2), [0, 0], ["a", "b"])
    with pytest.raises(ValueError, match="1 patients"):
        retrieval_metrics(np.eye(2), np.eye(2), [0, 1], ["a"])
