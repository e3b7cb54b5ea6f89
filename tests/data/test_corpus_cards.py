"""The card of a corpus: plain `load_dataset` tells corpora apart by it, and it names files of its folder only."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import datasets
import pytest
import yaml

from hf_ecg.data.builder import Corpus, prepare_corpus
from hf_ecg.data.corpus import load_corpus
from hf_ecg.data.corpus_card import CorpusCard
from hf_ecg.data.schema import row_features
from tests.evaluation import tiny


def prepare(folder, text="normal ECG", scale=1, number=12):
    """Corpora of `number` rows whose counts and sizes are equal where only numbers or words of one length differ."""
    rows = tiny.rows(number)
    corpus = Corpus(
        config_name="tiny_100hz",
        features=row_features(12, tiny.SAMPLES, {"rhythm": tiny.LABEL_SETS["rhythm"]}),
        splits={"train": rows[:8], "test": rows[8:]},
        read=lambda row: (
            {key: row.get(key) for key in row_features(1, 1, {})}
            | {"text": text, "signal": row["signal"] // scale, "rhythm": ["AFIB"]}
        ),
        facts={},
        card=lambda summary: CorpusCard("Tiny", "nowhere", "By place.", "one text", "MIT", "Cite us."),
        fingerprint=f"{text} {scale} {number}",
    )
    prepare_corpus(corpus, folder, progress=False, overwrite=True)
    return folder


def plain(folder):
    """What somebody without hf_ecg reads."""
    parts = datasets.load_dataset(str(folder))
    rows = datasets.concatenate_datasets(list(parts.values()))
    return (
        rows["text"][:],
        [signal[0] for signal in rows["signal"][:]],
        {name: len(part) for name, part in parts.items()},
    )


def test_plain_load_dataset_notices_a_corpus_prepared_anew(tmp_path):
    folder = prepare(tmp_path / "a" / "corpus")
    texts, signals, counts = plain(folder)
    assert counts == {"train": 8, "test": 4} and set(texts) == {"normal ECG"}
    assert plain(prepare(folder, number=20))[2] == {"train": 8, "test": 12}
    # the same numbers of rows and bytes: other words of one length, and other signals
    assert set(plain(prepare(folder, text="ABNORMALLY"))[0]) == {"ABNORMALLY"}
    assert plain(prepare(folder, text="normal ECG", scale=2))[1] == [value // 2 for value in signals]
    # and another folder of the same last name
    assert set(plain(prepare(tmp_path / "b" / "corpus", text="something"))[0]) == {"something"}
    assert plain(folder)[1] == [value // 2 for value in signals]


def test_plain_load_dataset_counts_the_rows(tmp_path):
    folder = prepare(tmp_path / "corpus")
    front = yaml.safe_load((folder / "README.md").read_text().split("---\n")[1])
    assert front["dataset_info"]["config_name"] == "tiny_100hz"
    sizes = {split["name"]: split["num_examples"] for split in front["dataset_info"]["splits"]}
    assert sizes == {"train": 8, "test": 4} and front["dataset_info"]["dataset_size"] > 12 * 12 * tiny.SAMPLES
    read = datasets.load_dataset(str(folder))
    assert read["train"].features == load_corpus(folder).features
    prepare(tmp_path / "more", number=20)
    (shard,) = folder.glob("*/test-*")
    shard.write_bytes(next((tmp_path / "more").glob("*/test-*")).read_bytes())
    with pytest.raises(datasets.exceptions.NonMatchingSplitsSizesError):
        datasets.load_dataset(str(folder), download_mode="force_redownload")


@pytest.fixture
def asked():
    """Addresses that were asked of a server, and its own address."""
    found = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            found.append((self.command, self.path))
            self.send_response(404)
            self.end_headers()

        do_HEAD = do_GET

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield found, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


ADDRESSES = ["{}/x.parquet", "zip://*.parquet::{}/x.zip", "simplecache::{}/x.parquet", "github://o:r@/x.parquet",
             "hf://datasets/o/r/x.parquet", "file:///etc/x.parquet", "../x/*.parquet", "c/../../x.parquet",
             "/etc/*.parquet", "~/x.parquet", "..\\x.parquet", ["c/train.parquet", "{}/x.parquet"]]  # fmt: skip


@pytest.mark.parametrize("path", ADDRESSES)
@pytest.mark.parametrize("form", ["list", "mapping", "alone"])
def test_no_address_of_a_card_is_asked(tmp_path, asked, path, form):
    found, address = asked
    path = [one.replace("{}", address) for one in path] if isinstance(path, list) else path.replace("{}", address)
    files = {"list": [{"split": "train", "path": path}], "mapping": {"train": path}, "alone": path}[form]
    front = yaml.safe_dump({"configs": [{"config_name": "c", "data_files": files}]})
    (tmp_path / "c").mkdir()
    datasets.Dataset.from_dict({"fold": [1]}).to_parquet(tmp_path / "c" / "train.parquet")
    (tmp_path / "README.md").write_text(f"---\n{front}---\n")
    with pytest.raises(ValueError, match="outside the folder"):
        load_corpus(tmp_path)
    assert found == []


CARDS = [b"", b"# no front matter\n", b"---\n---\n", b"---\n\n---\n", b"---\n- 1\n---\n", b"---\nconfigs: 3\n---\n",
         b"---\nconfigs: []\n---\n", b"---\nconfigs: [1]\n---\n", b"---\nconfigs: [{config_name: 3}]\n---\n",
         b"---\nconfigs: [{config_name: c}]\n---\n", b"---\nconfigs: [{config_name: c, data_files: 3}]\n---\n",
         b"---\nconfigs: [{config_name: c, data_files: [{split: train}]}]\n---\n",
         b"---\nconfigs: [{config_name: c, data_files: [{split: [1], path: x}]}]\n---\n",
         b"---\nconfigs: [{config_name: c, data_files: [{split: train, path: [3]}]}]\n---\n",
         b"---\nconfigs: [{config_name: c, data_files: x, data_dir: /etc}]\n---\n",
         b"---\nconfigs: [{config_name: c, data_files: 'a\x00.parquet'}]\n---\n",
         b"---\nconfigs: [{config_name: c, data_files: '[.parquet'}]\n---\n",
         b"---\nconfigs: {a: [\n---\n", b"---\n? [a]\n: 1\n---\n", b"---\nx: !!python/name:os.system\n---\n",
         b"\x89PNG\r\n\x1a\n\x00\xff", b"---\nconfigs: \xff\xfe\n---\n", b"\xff\xfe-\x00-\x00-\x00",
         b"---\n" + b"[" * 9000 + b"\n---\n", b"---\na: &a [*a]\n---\n",
         b"---\nconfigs: [{config_name: c, data_files: absent.parquet}]\n---\n",
         b"---\nconfigs: [{config_name: c, data_files: x}, {config_name: c, data_files: x}]\n---\n"]  # fmt: skip


@pytest.mark.parametrize("card", CARDS, ids=range(len(CARDS)))
def test_a_card_that_is_none_is_a_value_error(tmp_path, card):
    (tmp_path / "README.md").write_bytes(card)
    with pytest.raises(ValueError, match=r"README\.md|configuration 'c'") as caught:
        load_corpus(tmp_path)
    assert caught.type is ValueError
