import copy
import json

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoFeatureExtractor, AutoModel, AutoProcessor

import hf_ecg
from hf_ecg.training import pretrain
from hf_ecg.training.build import build_parts
from hf_ecg.training.checkpoint import load_state
from hf_ecg.training.log_file import read_log
from hf_ecg.training.recipe_facts import training_facts
from hf_ecg.training.run_card import protocol_words
from tests.training.watched import WatchedTextModel, forget, watch
from tests.training_fixtures import SENTENCES

TIMES = ("records_per_second", "waiting")


@pytest.fixture(scope="module")
def finished():
    """Folders of finished runs, shared by the tests that only look at them."""
    return {}


@pytest.fixture
def text_run(finished, text_recipe, recipe_of, tmp_path_factory):
    if "text" not in finished:
        folder = tmp_path_factory.mktemp("text-run") / "out"
        finished["text"] = folder, pretrain(recipe_of(text_recipe), folder)
    return finished["text"]


def test_the_log_has_a_line_for_every_step_and_validation(text_run):
    lines = read_log(text_run[0])
    steps = [line for line in lines if line["kind"] == "train"]
    assert [line["step"] for line in steps] == list(range(1, 15))  # 63 records, batches of 8, two epochs
    assert [line["epoch"] for line in steps] == [0] * 7 + [1] * 7
    assert set(steps[0]) == {"kind", "step", "epoch", "loss", "lr", "grad_norm", *TIMES}
    assert steps[0]["lr"] == 0.003 and steps[-1]["lr"] < 0.0001
    assert all(0 <= line["waiting"] <= 1 and line["records_per_second"] > 0 for line in steps)
    assert [(line["step"], line["epoch"]) for line in lines if line["kind"] == "validation"] == [(7, 0), (14, 1)]
    assert sum(line["loss"] for line in steps[-3:]) < sum(line["loss"] for line in steps[:3])


def test_the_whole_model_comes_back(text_run, text_recipe, recipe_of):
    folder, metrics = text_run
    model, processor = AutoModel.from_pretrained(folder), AutoProcessor.from_pretrained(folder)
    assert isinstance(model, hf_ecg.ECGTextModel) and isinstance(processor, hf_ecg.ECGTextProcessor)
    best = load_state(folder / "checkpoints" / "best")[0]["model"]
    assert all(torch.equal(value, best[name]) for name, value in model.state_dict().items())
    assert json.loads((folder / "config.json").read_text())["hf_ecg_version"] == hf_ecg.__version__
    assert build_parts(recipe_of(text_recipe)).validate(model)["loss"] == pytest.approx(metrics["loss"], rel=1e-6)


def test_the_encoder_comes_back_alone(text_run):
    folder = text_run[0]
    encoder, extractor = (
        AutoModel.from_pretrained(folder / "encoder"),
        AutoFeatureExtractor.from_pretrained(folder / "encoder"),
    )
    assert isinstance(encoder, hf_ecg.ECGResNetModel)
    whole = AutoModel.from_pretrained(folder).ecg_model.state_dict()
    assert all(torch.equal(value, whole[name]) for name, value in encoder.state_dict().items())
    assert extractor.to_dict() == AutoFeatureExtractor.from_pretrained(folder).to_dict()
    assert hf_ecg.ECGResNetModel.from_pretrained(folder / "encoder") is not None


def test_card_and_facts_say_what_was_trained(text_run, corpus):
    folder = text_run[0]
    assert json.loads((folder / "training_facts.json").read_text()) == {
        "method": "text_pairs",
        "seed": 0,
        "sources": [
            {
                "corpus": str(corpus),
                "config": "tiny_100hz",
                "text_column": "text",
                "text_source": "statements",
                "hold_out": ["AFIB"],
                "withhold": None,
                "train_folds": [1, 2, 3, 4],
                "validation_folds": [5],
                "label_sets": [],
                "targets": [],
                "risk": None,
                "features": None,
                "metadata": None,
                "simulated": False,
                "records": 63,
            }
        ],
        "trained_texts": sorted(SENTENCES),
    }
    card = (folder / "README.md").read_text()
    for words in ("label-text", "AFIB was removed", "cc-by-4.0", "pip install hf-ecg", "63 records", "validation 5"):
        assert words in card
    assert (folder / "recipe.yaml").exists()


def test_a_corpus_that_does_not_say_where_its_texts_come_from(text_recipe, recipe_of, tmp_path):
    facts = training_facts(recipe_of(text_recipe, data__sources__0__path=str(tmp_path)))
    assert facts.sources[0].text_source is None and facts.sources[0].hold_out == ()
    assert "does not say" in protocol_words(facts)


def test_the_best_weights_by_a_falling_metric_are_saved(text_recipe, recipe_of, tmp_path):
    text_recipe["optimizer"]["lr"], text_recipe["schedule"] = 0.3, {"name": "constant"}  # it gets worse again
    metrics = pretrain(recipe_of(watch(text_recipe), run__epochs=4, validation__batch_size=64), tmp_path / "out")
    losses = [line["loss"] for line in read_log(tmp_path / "out") if line["kind"] == "validation"]
    chosen = losses.index(min(losses))
    assert metrics == {"loss": losses[chosen]} and chosen < 3
    states = WatchedTextModel.validated[1:]  # the first is the look at the first batch
    assert len(states) == 4
    saved = load_file(tmp_path / "out" / "model.safetensors")
    assert all(torch.equal(saved[name], states[chosen][name]) for name in saved)
    last = load_state(tmp_path / "out" / "checkpoints" / "last")[0]["model"]
    assert all(torch.equal(last[name], states[3][name]) for name in last)


def test_the_best_weights_by_a_rising_metric_are_saved(label_recipe, recipe_of, tmp_path):
    label_recipe["optimizer"]["lr"] = 0.1
    metrics = pretrain(recipe_of(label_recipe, run__epochs=4), tmp_path / "out")
    figures = [line["macro_auroc"] for line in read_log(tmp_path / "out") if line["kind"] == "validation"]
    assert metrics["macro_auroc"] == max(figures) > min(figures)
    assert load_state(tmp_path / "out" / "checkpoints" / "last")[1]["best_epoch"] == figures.index(max(figures))


def test_without_validation_the_last_weights_are_saved(text_recipe, recipe_of, tmp_path):
    assert pretrain(recipe_of(text_recipe, validation=None, run__max_steps=3), tmp_path / "out") == {}
    saved = load_file(tmp_path / "out" / "model.safetensors")
    last, progress = load_state(tmp_path / "out" / "checkpoints" / "last")
    assert progress["step"] == 3
    assert all(torch.equal(saved[name], last["model"][name]) for name in saved)
    assert "no validation" in (tmp_path / "out" / "README.md").read_text()


def test_a_loss_that_is_no_number_names_step_and_records(text_recipe, recipe_of, tmp_path):
    with pytest.raises(FloatingPointError, match=r"step 3 \(epoch 0\): the loss is nan.*record-\d+(, record-\d+){7}$"):
        pretrain(recipe_of(watch(text_recipe, nan_at=3)), tmp_path / "out")
    assert [line["step"] for line in read_log(tmp_path / "out")] == [1, 2]
    assert load_state(tmp_path / "out" / "checkpoints" / "last") is None


def test_a_frozen_text_tower_is_asked_once_per_text(text_recipe, recipe_of, tmp_path):
    recipe = recipe_of(watch(text_recipe), freeze=["text_model"], validation=None)
    pretrain(recipe, tmp_path / "cached")
    parts = build_parts(recipe)
    texts = parts.collator.possible_texts(*parts.sources)
    assert WatchedTextModel.texts_asked == len(texts) > 5
    cached = [line["loss"] for line in read_log(tmp_path / "cached")]
    # a tower that is not frozen as a whole, and yet does not change: it is asked anew for every batch
    forget()
    names = [f"text_model.{name}" for name, _ in parts.model.text_model.named_children()]
    pretrain(recipe_of(text_recipe, freeze=names, validation=None), tmp_path / "direct")
    direct = [line["loss"] for line in read_log(tmp_path / "direct")]
    assert cached == pytest.approx(direct, rel=1e-4)


def test_frozen_parts_stay_what_they_were(text_recipe, recipe_of, tmp_path, text_tower):
    pretrain(recipe_of(text_recipe, freeze=["text_model", "ecg_model.stem"]), tmp_path / "out")
    saved = AutoModel.from_pretrained(tmp_path / "out")
    tower = AutoModel.from_pretrained(text_tower).state_dict()
    assert all(torch.equal(value, tower[name]) for name, value in saved.text_model.state_dict().items())
    statistics = saved.ecg_model.stem.norm
    assert statistics.running_mean.eq(0).all() and statistics.num_batches_tracked == 0
    assert saved.ecg_model.stages[0].blocks[0].norms[0].num_batches_tracked == 14
    state = load_state(tmp_path / "out" / "checkpoints" / "last")[0]["model"]
    assert not any(name.startswith(("text_model.", "ecg_model.stem.")) for name in state)


def test_text_statistics_are_measured_and_saved(text_recipe, recipe_of, tmp_path):
    pretrain(recipe_of(text_recipe, model__config__standardise_text=True, run__max_steps=1), tmp_path / "out")
    model = AutoModel.from_pretrained(tmp_path / "out")
    assert model.text_mean.abs().sum() > 0 and model.text_std != 1


@pytest.mark.parametrize("precision", ["bf16"])
def test_mixed_precision_trains(text_recipe, recipe_of, tmp_path, precision):
    pretrain(recipe_of(text_recipe, run__mixed_precision=precision, run__max_steps=3), tmp_path / "out")
    saved = load_file(tmp_path / "out" / "model.safetensors")
    assert {value.dtype for value in saved.values()} <= {torch.float32, torch.int64}


def test_a_classifier_trains_by_the_same_loop(label_recipe, recipe_of, tmp_path):
    metrics = pretrain(recipe_of(label_recipe, run__epochs=4), tmp_path / "out")
    assert metrics["macro_auroc"] > 0.6
    model = hf_ecg.AutoModelForECGClassification.from_pretrained(tmp_path / "out")
    names = ["superdiagnostic: NORM", "superdiagnostic: MI", "superdiagnostic: STTC", "form: PVC", "form: LVH"]
    assert list(model.config.id2label.values()) == names
    assert model.config.problem_type == "multi_label_classification"
    encoder = AutoModel.from_pretrained(tmp_path / "out" / "encoder").state_dict()
    assert all(torch.equal(value, model.encoder.state_dict()[name]) for name, value in encoder.items())
    assert AutoFeatureExtractor.from_pretrained(tmp_path / "out").num_samples == 100
    assert "**Supervised**" in (tmp_path / "out" / "README.md").read_text()
    (facts,) = json.loads((tmp_path / "out" / "training_facts.json").read_text())["sources"]
    assert facts["label_sets"] == ["superdiagnostic", "form"] and facts["text_column"] is None


def test_one_label_set_gives_plain_class_names(label_recipe, recipe_of, tmp_path, text_run):
    """... and a head begins with the encoder that a text model left."""
    recipe = recipe_of(
        label_recipe,
        data__label_sets=["superdiagnostic"],
        model__config={},
        model__init_from={"encoder": str(text_run[0] / "encoder")},
    )
    parts = build_parts(recipe)
    assert parts.model.config.id2label == {0: "NORM", 1: "MI", 2: "STTC"}
    encoder = AutoModel.from_pretrained(text_run[0] / "encoder").state_dict()
    assert all(torch.equal(value, encoder[name]) for name, value in parts.model.encoder.state_dict().items())


def test_weights_follow_the_seed(text_recipe, recipe_of, tmp_path):
    content = copy.deepcopy(text_recipe)
    weights = {}
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        pretrain(recipe_of(content, run__seed=seed, run__max_steps=2, validation=None), tmp_path / name)
        weights[name] = (tmp_path / name / "model.safetensors").read_bytes()
    assert weights["a"] == weights["b"] != weights["c"]
