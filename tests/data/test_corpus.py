import logging

import numpy as np
import pytest
from datasets import Dataset

from hf_ecg.data.builder import prepare_corpus
from hf_ecg.data.corpus import label_matrix, label_names, load_corpus, non_empty_text
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
    with pytest.raises(OSError, match="neither a folder"):
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
