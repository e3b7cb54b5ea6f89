"""What is particular to the dual encoder."""

import copy

import pytest
import torch
from torch.nn import functional as F
from transformers import AutoModel, DistilBertConfig, Trainer, TrainingArguments, set_seed

from hf_ecg import ECGResNetForECGClassification, ECGResNetModel, ECGTextConfig, ECGTextModel
from hf_ecg.losses import false_negative_mitigation_loss, sigmoid_contrastive_loss, softmax_contrastive_loss
from hf_ecg.models.ecg_text.text_identity import ids_of_texts
from tests.models.tiny.ecg_resnet import resnet_config
from tests.models.tiny.ecg_text import text_config
from tests.models.tiny.inputs import bert_config, pairs, waveforms


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)


def build(**options):
    set_seed(0)
    return ECGTextModel(text_config(**options)).eval()


def test_defaults_are_the_papers():
    config = ECGTextConfig()
    assert config.text_config.vocab_size == 28996 and config.text_config.hidden_size == 768
    assert config.ecg_config.hidden_size == 2048 and config.ecg_config.num_samples == 5000
    assert (config.loss_type, config.mitigation_weight, config.logit_bias_init_value) == ("clep", 0.5, -10.0)
    assert config.logit_scale_init_value == pytest.approx(2.302585)
    assert config.identical_text == "negative" and config.text_weighting == "row"


@pytest.mark.parametrize("field", ["loss_type", "text_pooling", "identical_text", "text_weighting"])
def test_an_unknown_choice_is_refused(field):
    with pytest.raises(Exception, match=f"{field} is 'other'"):
        text_config(**{field: "other"})


@pytest.mark.parametrize("loss_type", ["sigmoid", "softmax", "clep"])
def test_the_loss_is_the_one_of_the_losses_room(loss_type, generator):
    model, inputs = build(loss_type=loss_type), pairs(5, generator)
    outputs = model(**inputs, return_loss=True)
    embeds = outputs.ecg_embeds, outputs.text_embeds
    scale, bias = model.logit_scale.exp(), model.logit_bias
    if loss_type == "softmax":
        wanted = softmax_contrastive_loss(*embeds, scale)
        torch.testing.assert_close(outputs.logits_per_ecg, scale * embeds[0] @ embeds[1].T)
    else:
        wanted = sigmoid_contrastive_loss(*embeds, scale, bias)
        torch.testing.assert_close(outputs.logits_per_ecg, scale * embeds[0] @ embeds[1].T + bias)
    if loss_type == "clep":
        wanted = wanted + 0.5 * false_negative_mitigation_loss(*embeds)
    torch.testing.assert_close(outputs.loss, wanted)
    assert torch.equal(outputs.logits_per_text, outputs.logits_per_ecg.T)
    torch.testing.assert_close(outputs.ecg_embeds.norm(dim=-1), torch.ones(5))


def test_prompts_may_differ_in_number_but_pairs_may_not(generator):
    model, inputs = build(), pairs(5, generator)
    inputs["input_values"] = inputs["input_values"][:2]
    assert model(**inputs).logits_per_ecg.shape == (2, 5)
    with pytest.raises(ValueError, match="2 ECGs and 5 texts"):
        model(**inputs, return_loss=True)


def test_cached_text_features_give_the_same_numbers(generator):
    model, inputs = build(identical_text="positive", text_weighting="distinct"), pairs(4, generator)
    inputs["input_ids"][3] = inputs["input_ids"][0]
    whole = model(**inputs, return_loss=True)
    features = model.encode_text(inputs["input_ids"], inputs["attention_mask"])
    cached = model(inputs["input_values"], text_features=features, return_loss=True)
    torch.testing.assert_close(cached.loss, whole.loss)
    torch.testing.assert_close(cached.text_embeds, whole.text_embeds)
    with pytest.raises(ValueError, match="one of them"):
        model(**inputs, text_features=features)
    with pytest.raises(ValueError, match="one of them"):
        model(inputs["input_values"])


def test_text_ids_made_from_tokens_see_through_padding(generator):
    model, inputs = build(identical_text="positive"), pairs(4, generator)
    inputs["input_ids"][2] = inputs["input_ids"][1]
    made = model(**inputs, return_loss=True).loss
    given = model(**inputs, text_ids=torch.tensor([7, 3, 3, 9]), return_loss=True).loss
    torch.testing.assert_close(made, given)
    padded = {
        key: F.pad(value, (0, 3)) if key in ("input_ids", "attention_mask") else value for key, value in inputs.items()
    }
    torch.testing.assert_close(model(**padded, return_loss=True).loss, made)
    on_the_left = padded | {key: F.pad(inputs[key], (3, 0)) for key in ("input_ids", "attention_mask")}
    ids = [ids_of_texts(batch["input_ids"], batch["attention_mask"], None) for batch in (inputs, padded, on_the_left)]
    assert torch.equal(ids[0], ids[1]) and torch.equal(ids[0], ids[2]) and len(ids[0].unique()) == 3
    different = model(**inputs, text_ids=torch.arange(4), return_loss=True).loss
    assert not torch.allclose(made, different)


def test_known_true_texts_change_the_loss_and_softmax_refuses_them(generator):
    inputs, ids = pairs(3, generator), torch.tensor([1, 2, 3])
    true_ids = torch.tensor([[1, 2], [2, 2], [3, 3]])
    model = build(identical_text="positive")
    plain = model(**inputs, text_ids=ids, return_loss=True).loss
    assert not torch.allclose(model(**inputs, text_ids=ids, true_text_ids=true_ids, return_loss=True).loss, plain)
    with pytest.raises(ValueError, match="softmax loss cannot use true_text_ids"):
        build(loss_type="softmax")(**inputs, text_ids=ids, true_text_ids=true_ids, return_loss=True)


def test_standardised_text_is_measured_saved_and_used(tmp_path, generator):
    model, inputs = build(standardise_text=True), pairs(6, generator)
    before = model.get_text_features(inputs["input_ids"], inputs["attention_mask"]).pooler_output
    features = model.encode_text(inputs["input_ids"], inputs["attention_mask"])
    model.set_text_statistics(features)
    torch.testing.assert_close(model.text_mean, features.mean(dim=0))
    after = model.get_text_features(inputs["input_ids"], inputs["attention_mask"]).pooler_output
    wanted = model.text_projection((features - features.mean(0)) / (features - features.mean(0)).std())
    torch.testing.assert_close(after, wanted)
    assert not torch.allclose(before, after)
    model.save_pretrained(tmp_path)
    again = AutoModel.from_pretrained(tmp_path).eval()
    assert torch.equal(again.get_text_features(inputs["input_ids"], inputs["attention_mask"]).pooler_output, after)
    with pytest.raises(ValueError, match="standardise_text is false"):
        build().set_text_statistics(features)


def test_extra_texts_need_to_be_known_true_or_not(generator):
    inputs, texts = pairs(3, generator), pairs(5, generator)
    inputs |= {key: texts[key] for key in ("input_ids", "attention_mask")}
    ids, true_ids = torch.tensor([1, 2, 3, 4, 5]), torch.tensor([[1, 4], [2, 2], [3, 3]])
    model = build(identical_text="positive")
    output = model(**inputs, text_ids=ids, true_text_ids=true_ids, return_loss=True)
    assert output.logits_per_ecg.shape == (3, 5)
    other = model(**inputs, text_ids=ids, true_text_ids=true_ids * 0 + true_ids[:, :1], return_loss=True)
    assert not torch.allclose(output.loss, other.loss)
    with pytest.raises(ValueError, match="3 ECGs and 5 texts"):
        model(**inputs, text_ids=ids, return_loss=True)


@pytest.mark.parametrize("pooling", ["cls", "mean", "pooler"])
def test_text_pooling(pooling, generator):
    model, inputs = build(text_pooling=pooling), pairs(3, generator)
    inputs["attention_mask"][0, 5:] = 0
    features = model.encode_text(inputs["input_ids"], inputs["attention_mask"])
    outputs = model.text_model(inputs["input_ids"], attention_mask=inputs["attention_mask"])
    wanted = {
        "cls": lambda: outputs.last_hidden_state[:, 0],
        "mean": lambda: torch.stack(
            [outputs.last_hidden_state[0, :5].mean(0), *outputs.last_hidden_state[1:].mean(1)]
        ),
        "pooler": lambda: outputs.pooler_output,
    }[pooling]()
    torch.testing.assert_close(features, wanted)
    assert (getattr(model.text_model, "pooler", None) is not None) == (pooling == "pooler")


def test_a_text_tower_without_pooler_option_works(generator):
    small = DistilBertConfig(vocab_size=60, dim=24, n_layers=1, n_heads=2, hidden_dim=32, max_position_embeddings=32)
    model, inputs = build(text_config=small), pairs(3, generator)
    model(**inputs, return_loss=True).loss.backward()
    assert not [n for n, p in model.named_parameters() if p.requires_grad and p.grad is None]


def test_towers_in_each_others_place_are_refused(tmp_path):
    with pytest.raises(Exception, match="ecg_config is of type 'bert', which has no num_leads"):
        text_config(ecg_config=bert_config())
    with pytest.raises(Exception, match="text_config is of type 'ecg_resnet', which has no vocab_size"):
        text_config(text_config=resnet_config())


def test_logits_and_loss_are_float32_under_autocast(generator):
    model, inputs = build(), pairs(4, generator)
    plain = model(**inputs, return_loss=True)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = model(**inputs, return_loss=True)
    assert mixed.logits_per_ecg.dtype == mixed.loss.dtype == torch.float32
    torch.testing.assert_close(mixed.loss, plain.loss, rtol=0.05, atol=0)
    # bfloat16 would round the logits themselves to eighths
    embeds = mixed.ecg_embeds, mixed.text_embeds
    wanted = model.logit_scale.exp() * embeds[0] @ embeds[1].T + model.logit_bias
    torch.testing.assert_close(mixed.logits_per_ecg, wanted)


def test_features_are_projected_and_not_normalised(generator):
    model, inputs = build(), pairs(3, generator)
    ecg = model.get_ecg_features(inputs["input_values"])
    text = model.get_text_features(inputs["input_ids"], inputs["attention_mask"])
    outputs = model(**inputs)
    for features, embeds in ((ecg, outputs.ecg_embeds), (text, outputs.text_embeds)):
        assert features.pooler_output.shape == (3, 16)
        assert not torch.allclose(features.pooler_output.norm(dim=-1), torch.ones(3))
        torch.testing.assert_close(F.normalize(features.pooler_output, dim=-1), embeds)
    as_tuple = model.get_ecg_features(inputs["input_values"], return_dict=False)
    assert torch.equal(as_tuple[1], ecg.pooler_output)


def test_dropout_stands_before_the_ecg_projection_and_acts_in_training_only(generator):
    model, inputs = build(projection_dropout=1.0), pairs(4, generator)
    ecg = model.get_ecg_features(inputs["input_values"]).pooler_output
    text = model.get_text_features(inputs["input_ids"], inputs["attention_mask"]).pooler_output
    model.train()
    dropped = model.get_ecg_features(inputs["input_values"]).pooler_output
    bias = model.ecg_projection.output.bias
    # everything is dropped: what is left of the projection is its bias
    torch.testing.assert_close(dropped, bias.expand(4, -1))
    assert not torch.allclose(ecg, bias.expand(4, -1))
    kept = model.get_text_features(inputs["input_ids"], inputs["attention_mask"]).pooler_output
    torch.testing.assert_close(kept, text)


@pytest.mark.parametrize(("loss_type", "probable"), [("sigmoid", True), ("clep", True), ("softmax", False)])
def test_only_losses_of_single_pairs_give_probabilities(loss_type, probable, generator):
    model = build(loss_type=loss_type)
    assert model.gives_probabilities is model.config.gives_probabilities is probable
    # a bias that the loss does not know must not wait for a gradient
    assert model.logit_bias.requires_grad is probable
    assert "gives_probabilities" not in model.config.to_dict()


def test_the_output_carries_both_towers(generator):
    model, inputs = build(), pairs(3, generator)
    outputs = model(**inputs, output_hidden_states=True)
    texts, ecgs = outputs.text_model_output, outputs.ecg_model_output
    tower = model.text_model(inputs["input_ids"], inputs["attention_mask"])
    torch.testing.assert_close(texts.last_hidden_state, tower.last_hidden_state)
    assert len(texts.hidden_states) == 3 and len(ecgs.hidden_states) == 1 + len(model.config.ecg_config.depths)
    for tower_output, embeds in ((texts, outputs.text_embeds), (ecgs, outputs.ecg_embeds)):
        torch.testing.assert_close(F.normalize(tower_output.pooler_output, dim=-1), embeds)
    features = model.encode_text(inputs["input_ids"], inputs["attention_mask"])
    cached = model(inputs["input_values"], text_features=features).text_model_output
    torch.testing.assert_close(cached.pooler_output, texts.pooler_output)
    assert cached.last_hidden_state is None


def test_the_text_towers_vocabulary_can_grow():
    model = build()
    model.resize_token_embeddings(70)
    assert model.config.text_config.vocab_size == 70
    assert model.text_model.get_input_embeddings().num_embeddings == 70
    assert model.get_text_features(input_ids=torch.tensor([[69]])).pooler_output.isfinite().all()
    for unknown in (70, -1):
        with pytest.raises(ValueError, match=f"input_ids go from {unknown} to .*, the model has tokens 0 to 69"):
            model.get_text_features(input_ids=torch.tensor([[unknown]]))


def test_a_head_takes_the_body_of_an_encoder_and_back(tmp_path):
    body = ECGResNetModel(resnet_config())
    body.save_pretrained(tmp_path / "body")
    head = ECGResNetForECGClassification.from_pretrained(tmp_path / "body", num_labels=2)
    assert torch.equal(head.encoder.stem.convolution.weight, body.stem.convolution.weight)
    head.save_pretrained(tmp_path / "head")
    again = ECGResNetModel.from_pretrained(tmp_path / "head")
    assert torch.equal(again.stem.convolution.weight, body.stem.convolution.weight)


def test_five_steps_of_the_trainer(tmp_path, generator):
    batch = pairs(8, generator)
    rows = [{key: value[i] for key, value in batch.items()} for i in range(8)]
    labelled = [
        {"input_values": value, "labels": torch.tensor([1.0, 0.0, float("nan")])}
        for value in waveforms(8, generator)["input_values"]
    ]

    def collate(items):
        stacked = {key: torch.stack([item[key] for item in items]) for key in items[0]}
        return stacked if "labels" in stacked else stacked | {"return_loss": True}

    head = ECGResNetForECGClassification(resnet_config(num_labels=3))
    for model, data in ((build(), rows), (head, labelled)):
        before = copy.deepcopy(model.state_dict())
        options = TrainingArguments(
            output_dir=tmp_path,
            max_steps=5,
            per_device_train_batch_size=4,
            report_to=[],
            save_strategy="no",
            use_cpu=True,
            disable_tqdm=True,
            remove_unused_columns=False,
        )
        Trainer(model=model, args=options, train_dataset=data, data_collator=collate).train()
        changed = [key for key, value in model.state_dict().items() if not torch.equal(value, before[key])]
        assert "logit_bias" in changed or "classifier.weight" in changed


@pytest.mark.parametrize(
    ("problem", "labels"),
    [
        ("single_label_classification", torch.tensor([0, 2])),
        ("multi_label_classification", torch.tensor([[1.0, float("nan"), 0.0], [float("nan")] * 3])),
        ("regression", torch.tensor([[0.5, float("nan"), 1.0], [1.0, 2.0, 3.0]])),
    ],
)
def test_the_classification_loss_follows_the_problem_type(problem, labels, generator):
    head = ECGResNetForECGClassification(resnet_config(num_labels=3, problem_type=problem)).eval()
    outputs = head(**waveforms(2, generator), labels=labels)
    if problem == "single_label_classification":
        wanted = F.cross_entropy(outputs.logits, labels)
    else:
        kept = ~labels.isnan()
        loss = F.mse_loss if problem == "regression" else F.binary_cross_entropy_with_logits
        wanted = loss(outputs.logits[kept], labels[kept])
    torch.testing.assert_close(outputs.loss, wanted)


def test_padding_is_left_out_of_the_pooling(generator):
    model = ECGResNetModel(resnet_config()).eval()
    values = waveforms(2, generator)["input_values"]
    mask = torch.ones(2, values.shape[-1], dtype=torch.bool)
    assert torch.equal(model(values).pooler_output, model(values, sample_mask=mask).pooler_output)
    mask[0, 80:] = False
    outputs = model(values, sample_mask=mask)
    states = outputs.last_hidden_state
    torch.testing.assert_close(outputs.pooler_output[0], states[0, : states.shape[1] // 2].mean(0))
    torch.testing.assert_close(outputs.pooler_output[1], states[1].mean(0))


def test_another_number_of_leads_is_refused():
    with pytest.raises(ValueError, match=r"wanted \(batch, 12, samples\)"):
        ECGResNetModel(resnet_config())(torch.zeros(1, 8, 160))


def test_a_mask_of_another_length_is_refused():
    with pytest.raises(ValueError, match=r"sample_mask has shape \(1, 80\), wanted \(1, 160\)"):
        ECGResNetModel(resnet_config())(torch.zeros(1, 12, 160), sample_mask=torch.ones(1, 80, dtype=torch.bool))
