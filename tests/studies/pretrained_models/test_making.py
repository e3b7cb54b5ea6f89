"""The models of the package are made twice to the same bytes, small, and load as float32."""

import json
from dataclasses import replace

import pytest
import torch
import yaml
from transformers import AutoModel, AutoProcessor, AutoTokenizer

import hf_ecg
from hf_ecg.studies.pretrained_models.clinical_texts import clinical_sentences, clinical_texts
from hf_ecg.studies.pretrained_models.making import TEXT_TOWER, MakingOptions, make_pretrained
from hf_ecg.studies.pretrained_models.packaging import half_matrices
from hf_ecg.studies.pretrained_models.text_distillation import DistillationSettings, make_tokenizer, whitened_targets
from hf_ecg.studies.pretrained_models.twin_report import TwinOptions
from hf_ecg.training.recipe import as_override
from tests.training_fixtures import NUM_SAMPLES, SENTENCES

TINY = DistillationSettings(
    vocab_size=200, hidden_size=16, num_layers=1, num_heads=2, intermediate_size=16, max_tokens=32, epochs=2
)
NAME = "ecg-text-small"


def test_the_tower_in_the_package_reads_what_its_texts_are_now():
    """Other words in prompts or tables make another tower: `train/pretrained.py` would not give the packaged one."""
    tokenizer = make_tokenizer(list(clinical_texts()), DistillationSettings())
    assert tokenizer.get_vocab() == AutoTokenizer.from_pretrained(hf_ecg.pretrained(TEXT_TOWER)).get_vocab()


def test_a_corpus_that_is_not_there_is_told_of_before_the_tower_is_made(tmp_path):
    with pytest.raises(FileNotFoundError, match="is not a folder here"):
        make_pretrained("/nowhere", tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.fixture
def make(corpus, text_tower, text_recipe, tmp_path):
    changes = {
        "model.config.ecg_config": text_recipe["model"]["config"]["ecg_config"],
        "processor.feature_extractor.num_samples": NUM_SAMPLES,
        "processor.feature_extractor.steps": [],
        "data.sources.0.config": "tiny_100hz",
        "data.columns": {"text": "text"},
        "method.options.extra_texts": 4,
        "method.options.views": text_recipe["method"]["options"]["views"],
        "run.epochs": 1,
        "run.batch_size": 16,
    }
    options = MakingOptions(
        names=(NAME,),
        folds=(1, 2, 3),
        distillation=TINY,
        teacher=str(text_tower),
        meanings={text: text for text in SENTENCES} | {"heart attack": SENTENCES[1]},
        sentences=SENTENCES,
        overrides={NAME: [as_override(key, value) for key, value in changes.items()]},
    )
    return lambda folder, **changes: make_pretrained(corpus, tmp_path / folder, replace(options, **changes))


def test_the_same_command_makes_the_same_models_bit_for_bit(make, tmp_path):
    for first, second in zip(make("one"), make("two"), strict=True):
        for name in ("model.safetensors", "config.json", "tokenizer.json"):
            assert (first / name).read_bytes() == (second / name).read_bytes(), (first.name, name)
    assert [folder.name for folder in make("one")] == [TEXT_TOWER, NAME]
    # what lies there was trained on other folds
    with pytest.raises(ValueError, match="folds.train was .1, 2, 3. and is now"):
        make("one", folds=(1, 2))
    folder = tmp_path / "one" / "packaged" / NAME
    texts = [path.read_text() for path in folder.iterdir() if path.suffix in (".json", ".yaml", ".md")]
    assert not any(str(tmp_path) in text for text in texts)
    recipe = yaml.safe_load((folder / "recipe.yaml").read_text())
    assert recipe["model"]["init_from"]["text_model"] == f"package:hf_ecg/pretrained_models/{TEXT_TOWER}"
    facts = json.loads((folder / "training_facts.json").read_text())["sources"][0]
    assert facts["train_folds"] == [1, 2, 3] and facts["validation_folds"] == []
    model = AutoModel.from_pretrained(folder)
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    whole = AutoModel.from_pretrained(tmp_path / "one" / "runs" / NAME)
    processor = AutoProcessor.from_pretrained(folder)
    tokens = processor(text=["sinus rhythm", "zebra"], return_tensors="pt")
    one, other = (each.eval().get_text_features(**tokens).pooler_output for each in (model, whole))
    torch.testing.assert_close(one, other, atol=1e-2, rtol=1e-2)


def test_a_twin_never_sees_the_folds_that_judge_or_choose(make, tmp_path):
    twin = TwinOptions(test_folds=(3,), validation_folds=(2,))
    with pytest.raises(ValueError, match="has no .'CD', 'HYP'."):  # by now the twin is trained
        make("one", twin=twin)
    facts = json.loads((tmp_path / "one" / "runs" / f"{NAME}-twin" / "training_facts.json").read_text())
    assert [source["train_folds"] for source in facts["sources"]] == [[1]]


def test_a_model_that_is_not_of_the_package_is_refused():
    with pytest.raises(ValueError, match="'ecg-text-smal' is not made here .did you mean 'ecg-text-small'"):
        MakingOptions(names=("ecg-text-smal",))


def test_the_texts_hold_the_packages_words_and_those_of_others():
    texts, sentences = clinical_texts(), clinical_sentences()
    assert set(sentences) <= set(texts) and all(texts[sentence] == sentence for sentence in sentences)
    assert texts["heart attack"] == "myocardial infarction" and texts["ECG shows sinus rhythm"] == "sinus rhythm"
    assert texts["LBBB"] == "complete left bundle branch block" and "ST depression in lead V2" in texts
    # it is a flutter in one corpus and a fibrillation in another, unless somebody says which
    assert texts["AF"] == "atrial fibrillation"


def test_a_tokenizer_spells_what_it_does_not_know():
    tokenizer = make_tokenizer(SENTENCES, TINY)
    pieces = tokenizer.tokenize("Sinus RHYTHM zebra 7")
    assert "".join(piece.removeprefix("##") for piece in pieces) == "sinusrhythmzebra7"
    assert pieces[:2] == ["sinus", "rhythm"] and tokenizer.unk_token not in pieces
    assert tokenizer("x")["input_ids"][0] == tokenizer.cls_token_id


def test_targets_are_whitened_by_the_sentences_alone():
    features = torch.randn(40, 12, generator=torch.Generator().manual_seed(0)) * torch.linspace(5, 0.1, 12)
    targets = whitened_targets(features, range(30), 1.0, 16)
    assert targets.shape == (40, 16) and not targets[:, 12:].any()
    torch.testing.assert_close(targets.norm(dim=1), torch.ones(40))
    moved = features.clone()
    moved[35] += 3
    torch.testing.assert_close(whitened_targets(moved, range(30), 1.0, 16)[:30], targets[:30])


def test_statistics_keep_their_precision():
    tensors = {"kernel": torch.rand(2, 3), "mean": torch.rand(3), "counted": torch.tensor(3)}
    types = {name: tensor.dtype for name, tensor in half_matrices(tensors).items()}
    assert types == {"kernel": torch.float16, "mean": torch.float32, "counted": torch.int64}
