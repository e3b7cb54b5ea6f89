"""No keyword argument of a model vanishes."""

import pytest
import torch
from transformers import set_seed

from hf_ecg import ECGTextModel
from tests.models.tiny import CASES
from tests.models.tiny.ecg_resnet import resnet_config
from tests.models.tiny.ecg_text import text_config
from tests.models.tiny.inputs import pairs


@pytest.mark.parametrize("name", list(CASES))
@pytest.mark.parametrize(
    "slip", ["lead_masks", "samplemask", "output_hiden_states", "attention_maks", "nothing_like_it"]
)
def test_a_name_that_nothing_takes_is_refused(name, slip):
    model_class, config, inputs, _ = CASES[name]
    model, batch = model_class(config()).eval(), inputs(2, torch.Generator().manual_seed(0))
    with pytest.raises(ValueError, match=f"{model_class.__name__} takes no '{slip}'"):
        model(**batch, **{slip: torch.ones(2)})


def test_rows_of_a_long_record_are_told_what_to_do_with(model):
    with pytest.raises(ValueError, match="takes no 'record_index': a record gave several rows.*window='first'"):
        model.ecg_model(torch.ones(2, 12, 64), record_index=torch.zeros(2))


@pytest.fixture
def model():
    set_seed(0)
    return ECGTextModel(text_config()).eval()


@pytest.fixture
def batch():
    return pairs(3, torch.Generator().manual_seed(0))


def test_a_slip_is_answered_with_the_nearest_name(model, batch):
    with pytest.raises(ValueError, match="did you mean 'attention_mask'"):
        model(**batch, atention_mask=None)
    with pytest.raises(ValueError, match="text tower BertModel takes no 'atention_mask'.*did you mean"):
        model.get_text_features(batch["input_ids"], atention_mask=batch["attention_mask"])
    with pytest.raises(ValueError, match="ECGResNetModel takes no 'lead_msk'.*did you mean 'lead_mask'"):
        model.get_ecg_features(batch["input_values"], lead_msk=None)


@pytest.mark.parametrize("name", ["token_type_ids", "position_ids"])
def test_what_the_text_tower_takes_reaches_it_by_every_door(model, batch, name):
    values = torch.ones_like(batch["input_ids"])
    tokens = {key: batch[key] for key in ("input_ids", "attention_mask")}
    plain, whole = model(**batch), model(**batch, **{name: values})
    features = model.get_text_features(**tokens, **{name: values}).pooler_output
    wanted = torch.nn.functional.normalize(features, dim=-1)
    assert torch.equal(whole.text_embeds, wanted) and not torch.allclose(whole.text_embeds, plain.text_embeds)
    assert torch.equal(whole.ecg_embeds, plain.ecg_embeds)


def test_embedded_tokens_stand_for_their_numbers(model, batch):
    inputs_embeds = model.get_input_embeddings()(batch["input_ids"])
    given = {key: value for key, value in batch.items() if key != "input_ids"} | {"inputs_embeds": inputs_embeds}
    torch.testing.assert_close(model(**given).text_embeds, model(**batch).text_embeds)
    with pytest.raises(ValueError, match="give one of them"):
        model(**batch, inputs_embeds=inputs_embeds)
    positive = ECGTextModel(text_config(identical_text="positive"))
    with pytest.raises(ValueError, match="told apart by text_ids only"):
        positive(**given, return_loss=True)
    assert positive(**given, text_ids=torch.arange(3), return_loss=True).loss.isfinite()


def test_attentions_of_the_texts_come_on_request(model, batch):
    model.set_attn_implementation("eager")
    tokens = {key: batch[key] for key in ("input_ids", "attention_mask")}
    found = model.get_text_features(**tokens, output_attentions=True, output_hidden_states=True)
    assert len(found.attentions) == 2 and len(found.hidden_states) == 3 and found.last_hidden_state.shape == (3, 9, 24)
    assert len(model(**batch, output_attentions=True).text_model_output.attentions) == 2


def test_the_whole_of_a_processors_output_exports_with_any_number_of_rows_and_tokens(batch):
    def whole(batch):
        rows = len(batch["input_values"])
        masks = {"lead_mask": torch.ones(rows, 12, dtype=torch.bool), "sample_mask": torch.ones(rows, 160).bool()}
        return {**batch, **masks, "token_type_ids": torch.zeros_like(batch["input_ids"])}

    any_size = torch.export.Dim.DYNAMIC
    # the smallest: what is traced is the way of the arguments
    model = ECGTextModel(text_config(ecg_config=resnet_config(depths=[1], widths=[4]))).eval()
    given = whole(batch)
    ecg = ("input_values", "lead_mask", "sample_mask")
    sizes = {key: {0: any_size} if key in ecg else {0: any_size, 1: any_size} for key in given}
    exported = torch.export.export(model, (), given, dynamic_shapes=sizes).module()
    other = whole(pairs(5, torch.Generator().manual_seed(1)))
    other = {key: value if key in ecg else value[:, :6] for key, value in other.items()}
    torch.testing.assert_close(exported(**other).logits_per_ecg, model(**other).logits_per_ecg)


def test_texts_beyond_the_positions_are_refused_in_words(model):
    with pytest.raises(ValueError, match="have 33 tokens, and the positions of the text tower BertModel end at 32"):
        model.get_text_features(torch.ones(1, 33, dtype=torch.long))
    assert model.get_text_features(torch.ones(1, 32, dtype=torch.long)).pooler_output.isfinite().all()
