import hashlib
import json

import pytest
from huggingface_hub import DatasetCard

from hf_ecg.data.builder import Corpus, prepare_corpus
from hf_ecg.data.corpus_card import CorpusCard, is_simulated
from hf_ecg.data.schema import row_features
from hf_ecg.hub import push_corpus
from tests.evaluation import tiny


def read(row):
    names = {"rhythm": tiny.LABEL_SETS["rhythm"], "form": tiny.LABEL_SETS["form"]}
    labels = {key: None if row[key] is None else [names[key][n] for n in row[key]] for key in names}
    return row | labels


def prepare(folder, number=60, config="tiny_100hz", **facts):
    made = tiny.rows(number)
    corpus = Corpus(
        config_name=config,
        features=row_features(12, tiny.SAMPLES, tiny.LABEL_SETS),
        splits={"train": [r for r in made if r["fold"] < 10], "test": [r for r in made if r["fold"] == 10]},
        read=read,
        facts=facts,
        card=lambda summary: CorpusCard(
            title="Tiny", source="nowhere", splits="By fold.", texts="statements", licence="MIT", citation="Cite us."
        ),
        front_matter={"license": "mit", "tags": ["ecg"]},
    )
    prepare_corpus(corpus, folder, progress=False, overwrite=True)
    return made


def test_recorded_data_is_not_called_simulated(tmp_path):
    prepare(tmp_path / "corpus")
    assert "imulated" not in (tmp_path / "corpus" / "README.md").read_text() and not is_simulated(tmp_path / "corpus")


def test_a_failing_server_leaves_the_earlier_rows_and_shards_of_them_never_mix(hub, api, tmp_path):
    prepare(tmp_path / "corpus")
    push_corpus(tmp_path / "corpus", "me/tiny", api=api)
    before = hub.commits("me/tiny", "datasets")[-1]
    earlier = [path for path in before.files if path.endswith(".parquet")]
    prepare(tmp_path / "corpus", number=80)
    # the new one has other shards
    for split, count in (("train", 2), ("test", 1)):
        path = tmp_path / "corpus" / "tiny_100hz" / f"{split}-00000-of-00001.parquet"
        path.rename(path.with_name(f"{split}-00000-of-{count:05d}.parquet"))
    hub.fail("POST .*/commit/", times=1000, status=500)
    with pytest.raises(OSError, match="not pushed to me/tiny"):
        push_corpus(tmp_path / "corpus", "me/tiny", api=api)
    assert hub.commits("me/tiny", "datasets")[-1] is before
    hub.failures.clear()
    sent = hub.count("PUT /lfs/")
    push_corpus(tmp_path / "corpus", "me/tiny", api=api)
    assert hub.count("PUT /lfs/") == sent, "the contents had arrived before the commit failed"
    now = [path for path in hub.files("me/tiny", "datasets") if path.endswith(".parquet")]
    assert (
        sorted(now) == ["tiny_100hz/test-00000-of-00001.parquet", "tiny_100hz/train-00000-of-00002.parquet"] != earlier
    )


def test_two_rates_live_under_one_id(hub, api, tmp_path):
    for config in ("tiny_100hz", "tiny_500hz", "tiny_100hz"):
        prepare(tmp_path / config, config=config)
        push_corpus(tmp_path / config, "me/tiny", api=api)
    files = hub.files("me/tiny", "datasets")
    data = DatasetCard(files["README.md"].decode()).data
    configs = data.configs
    assert [entry["config_name"] for entry in data.dataset_info] == ["tiny_100hz", "tiny_500hz"]
    shards = json.loads(files["summary.json"])["shards"]
    assert {name: facts["sha256"] for name, facts in shards.items()} == {
        name: hashlib.sha256(content).hexdigest() for name, content in files.items() if name.endswith(".parquet")
    }
    assert [(entry["config_name"], entry["default"]) for entry in configs] == [
        ("tiny_100hz", True),
        ("tiny_500hz", False),
    ]
    assert {path.partition("/")[0] for path in files if path.endswith(".parquet")} == {"tiny_100hz", "tiny_500hz"}


def test_what_is_no_prepared_corpus_is_refused(hub, api, tmp_path):
    (tmp_path / "README.md").write_text("# Mine\n")
    with pytest.raises(OSError, match="no prepared corpus: there is no summary.json"):
        push_corpus(tmp_path, "me/tiny", api=api)
    assert not hub.calls
