import time

import huggingface_hub
import pytest

from hf_ecg.data.corpus import load_corpus
from hf_ecg.named_sources import check_on_hub
from hf_ecg.pretrained_models import model_source


def test_a_model_on_the_hub_is_found_and_a_slip_is_told_by_one_question(hub, api):
    api.create_repo("me/clep")
    assert model_source("me/clep") == "me/clep"
    asked = len(hub.calls)
    assert model_source("me/clep") == "me/clep" and len(hub.calls) == asked
    for look, kind in ((model_source, "model"), (load_corpus, "data set")):
        asked = len(hub.calls)
        with pytest.raises(FileNotFoundError, match=f"me/clap is not a folder here.* no {kind} of this name"):
            look("me/clap")
        assert len(hub.calls) == asked + 1


def test_a_hub_that_is_not_there_is_told_at_once(hub, monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://127.0.0.1:9")
    begun = time.monotonic()
    with pytest.raises(OSError, match="you/nothing is not a folder here.*the Hub, which cannot be reached"):
        model_source("you/nothing")
    assert time.monotonic() - begun < 5


def test_what_is_in_the_cache_needs_no_hub(hub, monkeypatch, tmp_path):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(FileNotFoundError, match="no model of this name is in the cache .* HF_HUB_OFFLINE is set"):
        model_source("you/kept")
    (tmp_path / "cache" / "models--you--kept" / "snapshots" / ("0" * 40)).mkdir(parents=True)
    assert model_source("you/kept") == "you/kept"
    check_on_hub.cache_clear()


@pytest.mark.parametrize("name", ["a b/c", "../x", "a//b", "http://x/y", "owner/name/more", "-a/b", "x..y"])
def test_what_cannot_be_an_id_is_not_asked_for(hub, name):
    with pytest.raises(FileNotFoundError, match="cannot be on the Hub, where a model is named OWNER/NAME"):
        model_source(name)
    assert not hub.calls
