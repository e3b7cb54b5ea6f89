"""A language model on reports: its perplexity by hand, what its folder serves, and what it refuses."""

import json
import math

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, BertConfig, BertLMHeadModel

from hf_ecg.data.text_corpus import load_texts
from hf_ecg.evaluation.protocol import read_training_facts
from hf_ecg.training.build import build_parts
from hf_ecg.training.language_model import load_language_recipe, train_language_model
from hf_ecg.training.perplexity import language_figures, perplexity, unigram_perplexity
from hf_ecg.training.recipe import parse_recipe

TINY = {
    "model_type": "bert",
    "is_decoder": True,
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 32,
}


def tiny_recipe(repository, corpus, text_tower, *overrides):
    given = (
        f"model.tokenizer={json.dumps(str(text_tower))}",
        f"model.config={json.dumps(TINY)}",
        f"sources.0.path={json.dumps(str(corpus))}",
        "sources.0.config=tiny_100hz",
        "sources.0.folds={train: [1, 2, 3], validation: [4], test: [5]}",
        "run.epochs=2",
        "run.lr=0.01",
    )
    return load_language_recipe(repository / "train/language_models/ptb_xl.yaml", [*given, *overrides])


@pytest.fixture(scope="module")
def trained(repository, corpus, text_tower, tmp_path_factory):
    folder = tmp_path_factory.mktemp("language") / "model"
    return folder, train_language_model(tiny_recipe(repository, corpus, text_tower), folder)


def test_a_trained_model_foretells_better_than_frequencies_and_says_how_well(trained):
    folder, figures = trained
    assert figures["test"]["texts"] == 16 and figures["validation"]["texts"] == 16
    for one in figures.values():
        assert 1 < one["perplexity"] < one["unigram_perplexity"]
        # six texts are all that the corpus has
        assert (one["new_texts"], one["new_perplexity"]) == (0, None)
    model, tokenizer = AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    assert type(model) is BertLMHeadModel and model.config.is_decoder and model.config.use_cache
    rows = tokenizer(load_texts_of_fold(folder, 5))["input_ids"]
    assert perplexity(model, rows, 3) == pytest.approx(figures["test"]["perplexity"], rel=1e-4)
    # a word sees those before it alone
    ids = torch.tensor([[2, 7, 8, 9], [2, 7, 8, 3]])
    logits = model(ids).logits
    torch.testing.assert_close(logits[0, :3], logits[1, :3])
    facts = read_training_facts(folder).sources[0]
    assert (facts.text_column, facts.train_folds, facts.validation_folds) == ("text", (1, 2, 3), (4,))
    card = (folder / "README.md").read_text()
    assert "license: cc-by-4.0" in card and f"| {figures['test']['perplexity']:.2f} |" in card


def load_texts_of_fold(folder, fold):
    recipe = load_language_recipe(folder / "recipe.yaml")
    source = recipe.sources[0]
    return load_texts(source.path, "text", source.config, {"train": [fold]})["train"]


def test_it_is_the_text_tower_of_a_dual_encoder_which_then_has_seen_its_folds(trained, text_recipe):
    folder, _ = trained
    text_recipe["model"]["init_from"] = {"text_model": str(folder)}
    text_recipe["processor"]["tokenizer"] = str(folder)
    text_recipe["validation"] = None
    parts = build_parts(parse_recipe(text_recipe))
    found = BertLMHeadModel.from_pretrained(folder).bert.state_dict()
    tower = parts.model.text_model
    assert tower.config.is_decoder
    for name, value in tower.state_dict().items():
        torch.testing.assert_close(value, found[name])


def test_perplexity_is_that_of_a_loop_over_tokens():
    torch.manual_seed(0)
    model = BertLMHeadModel(BertConfig(vocab_size=12, **{k: v for k, v in TINY.items() if k != "model_type"})).eval()
    rows = [[2, 5, 6, 3], [2, 7, 3], [2, 5, 5, 5, 5, 3]]
    logs = []
    for row in rows:
        probabilities = model(torch.tensor([row])).logits[0].log_softmax(dim=-1)
        logs += [float(probabilities[place, token].detach()) for place, token in enumerate(row[1:])]
    wanted = math.exp(-sum(logs) / len(logs))
    assert perplexity(model, rows, 2) == pytest.approx(wanted, rel=1e-5)
    assert perplexity(model, rows, 3) == pytest.approx(wanted, rel=1e-5)
    figures = language_figures(model, rows[:2], rows, 12)
    assert (figures["texts"], figures["tokens"], figures["new_texts"]) == (3, 10, 1)
    assert figures["perplexity"] == pytest.approx(wanted, rel=1e-5)
    assert figures["new_perplexity"] == pytest.approx(perplexity(model, rows[2:]), rel=1e-6)
    # tokens 5, 6, 3, 7, 3 in training, each once more, of 12 + 5
    shares = [2 / 17, 2 / 17, 3 / 17]
    assert unigram_perplexity(rows[:2], [rows[0]], 12) == pytest.approx(math.prod(shares) ** (-1 / 3))


def test_a_finished_run_is_not_written_over_and_resumes_to_the_same_figures(trained, repository, corpus, text_tower):
    folder, figures = trained
    recipe = tiny_recipe(repository, corpus, text_tower)
    with pytest.raises(FileExistsError, match="--resume latest goes on"):
        train_language_model(recipe, folder)
    assert train_language_model(recipe, folder, resume=True) == figures


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("model.config.is_decoder=false", "a bert would see the words that it is to foretell"),
        ("model.config.model_type=brt", "wanted one that transformers knows"),
        ("model.config.hiden_size=3", "hiden_size is not known to BertConfig.*'hidden_size'"),
        ("sources.0.folds.validation=[1]", "name one twice"),
        ("sources.0.column=texts", "no column 'texts'"),
        ("sources.0.path=null", "sources.0.path is not given"),
        ("sources=[]", "sources is empty"),
        ("run.epochs=0", "run.epochs is 0"),
        ("run.epoch=3", "unknown key run.epoch.*'epochs'"),
    ],
)
def test_recipes_that_cannot_run(override, message, repository, corpus, text_tower, tmp_path):
    with pytest.raises(ValueError, match=message):
        train_language_model(tiny_recipe(repository, corpus, text_tower, override), tmp_path / "out")


def test_texts_of_a_file_are_split_by_what_they_say(tmp_path, empty_datasets_cache):
    texts = [f"report number {number}" for number in range(300)]
    path = tmp_path / "texts.txt"
    path.write_text("\n".join([*texts, "", *texts[::-1]]) + "\n")
    found = load_texts(path)
    assert {split: len(part) for split, part in found.items()} == {"train": 546, "validation": 22, "test": 32}
    sets = {split: set(part) for split, part in found.items()}
    assert not sets["train"] & sets["test"] and set().union(*sets.values()) == set(texts)
    with pytest.raises(ValueError, match="is a file: its texts have no folds; sources.0.folds=.. takes"):
        load_texts(path, folds={"train": [1]})
    (tmp_path / "texts.doc").write_text("a")
    with pytest.raises(ValueError, match="is not a text corpus"):
        load_texts(tmp_path / "texts.doc")
