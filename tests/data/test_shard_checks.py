"""Shards that are absent, damaged or of another corpus are noticed when a corpus is loaded."""

import json
import random
import shutil

import datasets
import pyarrow.parquet as pq
import pytest

from hf_ecg.data import shards as shards_module
from hf_ecg.data.corpus import load_corpus

from .test_corpus_cards import prepare


@pytest.fixture
def corpus(tmp_path, monkeypatch):
    """Four shards of train, one of test."""
    monkeypatch.setattr(shards_module, "SHARD_BYTES", 1)
    monkeypatch.setattr("hf_ecg.data.builder.ROWS_PER_GROUP", 2)
    return prepare(tmp_path / "corpus")


def shard(corpus, number=2):
    return corpus / "tiny_100hz" / f"train-{number:05d}-of-00004.parquet"


@pytest.mark.parametrize("known", ["digests", "counts", "names"])
def test_an_absent_shard_is_noticed(corpus, known):
    """Also where an earlier version left no digests, or no summary at all."""
    assert len(load_corpus(corpus)) == 12
    if known == "names":
        (corpus / "summary.json").unlink()
    if known == "counts":
        (corpus / "summary.json").write_text('{"config": "tiny_100hz", "rows": {"train": 8, "test": 4}}')
        for number in range(4):
            shard(corpus, number).rename(corpus / "tiny_100hz" / f"train-{number}.parquet")
        assert len(load_corpus(corpus)) == 12
        (corpus / "tiny_100hz" / "train-2.parquet").unlink()
    else:
        shard(corpus).unlink()
    with pytest.raises(ValueError, match="train-00002-of-00004|hold 6 rows, but summary.json says 8"):
        load_corpus(corpus)


def test_a_shard_too_many_and_one_of_another_corpus_are_noticed(corpus, tmp_path):
    shutil.copyfile(shard(corpus), shard(corpus, 4))
    with pytest.raises(ValueError, match="train-00004-of-00004.parquet is not of this corpus"):
        load_corpus(corpus)
    shard(corpus, 4).unlink()
    # of the same size, rows and name
    other = prepare(tmp_path / "other", text="ABNORMALLY")
    shutil.copyfile(shard(other), shard(corpus))
    with pytest.raises(ValueError, match="train-00002-of-00004.parquet (is damaged|has .* bytes)"):
        load_corpus(corpus)


def test_any_flipped_bit_is_noticed(corpus):
    load_corpus(corpus)
    path, chance = shard(corpus), random.Random(0)
    whole, data = pq.read_table(path), path.read_bytes()
    silent = 0
    for trial in range(20):
        damaged = bytearray(data)
        damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
        path.write_bytes(damaged)
        if trial < 3:
            with pytest.raises(ValueError, match="train-00002-of-00004.parquet is damaged"):
                load_corpus(corpus)
        try:
            silent += not pq.read_table(path, page_checksum_verification=True).equals(whole)
        except (OSError, ValueError):
            pass
    assert silent <= 1, "the pages have checksums, only what lies between them can change unseen"
    path.write_bytes(data)
    assert len(load_corpus(corpus)) == 12


def test_a_digest_is_computed_once_until_it_is_asked_for(corpus, monkeypatch):
    import os

    load_corpus(corpus)
    path = shard(corpus)
    found, data = path.stat(), bytearray(path.read_bytes())
    data[100] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))
    assert len(load_corpus(corpus)) == 12, "as a disk that rots: neither size nor time say it"
    with pytest.raises(ValueError, match="train-00002-of-00004.parquet is damaged"):
        load_corpus(corpus, verify=True)


def test_other_files_at_the_same_path_and_time_are_read_anew(corpus, tmp_path):
    import os

    load_corpus(corpus)
    times = {path.name: path.stat().st_mtime_ns for path in corpus.rglob("*.parquet")}
    prepare(corpus, text="ABNORMALLY")
    for path in corpus.rglob("*.parquet"):
        os.utime(path, ns=(times[path.name], times[path.name]))
    assert set(load_corpus(corpus)["text"][:]) == {"ABNORMALLY"}


def test_a_split_is_read_that_is_no_configuration_of_the_summary(corpus):
    card = corpus / "README.md"
    text = card.read_text().replace(
        "dataset_info:", "- config_name: other\n  data_files: tiny_100hz/test-*\ndataset_info:"
    )
    card.write_text(text)
    assert len(load_corpus(corpus, "other")) == 4
    shard(corpus).unlink()
    assert len(load_corpus(corpus, "other")) == 4
    with pytest.raises(ValueError, match="train-00002"):
        load_corpus(corpus, "tiny_100hz")


def test_a_damaged_summary_is_named(corpus):
    (corpus / "summary.json").write_text("[" * 3000)
    with pytest.raises(ValueError, match=r"summary\.json"):
        load_corpus(corpus)


def test_a_summary_with_a_shard_of_which_nothing_is_known_is_named(corpus):
    path = corpus / "summary.json"
    summary = json.loads(path.read_text())
    path.write_text(json.dumps(summary | {"shards": dict.fromkeys(summary["shards"])}))
    with pytest.raises(ValueError, match=r"summary\.json says None of .*, wanted its rows, bytes and sha256"):
        load_corpus(corpus)


def test_a_corpus_of_plain_datasets_is_read(tmp_path):
    (tmp_path / "data").mkdir()
    datasets.Dataset.from_dict({"fold": [1, 2]}).to_parquet(tmp_path / "data" / "train-00000-of-00001.parquet")
    (tmp_path / "README.md").write_text("---\nconfigs:\n- config_name: default\n  data_files: data/train-*\n---\n")
    assert len(load_corpus(tmp_path)) == 2


@pytest.mark.parametrize(
    "summary", [None, {"shards": None}, {"shards": []}, {"shards": {"other/train-00000-of-00001": {}}}]
)
def test_what_cannot_be_verified_is_said(corpus, tmp_path, summary):
    """A shard of as many rows in the place of another, where nothing tells its digest."""
    shutil.copyfile(shard(prepare(tmp_path / "other", text="ABNORMALLY")), shard(corpus))
    path = corpus / "summary.json"
    if summary is None:
        path.unlink()
    else:
        known = {key: value for key, value in json.loads(path.read_text()).items() if key != "shards"}
        path.write_text(json.dumps(known | {key: value for key, value in summary.items() if value is not None}))
    with pytest.raises(ValueError, match="summary.json (does not say|says|knows)"):
        load_corpus(corpus, verify=True)
