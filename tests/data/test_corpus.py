import logging

import numpy as np
import pytest
from datasets import Dataset

from hf_ecg.data.builder import prepare_corpus
from hf_ecg.data.corpus import label_matrix, label_names, load_corpus, non_empty_text, shuffle_across_patients
from hf_ecg.data.readers.ptb_xl import ptb_xl_corpus
from hf_ecg.data.schema import row_features


@pytest.fixture
def corpus(small):
    small.change(0, scp_codes="{'IMI': 100.0, 'LVH': 0.0}")
    out = small.folder.parent / "out"
    prepare_corpus(ptb_xl_corpus(small.folder), out, progress=False)
    return out


def test_folds(corpus):
    assert sorted(set(load_corpus(corpus)["fold"][:])) == [3, 9, 10]
    assert set(load_corpus(corpus, folds=[10, 9])["fold"][:]) == {9, 10}
    with pytest.raises(ValueError, match=r"\[4\].*\[3, 9, 10\]"):
        load_corpus(corpus, folds=[3, 4])


def test_configurations(corpus):
    assert len(load_corpus(corpus, config="ptb_xl_100hz")) == 12
    with pytest.raises(ValueError, match="ptb_xl_100hz"):
        load_corpus(corpus, config="ptb_xl_500hz")
    card = corpus / "README.md"
    head, rest = card.read_text(encoding="utf-8").split("configs:\n")
    more = "- config_name: other\n  data_files:\n  - split: test\n    path: ptb_xl_100hz/test-*.parquet\n"
    card.write_text(f"{head}configs:\n{more}{rest}", encoding="utf-8")
    with pytest.raises(ValueError, match="other.*ptb_xl_100hz|ptb_xl_100hz.*other"):
        load_corpus(corpus)
    assert set(load_corpus(corpus, config="other")["fold"][:]) == {10}


def test_no_corpus(tmp_path):
    with pytest.raises(OSError, match="is not a folder here"):
        load_corpus(tmp_path / "absent")
    with pytest.raises(OSError, match="README.md"):
        load_corpus(tmp_path)


def test_label_matrix_follows_names_and_marks_what_is_not_annotated(corpus):
    rows = load_corpus(corpus)
    names = label_names(rows, "superdiagnostic")
    assert names == ["NORM", "MI", "STTC", "CD", "HYP"]
    matrix, annotated = label_matrix(rows, "superdiagnostic")
    assert matrix.dtype == np.float32 and matrix.shape == (12, 5)
    assert matrix[0].tolist() == [0, 1, 0, 0, 1] and annotated[0]
    matrix, annotated = label_matrix(rows, "rhythm")
    assert not annotated[0] and not matrix[0].any()
    picked, _ = label_matrix(rows.select([5, 0]), "superdiagnostic")
    assert picked[1].tolist() == [0, 1, 0, 0, 1]
    with pytest.raises(ValueError, match="superdiagnostic"):
        label_names(rows, "text")


def test_none_of_the_classes_is_not_unknown():
    features = row_features(1, 1, {"rhythm": ["AFIB"]})
    columns = {name: [None] * 3 for name in features} | {"rhythm": [[], None, [0]]}
    matrix, annotated = label_matrix(Dataset.from_dict(columns, features=features), "rhythm")
    assert matrix.ravel().tolist() == [0, 0, 1] and annotated.tolist() == [True, False, True]


def test_rows_without_text_are_left_out_and_counted(caplog):
    rows = Dataset.from_dict({"text": ["a", "", None, "  "]})
    from transformers.utils import logging as library

    library.enable_propagation()
    with caplog.at_level(logging.WARNING):
        assert non_empty_text(rows, "text")["text"][:] == ["a"]
    library.disable_propagation()
    assert "3 of 4" in caplog.text


def test_a_corpus_prepared_again_and_one_of_the_same_name_are_read_anew(small, corpus):
    before = load_corpus(corpus)["text"][:]
    elsewhere = small.folder.parent / "elsewhere" / corpus.name
    prepare_corpus(ptb_xl_corpus(small.folder, hold_out=["SR"]), elsewhere, progress=False)
    assert load_corpus(elsewhere)["text"][:] != before
    small.change(1, scp_codes="{'AFIB': 0.0}")
    prepare_corpus(ptb_xl_corpus(small.folder), corpus, overwrite=True, progress=False)
    again = load_corpus(corpus)["text"][:]
    assert again != before and "atrial fibrillation" in again


def test_shuffled_texts_are_all_there_and_none_is_of_the_same_patient():
    patients = ["a", "a", "b", "c", "d", "e", "e", "f", "g", "h"]
    rows = Dataset.from_dict({"patient_id": patients, "text": [f"{patient}{i}" for i, patient in enumerate(patients)]})
    shuffled = shuffle_across_patients(rows, ["text"], seed=0)
    assert sorted(shuffled["text"][:]) == sorted(rows["text"][:])
    assert all(text[0] != patient for text, patient in zip(shuffled["text"][:], patients, strict=True))
    assert shuffled["text"][:] == shuffle_across_patients(rows, ["text"], seed=0)["text"][:]
    assert shuffled["text"][:] != shuffle_across_patients(rows, ["text"], seed=1)["text"][:]
    with pytest.raises(ValueError, match="2 of 3 records"):
        shuffle_across_patients(
            Dataset.from_dict({"patient_id": ["a", "a", "b"], "text": list("xyz")}), ["text"], seed=0
        )
