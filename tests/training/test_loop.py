import copy
import json

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoFeatureExtractor, AutoModel, AutoProcessor

import hf_ecg
from hf_ecg.training import build, loop, pretrain
from hf_ecg.training.checkpoint import load_state
from hf_ecg.training.tracking import read_log

TIMES = ("records_per_second", "waiting")


def timeless(folder):
    return [{key: value for key, value in line.items() if key not in TIMES} for line in read_log(folder)]


def die_at(monkeypatch, step):
    """Let the run die before it begins that step."""
    real = loop.Pretraining._train_step

    def train_step(self, batch):
        if self.progress.step == step:
            raise KeyboardInterrupt
        real(self, batch)

    monkeypatch.setattr(loop.Pretraining, "_train_step", train_step)


def scripted_validation(monkeypatch, values):
    values = iter(values)
    monkeypatch.setattr(build, "build_validation", lambda spec, processor, data: lambda model: {"score": next(values)})


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


def test_the_whole_model_comes_back(text_run, corpus):
    folder, metrics = text_run
    model, processor = AutoModel.from_pretrained(folder), AutoProcessor.from_pretrained(folder)
    assert isinstance(model, hf_ecg.ECGTextModel) and isinstance(processor, hf_ecg.ECGTextProcessor)
    best = load_state(folder / "checkpoints" / "best")[0]["model"]
    assert all(torch.equal(value, best[name]) for name, value in model.state_dict().items())
    assert json.loads((folder / "config.json").read_text())["hf_ecg_version"] == hf_ecg.__version__
    from hf_ecg.data.corpus import load_corpus
    from hf_ecg.evaluation.judging.validation import build_validation

    rows = load_corpus(corpus, "tiny_100hz", folds=[5])
    validate = build_validation({"name": "loss", "batch_size": 16}, processor, rows)
    assert validate(model)["loss"] == pytest.approx(metrics["loss"], rel=1e-6)


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
        "method": "ecg_text",
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
            }
        ],
    }
    card = (folder / "README.md").read_text()
    for words in ("label-text", "AFIB was removed", "cc-by-4.0", "pip install hf-ecg", "63 records", "validation 5"):
        assert words in card
    assert (folder / "recipe.yaml").exists()


def test_a_corpus_that_does_not_say_where_its_texts_come_from(text_recipe, recipe_of, corpus, tmp_path):
    from hf_ecg.evaluation.protocol import TrainingFacts
    from hf_ecg.training.run_card import protocol_words
    from hf_ecg.training.saving import training_facts

    recipe = recipe_of(text_recipe, data__path=str(tmp_path))
    facts = training_facts(recipe)
    assert facts["sources"][0]["text_source"] is None and facts["sources"][0]["hold_out"] == []
    assert "does not say" in protocol_words(TrainingFacts.from_dict(facts))


@pytest.mark.parametrize(("greater", "chosen"), [(True, 1), (False, 2)])
def test_the_best_weights_by_the_metric_are_saved(text_recipe, recipe_of, tmp_path, monkeypatch, greater, chosen):
    scripted_validation(monkeypatch, [0.5, 0.9, 0.1, 0.9])
    states = []
    real = loop.Pretraining._validate

    def validate(self):
        states.append({name: value.clone() for name, value in self.bare.state_dict().items()})
        real(self)

    monkeypatch.setattr(loop.Pretraining, "_validate", validate)
    recipe = recipe_of(
        text_recipe,
        validation={"name": "scripted", "metric": "score", "greater_is_better": greater},
        run__epochs=4,
    )
    assert pretrain(recipe, tmp_path / "out") == {"score": 0.9 if greater else 0.1}
    saved = load_file(tmp_path / "out" / "model.safetensors")
    assert all(torch.equal(saved[name], states[chosen][name]) for name in saved)
    last = load_state(tmp_path / "out" / "checkpoints" / "last")[0]["model"]
    assert all(torch.equal(last[name], states[3][name]) for name in last)


def test_a_metric_that_was_not_measured_is_named(text_recipe, recipe_of, tmp_path, monkeypatch):
    scripted_validation(monkeypatch, [0.5])
    with pytest.raises(ValueError, match="validation.metric 'auroc' is None; measured: .'score': 0.5"):
        pretrain(recipe_of(text_recipe, validation__metric="auroc"), tmp_path / "out")


def test_without_validation_the_last_weights_are_saved(text_recipe, recipe_of, tmp_path):
    assert pretrain(recipe_of(text_recipe, validation=None, run__max_steps=3), tmp_path / "out") == {}
    saved = load_file(tmp_path / "out" / "model.safetensors")
    last, progress = load_state(tmp_path / "out" / "checkpoints" / "last")
    assert progress["step"] == 3
    assert all(torch.equal(saved[name], last["model"][name]) for name in saved)
    assert "no validation" in (tmp_path / "out" / "README.md").read_text()


@pytest.fixture(scope="module")
def uninterrupted():
    return {}


@pytest.mark.parametrize("workers", [0, 2])
def test_resume_is_bit_for_bit(text_recipe, recipe_of, tmp_path, monkeypatch, workers):
    """Views, dropout in the text tower, BatchNorm, a moving average, the best epoch, the log."""
    changes = {"run__ema_decay": 0.9, "run__checkpoint_every_steps": 3}
    pretrain(recipe_of(text_recipe, **changes), tmp_path / "whole")
    recipe = recipe_of(text_recipe, **changes, run__num_workers=workers)
    for step in (2, 5, 9, 13):  # before the first checkpoint, between two, in the second epoch, after the last
        die_at(monkeypatch, step)
        with pytest.raises(KeyboardInterrupt):
            pretrain(recipe, tmp_path / "cut", resume=step != 2)
        monkeypatch.undo()
    pretrain(recipe, tmp_path / "cut", resume=True)
    assert (tmp_path / "whole" / "model.safetensors").read_bytes() == (
        tmp_path / "cut" / "model.safetensors"
    ).read_bytes()
    whole, cut = (load_state(tmp_path / name / "checkpoints" / "last") for name in ("whole", "cut"))
    assert all(torch.equal(whole[0]["model"][name], cut[0]["model"][name]) for name in whole[0]["model"])
    averages = [state["average"]["averages"] for state, _ in (whole, cut)]
    assert all(torch.equal(averages[0][name], averages[1][name]) for name in averages[0])
    assert not torch.equal(averages[0]["logit_scale"], whole[0]["model"]["logit_scale"])
    for key in ("best", "best_step", "best_epoch", "step", "epoch"):
        assert whole[1][key] == cut[1][key]
    assert timeless(tmp_path / "whole") == timeless(tmp_path / "cut")


def test_the_best_so_far_survives_a_resume(text_recipe, recipe_of, tmp_path, monkeypatch):
    recipe = recipe_of(
        text_recipe, validation={"name": "scripted", "metric": "score", "greater_is_better": True}, run__epochs=3
    )
    scripted_validation(monkeypatch, [0.9])
    die_at(monkeypatch, 8)
    with pytest.raises(KeyboardInterrupt):
        pretrain(recipe, tmp_path / "out")
    monkeypatch.undo()
    scripted_validation(monkeypatch, [0.5, 0.6])
    assert pretrain(recipe, tmp_path / "out", resume=True) == {"score": 0.9}
    assert load_state(tmp_path / "out" / "checkpoints" / "last")[1]["best_epoch"] == 0


def test_a_finished_run_resumed_stays_as_it_is(text_recipe, recipe_of, tmp_path):
    recipe = recipe_of(text_recipe, run__max_steps=2)
    metrics = pretrain(recipe, tmp_path / "out")
    before = (tmp_path / "out" / "model.safetensors").read_bytes()
    assert pretrain(recipe, tmp_path / "out", resume=True) == metrics
    assert (tmp_path / "out" / "model.safetensors").read_bytes() == before
    assert len(read_log(tmp_path / "out")) == 3


def test_resume_refuses_another_corpus(text_recipe, recipe_of, tmp_path, corpus, monkeypatch):
    recipe = recipe_of(text_recipe, run__max_steps=2)
    pretrain(recipe, tmp_path / "out")
    real = build.load_data
    monkeypatch.setattr(build, "load_data", lambda *a: (real(*a)[0].select(range(40)), real(*a)[1]))
    with pytest.raises(ValueError, match="records was 63 and is now 40"):
        pretrain(recipe, tmp_path / "out", resume=True)


def test_resume_refuses_other_texts_of_the_same_records(text_recipe, recipe_of, tmp_path, monkeypatch):
    recipe = recipe_of(text_recipe, run__max_steps=2)
    pretrain(recipe, tmp_path / "out")
    real = build.load_data

    def load_data(*arguments):
        train, validation = real(*arguments)
        return train.map(lambda row: {"text": row["text"].replace("sinus rhythm", "rhythm")}), validation

    monkeypatch.setattr(build, "load_data", load_data)
    with pytest.raises(ValueError, match="cannot resume: rows was"):
        pretrain(recipe, tmp_path / "out", resume=True)


def test_a_loss_that_is_no_number_names_step_and_records(text_recipe, recipe_of, tmp_path, monkeypatch):
    losses = iter([1.0, 1.0, float("nan")] + [1.0] * 20)
    real = hf_ecg.ECGTextModel._loss
    monkeypatch.setattr(hf_ecg.ECGTextModel, "_loss", lambda self, *inputs: real(self, *inputs) * next(losses))
    seen = []
    real_call = loop.Pretraining._train_step

    def train_step(self, batch):
        seen.append(batch["text_ids"])
        real_call(self, batch)

    monkeypatch.setattr(loop.Pretraining, "_train_step", train_step)
    with pytest.raises(FloatingPointError, match=r"step 3 \(epoch 0\): the loss is nan.*record-\d+(, record-\d+){7}$"):
        pretrain(recipe_of(text_recipe), tmp_path / "out")
    assert [line["step"] for line in read_log(tmp_path / "out")] == [1, 2]
    assert load_state(tmp_path / "out" / "checkpoints" / "last") is None


def test_a_frozen_text_tower_is_asked_once_per_text(text_recipe, recipe_of, tmp_path, monkeypatch):
    recipe = recipe_of(text_recipe, freeze=["text_model"], validation=None)
    asked = []
    real = hf_ecg.ECGTextModel.encode_text

    def encode_text(self, input_ids, attention_mask):
        asked.append(len(input_ids))
        return real(self, input_ids, attention_mask)

    monkeypatch.setattr(hf_ecg.ECGTextModel, "encode_text", encode_text)
    parts = {}
    real_init = loop.Pretraining._open

    def keep(self, resume):
        parts.update(model=self.bare, collator=self.parts.collator, data=self.parts.train_data)
        real_init(self, resume)

    monkeypatch.setattr(loop.Pretraining, "_open", keep)
    pretrain(recipe, tmp_path / "cached")
    texts = parts["collator"].possible_texts(parts["data"])
    assert sum(asked) == len(texts)
    tokenizer, features = parts["collator"].processor.tokenizer, parts["collator"].text_features
    for text in texts:
        alone = parts["model"].encode_text(**tokenizer(text, return_tensors="pt", return_token_type_ids=False))
        torch.testing.assert_close(features[text], alone[0], rtol=1e-5, atol=1e-6)
    monkeypatch.setattr(loop, "prepare_texts", lambda *a: None)
    pretrain(recipe, tmp_path / "direct")
    cached, direct = ([line["loss"] for line in read_log(tmp_path / name)] for name in ("cached", "direct"))
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
    parts = build.build_parts(recipe)
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
