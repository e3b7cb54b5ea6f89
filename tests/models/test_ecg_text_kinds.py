"""A dual encoder that tells kinds of text apart: the loss it computes, what it saves, and that others train it."""

import pytest
import torch
from transformers import AutoModel, Trainer, TrainingArguments, set_seed

from hf_ecg import ECGTextModel
from hf_ecg.losses import false_negative_mitigation_loss, sigmoid_contrastive_loss
from tests.models.tiny.ecg_text import text_config
from tests.models.tiny.inputs import pairs

KNOWN = {
    "text_ids": torch.tensor([1, 2, 3, 4, 8, 9]),
    "true_text_ids": torch.tensor([[1, 2, 8], [2, 2, 9], [3, 1, 1]]),
    "unknown_text_ids": torch.tensor([[3, 9], [4, 8], [7, 7]]),
    "text_kinds": torch.tensor([0, 0, 0, 0, 1, 1]),
    "text_log_odds": torch.tensor([0, 0, 0, 0, 1.5, -2.0]),
}


def build(**options):
    set_seed(0)
    own = {"identical_text": "positive", "text_weighting": "distinct", "num_text_kinds": 2, "text_kind_weights": [0.3]}
    return ECGTextModel(text_config(**own | options)).eval()


@pytest.fixture
def inputs():
    """Three ECGs and six texts: their own, a statement and two features."""
    generator = torch.Generator().manual_seed(0)
    batch, texts = pairs(3, generator), pairs(6, generator)
    return batch | {key: texts[key] for key in ("input_ids", "attention_mask")}


@pytest.mark.parametrize("target", ["report", "truth"])
def test_the_loss_is_the_one_of_the_losses_room(inputs, target):
    model = build(mitigation_target=target)
    with torch.no_grad():
        model.kind_logit_scale.fill_(0.4)
        model.kind_logit_bias.fill_(-0.7)
    outputs = model(**inputs, **KNOWN, return_loss=True)
    kinds = KNOWN["text_kinds"]
    scale = torch.stack([model.logit_scale, model.kind_logit_scale[0]]).exp()[kinds]
    bias = torch.stack([model.logit_bias, model.kind_logit_bias[0]])[kinds] + KNOWN["text_log_odds"]
    truth = {name: KNOWN[name] for name in ("true_text_ids", "unknown_text_ids")}
    ecg, text = outputs.ecg_embeds, outputs.text_embeds
    sigmoid = sigmoid_contrastive_loss(
        *(ecg, text, scale, bias),
        text_ids=KNOWN["text_ids"],
        identical_text="positive",
        text_weighting="distinct",
        text_kinds=kinds,
        kind_weights=[0.3],
        **truth,
    )
    told = truth if target == "truth" else {}
    pull = false_negative_mitigation_loss(
        ecg, text[:3], text_ids=KNOWN["text_ids"][:3], text_weighting="distinct", **told
    )
    torch.testing.assert_close(outputs.loss, sigmoid + 0.5 * pull)
    torch.testing.assert_close(outputs.logits_per_ecg, model.logit_scale.exp() * ecg @ text.T + model.logit_bias)


def test_every_parameter_has_a_gradient_whatever_kinds_a_batch_holds(inputs):
    model = build()
    model(
        **{name: value[:3] for name, value in inputs.items()}, text_ids=torch.arange(3), return_loss=True
    ).loss.backward()
    assert model.kind_logit_scale.grad.tolist() == model.kind_logit_bias.grad.tolist() == [0.0]
    assert model.logit_scale.grad != 0


def test_kinds_are_saved_and_begin_anew_where_a_checkpoint_has_none(tmp_path, inputs):
    model = build()
    with torch.no_grad():
        model.kind_logit_bias.fill_(-0.7)
    model.save_pretrained(tmp_path / "two")
    assert AutoModel.from_pretrained(tmp_path / "two").kind_logit_bias.item() == pytest.approx(-0.7)
    build(num_text_kinds=1, text_kind_weights=None).save_pretrained(tmp_path / "one")
    again = AutoModel.from_pretrained(tmp_path / "one", num_text_kinds=2)
    assert again.kind_logit_bias.item() == 0 and again.kind_logit_scale.item() == pytest.approx(2.302585)
    with pytest.raises(ValueError, match="text_kinds, but num_text_kinds is 1"):
        AutoModel.from_pretrained(tmp_path / "one")(**inputs, **KNOWN, return_loss=True)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"text_kinds": torch.tensor([0, 0, 0, 0, 1, 2])}, "integers .texts,. from 0 to 1"),
        ({"text_kinds": torch.tensor([0, 0, 0, 0, 1, -1])}, "integers .texts,. from 0 to 1"),
        ({"text_kinds": torch.tensor([0, 0, 0, 0, 1, 1.0])}, "text_kinds is torch.float32"),
        ({"text_log_odds": torch.zeros(4)}, "text_log_odds has shape .4,., wanted one for each of 6 texts"),
        ({"text_ids": None}, "true_text_ids and unknown_text_ids name texts by their text_ids"),
    ],
)
def test_what_does_not_fit_the_texts_is_refused(inputs, changes, message):
    with pytest.raises(ValueError, match=message):
        build()(**inputs, **(KNOWN | changes), return_loss=True)


def test_micro_batches_have_kinds_all_or_none(inputs):
    model, batch = build(), inputs | KNOWN
    embeddings = {name: torch.cat([value, value]) for name, value in model.embed_batch(batch).items()}
    for name in ("text_kinds", "text_log_odds"):
        with pytest.raises(ValueError, match=f"1 of 2 micro-batches have {name}, wanted all or none"):
            model.loss_on_embeddings(embeddings, [batch, batch | {name: None}])
    with pytest.raises(ValueError, match="name texts by their text_ids"):
        model.loss_on_embeddings(embeddings, [batch, batch | {"text_ids": None}])


def test_softmax_refuses_what_it_cannot_use(inputs):
    with pytest.raises(Exception, match="num_text_kinds is 2, but the softmax loss"):
        text_config(loss_type="softmax", num_text_kinds=2)
    model = ECGTextModel(text_config(loss_type="softmax"))
    batch = {name: value[:3] for name, value in inputs.items()}
    with pytest.raises(ValueError, match="softmax loss cannot use unknown_text_ids"):
        model(**batch, unknown_text_ids=KNOWN["unknown_text_ids"], return_loss=True)


def test_the_trainer_of_transformers_trains_what_a_step_trains(tmp_path, inputs):
    batch = inputs | KNOWN | {"return_loss": True}
    ours, theirs = build(), build()
    optimizer = torch.optim.SGD(ours.parameters(), lr=0.05)
    ours(**batch).loss.backward()
    optimizer.step()
    quiet = {"report_to": [], "save_strategy": "no", "use_cpu": True, "disable_tqdm": True}
    plain = {"learning_rate": 0.05, "optim": "sgd", "lr_scheduler_type": "constant", "max_grad_norm": 0}
    settings = TrainingArguments(
        tmp_path, max_steps=1, per_device_train_batch_size=3, remove_unused_columns=False, **plain, **quiet
    )
    theirs.train = lambda mode=True: theirs  # BatchNorm as above
    Trainer(theirs, settings, train_dataset=[{}] * 3, data_collator=lambda rows: dict(batch)).train()
    for (name, mine), other in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-5, atol=1e-6, msg=name)
