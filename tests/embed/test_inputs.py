"""Names, options and weights that are refused."""

import shutil

import pytest
from transformers import AutoFeatureExtractor, AutoModel

from hf_ecg.embed import EmbeddingOptions, embed_records
from hf_ecg.embed.encoder import Encoder
from tests.embed.made_records import table


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nowhere.hea", "is not there"),
        ("no/such/record", "is not there: wanted a file of a record"),
        ("empty", "neither a record"),
        ("note.txt", "^note.txt is text, which is not a format"),
        ("note.hea", "^note.hea is text, .* wants a header"),
    ],
)
def test_names_of_nothing(name, message, encoder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    for note in ("note.txt", "note.hea"):
        (tmp_path / note).write_text("a note")
    with pytest.raises((ValueError, OSError), match=message):
        embed_records(name, encoder, "emb.parquet")


def test_impossible_options(records, encoder, tmp_path):
    for options in ({"window": "last"}, {"stride": 0}, {"stride": 1, "window": "first"}, {"batch_size": 0}):
        with pytest.raises(ValueError, match="wanted"):
            EmbeddingOptions(**options)
    with pytest.raises(ValueError, match="ends with .parquet"):
        embed_records(records, encoder, tmp_path / "emb.csv")
    with pytest.raises(ValueError, match="'folds'.* hold none"):
        embed_records(records, encoder, tmp_path / "emb.parquet", EmbeddingOptions(folds=[1]))


def test_records_named_twice_are_taken_once(records, encoder, tmp_path):
    result = embed_records(
        [records / "a.dat", records, records / "a"], encoder, tmp_path / "e.parquet", progress=False
    )
    assert result.records == 6
    assert table(result.output)["path"].is_unique is False and result.windows == 10


def test_files_of_a_folder_that_are_not_read_are_told(records, encoder, tmp_path, caplog):
    folder = tmp_path / "folder"
    shutil.copytree(records, folder)
    for quiet in (True, False):
        if not quiet:
            for name in ("scan.pdf", "z.mat"):
                (folder / name).write_bytes(b"x")
        caplog.clear()
        embed_records(folder, encoder, tmp_path / f"{quiet}.parquet", progress=False)
        told = [one.getMessage() for one in caplog.records if "not read" in one.getMessage()]
        assert len(told) == (0 if quiet else 1)
    assert "files that are not read: 2 (the first one is scan.pdf: not a kind of file that is read)" in told[0]


def test_weights_that_are_absent_are_an_error(encoder, tmp_path):
    from safetensors.torch import load_file, save_file

    model = AutoModel.from_pretrained(encoder)
    model.save_pretrained(tmp_path / "model")
    AutoFeatureExtractor.from_pretrained(encoder).save_pretrained(tmp_path / "model")
    weights = load_file(tmp_path / "model" / "model.safetensors")
    weights.pop(next(iter(weights)))
    save_file(weights, tmp_path / "model" / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ValueError, match="lacks 1 of 36 tensors of ECGResNetModel"):
        Encoder(str(tmp_path / "model"))
