"""What was pushed comes back in another person's processes: models, corpora, and the shim with and without us."""

from hf_ecg.hub import push_corpus, push_run
from tests.evaluation import tiny
from tests.hub.test_corpus import prepare
from tests.hub.test_push import pair_logit

RELOAD = """
import sys, numpy as np, torch, hf_ecg
from transformers import AutoFeatureExtractor, AutoModel, AutoProcessor
model = AutoModel.from_pretrained("me/tiny")
processor = AutoProcessor.from_pretrained("me/tiny")
encoder = AutoModel.from_pretrained("me/tiny", subfolder="encoder")
extractor = AutoFeatureExtractor.from_pretrained("me/tiny", subfolder="encoder")
ecg = np.sin(np.arange(1200)).reshape(12, 100)
leads = extractor.leads
inputs = processor(ecg=ecg, text="sinus rhythm", sampling_rate=100, leads=leads, units="mV", return_tensors="pt")
with torch.no_grad():
    pair = model(**inputs).logits_per_ecg.item()
    alone = encoder(**extractor(ecg, 100, leads, "mV", return_tensors="pt")).pooler_output.sum().item()
    inside = model.ecg_model(**extractor(ecg, 100, leads, "mV", return_tensors="pt")).pooler_output.sum().item()
assert alone == inside
print(repr(pair))

# what `push_to_hub` of the single classes put there
kinds = [AutoModel, AutoProcessor, AutoFeatureExtractor]
print(*(type(kind.from_pretrained("me/plain")).__name__ for kind in kinds))
print(type(AutoModel.from_pretrained("me/alone")).__name__, AutoFeatureExtractor.from_pretrained("me/alone").leads[0])
"""

READ = """
import sys, datasets
rows = datasets.load_dataset("me/tiny", "tiny_100hz")
assert "hf_ecg" not in sys.modules
print({name: len(split) for name, split in rows.items()}, rows["train"].features["rhythm"].feature.names)
print(sum(rows["train"][0]["signal"]), len(rows["train"][0]["signal"]), rows["train"].features["signal"].feature.dtype)
stream = datasets.load_dataset("me/tiny", "tiny_100hz", split="test", streaming=True)
print(len(list(stream)))

import hf_ecg
from hf_ecg.data.corpus_card import is_simulated
from hf_ecg.data.corpus import load_corpus
print(len(load_corpus("me/tiny", folds=[10])), is_simulated("me/tiny"))
import pathlib, pytest, huggingface_hub
(shard,) = pathlib.Path(huggingface_hub.constants.HF_HUB_CACHE).rglob("train-*.parquet")
data = bytearray(shard.read_bytes())
data[1000] ^= 1
shard.resolve().write_bytes(data)
with pytest.raises(ValueError, match="train-00000-of-00001.parquet is damaged"):
    load_corpus("me/tiny", verify=True)
"""

INSTALLED = """
import sys, os
from transformers import AutoFeatureExtractor, AutoModel, AutoProcessor
trust = {"trust_remote_code": True}
processor = AutoProcessor.from_pretrained("me/shim", **trust)
model = AutoModel.from_pretrained("me/shim", **trust)
encoder = AutoModel.from_pretrained("me/shim-encoder", **trust)
extractor = AutoFeatureExtractor.from_pretrained("me/shim-encoder", **trust)
print(*(type(part).__module__.split(".")[0] for part in (processor, model, encoder, extractor)))
print(type(processor).__name__, type(model).__name__, type(encoder).__name__, type(extractor).__name__)
for part in (processor, model):
    part.save_pretrained("again")
for part in (extractor, encoder):
    part.save_pretrained("encoder_again")
print(*(name for folder in ("again", "encoder_again") for name in sorted(os.listdir(folder)) if name.endswith(".py")))
"""
# transformers looks for the package with find_spec, Python imports through the finders: neither may see it
ABSENT = """
import importlib.abc, sys
class Absent(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "hf_ecg":
            raise ModuleNotFoundError("No module named 'hf_ecg'", name="hf_ecg")
sys.meta_path.insert(0, Absent())
from transformers import AutoConfig
AutoConfig.from_pretrained("me/shim", trust_remote_code=True)
"""


def test_what_was_pushed_comes_back(hub, api, reader, dual_run, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_test")
    push_run(dual_run, "me/tiny", private=True, api=api)
    for part in (tiny.dual_encoder(), tiny.processor()):
        part.push_to_hub("me/plain")
    for part in (tiny.dual_encoder().ecg_model, tiny.feature_extractor()):
        part.push_to_hub("me/alone")
    push_run(dual_run, "me/shim", shim=True, api=api)
    (dual_run / "encoder" / "README.md").write_text("# Encoder\n")
    push_run(dual_run / "encoder", "me/shim-encoder", shim=True, api=api)
    made = prepare(tmp_path / "corpus", simulated=True)
    push_corpus(tmp_path / "corpus", "me/tiny", api=api)

    told = reader(RELOAD, READ, INSTALLED, ABSENT)
    for status, _, errors in told[:3]:
        assert status == 0, errors[-3000:]
    (_, models, _), (_, corpus, _), (_, with_us, _), (status, _, without_us) = told
    assert status == 1 and "pip install hf_ecg" in without_us
    _models_came_back(hub, models, dual_run)
    _the_corpus_came_back(hub, corpus, made)
    packages, classes, *sources = with_us.split("\n")
    assert packages.split() == ["hf_ecg"] * 4
    assert classes == "ECGTextProcessor ECGTextModel ECGResNetModel ECGFeatureExtractor"
    assert "".join(sources) == "", "a later save copied sources"


def _models_came_back(hub, told, dual_run):
    logit, *kinds = told.split()
    assert logit == pair_logit(dual_run)
    assert kinds == ["ECGTextModel", "ECGTextProcessor", "ECGFeatureExtractor", "ECGResNetModel", "I"]
    assert [commit.title for commit in hub.commits("me/tiny")][1:] == ["Push model, processor and card with hf_ecg"]
    assert hub.repositories["models", "me/tiny"].private


def _the_corpus_came_back(hub, told, made):
    counts, signal, streamed, ours = told.strip().splitlines()
    assert counts == "{'train': 54, 'test': 6} ['AFIB', 'SR']"
    assert signal == f"{made[0]['signal'].astype(int).sum()} 1200 int16"
    assert streamed == "6" and ours == "6 True"
    card = hub.files("me/tiny", "datasets")["README.md"].decode()
    assert 'load_dataset("me/tiny", "tiny_100hz")' in card and "Simulated, not recorded" in card
    assert "- simulated\n" in card.partition("# Tiny")[0] and "Licence: MIT. Cite us." in card
