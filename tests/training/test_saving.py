import json
import os

import huggingface_hub
import pytest
from transformers import AutoModel

from hf_ecg.evaluation.protocol import SourceFacts, TrainingFacts
from hf_ecg.training import pretrain, saving
from hf_ecg.training.recipe_facts import training_facts
from hf_ecg.training.run_card import licences, model_card, protocol_words, without_licence
from tests.evaluation import tiny


def test_texts_of_other_patients_are_told_in_facts_and_card(text_recipe, recipe_of):
    recipe = recipe_of(text_recipe, method__options__shuffle_texts=True)
    facts = training_facts(recipe)
    assert facts.sources[0].text_source == "shuffled statements"
    assert "control" in protocol_words(facts)


def test_a_card_tells_the_protocol_of_each_corpus():
    ours = SourceFacts("corpus", "ptb_xl_100hz", "text", "statements")
    other = SourceFacts("other", "mimic_iv_ecg_500hz", "report", "report")
    assert protocol_words(TrainingFacts(sources=(ours,))).startswith("The training texts were composed")
    first, second = protocol_words(TrainingFacts(sources=(ours, other))).split("\n\n")
    assert first.startswith("On `ptb_xl_100hz`:") and "**label-text**" in first
    assert second.startswith("On `mimic_iv_ecg_500hz`:") and "**zero-shot**" in second
    again = SourceFacts("third", "georgia_500hz", "text", "statements")
    assert protocol_words(TrainingFacts(sources=(ours, again))).startswith("On `ptb_xl_100hz`, `georgia_500hz`:")


def test_a_folder_saved_by_halves_does_not_load(text_recipe, recipe_of, tmp_path, monkeypatch):
    recipe = recipe_of(text_recipe, run__max_steps=2)
    pretrain(recipe, tmp_path / "out")
    assert AutoModel.from_pretrained(tmp_path / "out") is not None
    real = os.replace

    def replace(source, target):
        if os.path.basename(target) == "model.safetensors":
            raise KeyboardInterrupt
        real(source, target)

    with monkeypatch.context() as patched:
        patched.setattr(saving.os, "replace", replace)
        with pytest.raises(KeyboardInterrupt):
            pretrain(recipe, tmp_path / "out", resume=True)
    # new facts stand beside old weights by now
    assert not (tmp_path / "out" / "config.json").exists()
    pretrain(recipe, tmp_path / "out", resume=True)
    assert AutoModel.from_pretrained(tmp_path / "out") is not None
    assert not list((tmp_path / "out").glob("*.incomplete"))


def test_a_licence_is_read_from_a_folder_s_own_card_or_from_its_run(tmp_path):
    (tmp_path / "README.md").write_text("---\nlicense: mit\n---\n")
    for name in ("corpus", "run/encoder", "own/encoder"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "run/README.md").write_text("---\nlicense: cc-by-nc-4.0\n---\n")
    (tmp_path / "own/README.md").write_text("---\nlicense: cc-by-nc-4.0\n---\n")
    (tmp_path / "own/encoder/README.md").write_text("---\nlicense: bsd-3-clause\n---\n")
    assert licences([tmp_path / "corpus"]) is None  # what lies above says nothing of it
    assert licences([tmp_path / "run/encoder", tmp_path / "run/encoder"]) == "cc-by-nc-4.0"
    assert licences([tmp_path / "own/encoder", tmp_path]) == "bsd-3-clause, mit"


def put_in_cache(cache, name, card):
    """As `hf_hub_download` leaves it."""
    folder = cache / f"models--{name.replace('/', '--')}"
    (folder / "refs").mkdir(parents=True)
    (folder / "refs/main").write_text("0" * 40)
    (folder / "snapshots" / ("0" * 40)).mkdir(parents=True)
    (folder / "snapshots" / ("0" * 40) / "README.md").write_text(card)


def test_the_licence_of_a_model_on_the_hub_is_read_from_the_cache_or_its_card_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    put_in_cache(tmp_path / "cache", "you/open", "---\nlicense: mit\n---\n")
    put_in_cache(tmp_path / "cache", "you/silent", "# A model\n")
    assert licences(["you/open", "you/silent", "you/elsewhere"]) == "mit"
    assert licences(["you/open"], "dataset") is None  # of another kind
    parts = ["you/open", "you/silent", "you/elsewhere", "package:some/folder", "not a/name", str(tmp_path)]
    assert without_licence(parts) == ["you/silent", "you/elsewhere", "not a/name"]


@pytest.mark.parametrize("unknown", [[], ["you/elsewhere"]])
def test_a_card_names_the_licence_of_its_parts_or_where_it_is_said(tmp_path, unknown):
    tiny.dual_encoder().ecg_model.save_pretrained(tmp_path)
    tiny.feature_extractor().save_pretrained(tmp_path)
    run = {"parts_licence": "mit", "parts_without_licence": unknown}
    (tmp_path / "training_run.json").write_text(json.dumps(run))
    card = model_card(tmp_path)
    assert ("license: mit" in card) == (not unknown), "nothing is claimed while the terms of a part are not known"
    assert ("of you/elsewhere: see its card" in card) == bool(unknown)
