"""MERL whole: what is converted and refused, its projections, its losses. Needs no golden data."""

from pathlib import Path

import numpy as np
import pytest
import torch
from huggingface_hub.errors import StrictDataclassError
from torch import nn
from torch.nn import functional as F
from transformers import AutoModel, AutoProcessor, BertTokenizerFast, set_seed

from hf_ecg import ECGTextModel
from hf_ecg.cli import call
from hf_ecg.convert import convert_checkpoint, write_converted
from hf_ecg.models.shared.attention_pooling import ECGAttentionPooling
from tests.models.published_merl import SIZE, WORDS, merl_state
from tests.models.published_resnet import original_state as resnet_state
from tests.models.tiny.ecg_text import merl_config, text_config
from tests.models.tiny.ecg_vit import vit_config
from tests.models.tiny.inputs import pairs


@pytest.fixture(scope="module", params=["resnet", "vit"])
def published(request):
    torch.manual_seed(0)
    state = merl_state(request.param)
    return request.param, state, convert_checkpoint("merl", state)[0]


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tokenizer")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "sinus", "rhythm", "atrial", "fibrillation"]
    BertTokenizerFast(vocab={word: number for number, word in enumerate(words)}).save_pretrained(folder)
    return folder


def original_attention_pooling(state, features):
    """The token's place is added twice, the places of the others once; only the token asks."""
    attention = nn.MultiheadAttention(SIZE, 4, batch_first=True)
    names = ("in_proj_weight", "in_proj_bias", "out_proj.weight", "out_proj.bias")
    attention.load_state_dict({name: state[f"att_pool_head.mhsa.{name}"] for name in names})
    places = state["att_pool_head.positional_embedding"]
    token = (state["att_pool_head.cls_token"] + places[:, :1]).expand(len(features), -1, -1)
    tokens = torch.cat([token, features], dim=1) + places
    pooled = attention(tokens[:, :1], tokens, tokens)[0][:, 0]
    return F.linear(pooled, state["att_pool_head.c_proj.weight"], state["att_pool_head.c_proj.bias"])


def original_projection(state, pooled):
    for number in (0, 3):
        pooled = F.linear(pooled, state[f"proj_e.{number}.weight"], state[f"proj_e.{number}.bias"])
        norm = [state[f"proj_e.{number + 1}.{kind}"] for kind in ("running_mean", "running_var", "weight", "bias")]
        pooled = F.batch_norm(pooled, *norm)
        pooled = F.relu(pooled) if number == 0 else pooled
    return pooled


@torch.no_grad()
def test_both_projections_and_views_compute_what_the_original_does(published):
    trunk, state, model = published
    ecg, tokens = torch.rand(2, 12, 5000), torch.randint(1, WORDS, (2, 9))
    tower = model.ecg_model(ecg)
    if trunk == "resnet":
        weight, bias = state["downconv.weight"], state["downconv.bias"]
        features = F.conv1d(tower.last_hidden_state.transpose(1, 2), weight, bias).transpose(1, 2)
        joint, of_views = original_attention_pooling(state, features), features.mean(dim=1)
    else:
        joint, of_views = original_projection(state, tower.pooler_output), tower.pooler_output
    outputs = model(ecg, input_ids=tokens)
    torch.testing.assert_close(outputs.ecg_model_output.pooler_output, joint, atol=1e-5, rtol=1e-5)
    text = model.encode_text(tokens)
    torch.testing.assert_close(text, model.text_model(tokens).pooler_output)
    hidden = F.gelu(F.linear(text, state["proj_t.0.weight"], state["proj_t.0.bias"]))
    joint = F.linear(hidden, state["proj_t.2.weight"], state["proj_t.2.bias"])
    torch.testing.assert_close(outputs.text_model_output.pooler_output, joint, atol=1e-5, rtol=1e-5)
    for name, found in (("linear1", outputs.first_view_embeds), ("linear2", outputs.second_view_embeds)):
        wanted = F.normalize(of_views @ state[f"{name}.weight"].T, dim=-1)
        torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_the_loss_is_the_sum_of_four_cross_entropies_at_a_fixed_temperature(published):
    _, _, model = published
    ecg, tokens = torch.rand(3, 12, 5000), torch.randint(1, WORDS, (3, 9))
    outputs = model(ecg, input_ids=tokens, return_loss=True)
    wanted, rows = 0, torch.arange(3)
    for first, second in (
        (outputs.ecg_embeds, outputs.text_embeds),
        (outputs.first_view_embeds, outputs.second_view_embeds),
    ):
        logits = first @ second.T / 0.07
        wanted = wanted + F.cross_entropy(logits, rows) + F.cross_entropy(logits.T, rows)
    torch.testing.assert_close(outputs.loss, wanted)
    assert not model.logit_scale.requires_grad and not model.gives_probabilities
    # of micro-batches together it is the same
    batches = [{"input_values": ecg[rows], "input_ids": tokens[rows]} for rows in ([0, 1], [2])]
    parts = [model.embed_batch(batch) for batch in batches]
    embeddings = {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
    torch.testing.assert_close(model.loss_on_embeddings(embeddings, batches), wanted)


@pytest.mark.parametrize("trunk", ["resnet", "vit"])
def test_a_file_becomes_a_folder_that_reads_texts(trunk, tokenizer, tmp_path):
    state = merl_state(trunk, "module.") | {"module.lm_model.embeddings.position_ids": torch.arange(40)[None]}
    if trunk == "resnet":
        state["module.ecg_encoder.linear.weight"] = torch.randn(5, 2)  # of another number of classes, and not used
    torch.save({"model_state_dict": state, "epoch": 3}, tmp_path / "epoch.pth")
    arguments = ["merl", str(tmp_path / "epoch.pth"), str(tmp_path / "out"), "--tokenizer", str(tokenizer)]
    call("convert", arguments)
    model, processor = (auto.from_pretrained(tmp_path / "out") for auto in (AutoModel, AutoProcessor))
    assert type(model) is ECGTextModel and processor.feature_extractor.leads[4:6] == ["aVF", "aVL"]
    texts = ["sinus rhythm", "atrial fibrillation"]
    ecg = torch.randn(12, 5000).numpy()
    inputs = processor([ecg], texts, 500, processor.feature_extractor.leads, "mV", return_tensors="pt")
    assert model.eval()(**inputs).logits_per_ecg.shape == (1, 2)
    assert processor.tokenizer.model_max_length == 40
    assert "MedCPT" in (tmp_path / "out" / "README.md").read_text()
    encoder = AutoModel.from_config(model.config.ecg_config)
    encoder.load_state_dict(model.get_ecg_encoder().state_dict())


def test_what_reads_no_texts_or_other_words_is_refused(tokenizer, tmp_path):
    with pytest.raises(FileNotFoundError, match="tokenizer is not there: .*Give its folder or its name on the Hub"):
        write_converted("merl", merl_state(), tmp_path / "out", tmp_path / "nothing")
    state = merl_state()
    state["lm_model.embeddings.word_embeddings.weight"] = torch.randn(7, 16)
    with pytest.raises(ValueError, match="has 9 words, the text tower 7: it is another model's"):
        write_converted("merl", state, tmp_path / "out", tokenizer)
    with pytest.raises(ValueError, match="merl-vit-tiny reads no texts"):
        from tests.models.published_vit import original_state

        write_converted("merl-vit-tiny", original_state(size=192, inner=768), tmp_path / "out", tokenizer)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("trunk", "key", "value", "message"),
    [
        ("resnet", "att_pool_head.mhsa.in_proj_bias", None, "pooling.attention.key.bias"),
        ("resnet", "att_pool_head.cls_token", None, "pooling.token.*unknown"),
        ("resnet", "downconv.weight", torch.zeros(SIZE, 3, 1), r"reduction.weight \(8, 3\) instead of \(8, 2\)"),
        (
            "resnet",
            "att_pool_head.positional_embedding",
            torch.zeros(1, 100, SIZE),
            r"\(99, 8\) instead of \(313, 8\)",
        ),
        ("vit", "proj_e.4.running_var", None, "output_norm.running_var"),
        ("vit", "proj_e.5.weight", torch.zeros(1), "unknown .proj_e.5.weight"),
        ("vit", "linear2.weight", None, "views.second.weight"),
        ("vit", "ecg_encoder.pos_embedding", None, "holds no pos_embedding of 3 axes"),
        ("vit", "lm_model.embeddings.word_embeddings.weight", None, "word_embeddings.weight of 2 axes"),
        ("vit", "proj_t.2.bias", torch.full((SIZE,), torch.nan), "not finite floats in text_projection.output.bias"),
        ("resnet", "epoch", 3, "epoch is int, wanted a tensor"),
    ],
)
def test_what_is_not_whole_or_not_known_is_refused(trunk, key, value, message):
    state = merl_state(trunk)
    state[key] = value
    if value is None:
        del state[key]
    with pytest.raises(ValueError, match=message):
        convert_checkpoint("merl", state)


def test_a_trunk_alone_is_refused_and_told_where_it_belongs():
    with pytest.raises(ValueError, match=r"no lm_model.\*, proj_t.\*.*`\*_ckpt.pth`.*merl-resnet18"):
        convert_checkpoint("merl", {"ecg_encoder.conv1.weight": torch.zeros(2, 12, 7)})
    with pytest.raises(ValueError, match=r"holds no ecg_encoder.\*, lm_model.\*, proj_t.\*"):
        convert_checkpoint("merl", resnet_state(""))


def test_another_length_is_an_error_or_stretches_the_places():
    set_seed(0)
    pool = ECGAttentionPooling(text_config(), 8, 2, 10).eval()
    for parameter in pool.parameters():
        nn.init.normal_(parameter)
    pool.config._attn_implementation = "sdpa"
    with pytest.raises(ValueError, match="gives 6 positions, and the pooling has learned 10: .*interpolate_positions"):
        pool(torch.randn(1, 6, 8))
    pool.interpolate = True
    states, mask = torch.randn(1, 10, 8), torch.arange(10)[None] < 6
    alone = pool(states[:, :6])
    torch.testing.assert_close(pool(states, mask), alone, atol=1e-6, rtol=1e-5)
    pool.interpolate = False
    places, pool.positions.data[6:] = pool.positions.data.clone(), 0
    assert not torch.allclose(pool(states, mask), alone, atol=1e-2)
    pool.positions.data.copy_(places)
    changed = states.clone()
    changed[:, 6:] += 3
    assert torch.equal(pool(changed, mask), pool(states, mask))


def test_views_are_dropped_out_apart_and_in_training_only():
    set_seed(0)
    model = ECGTextModel(text_config(loss_type="softmax", view_loss_weight=0.5, view_dropout=0.5)).train()
    batch = pairs(3, torch.Generator().manual_seed(1))
    first, second = model(**batch), model(**batch)
    assert not torch.equal(first.first_view_embeds, second.first_view_embeds)
    assert ((first.first_view_embeds == 0) != (first.second_view_embeds == 0)).any()
    model.eval()
    assert not (model(**batch).first_view_embeds == 0).any()
    # the weight is that of the views' loss alone
    loss = {}
    for weight in (0.5, 1.5):
        model.config.view_loss_weight = weight
        loss[weight] = model(**batch, return_loss=True).loss
    views = model(**batch)
    logits, rows = model.logit_scale.exp() * views.first_view_embeds @ views.second_view_embeds.T, torch.arange(3)
    wanted = (F.cross_entropy(logits, rows) + F.cross_entropy(logits.T, rows)) / 2
    torch.testing.assert_close(loss[1.5] - loss[0.5], wanted, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"ecg_projection_type": "mlp"}, "ecg_projection_type is 'mlp', wanted one of linear, batch_norm, attention"),
        ({"ecg_projection_type": "batch_norm", "projection_hidden_size": None}, "projection_hidden_size is None"),
        ({"ecg_projection_type": "attention", "attention_projection_heads": 3}, "projection_dim is 16, wanted a mult"),
        ({"attention_projection_heads": 0}, "attention_projection_heads is 0"),
        ({"view_loss_weight": -1}, "view_loss_weight is -1, wanted at least 0"),
        ({"loss_type": "clep"}, "view_loss_weight is of the softmax loss, and loss_type is 'clep'"),
        ({"view_dropout": 1.5}, "view_dropout is 1.5, wanted a probability"),
    ],
)
def test_a_configuration_that_cannot_be_is_refused(values, message):
    with pytest.raises(StrictDataclassError, match=message):
        merl_config(**values)


def test_a_tower_that_does_not_say_its_positions_cannot_be_pooled_by_attention():
    from tests.models.tiny.ecg_resnext import resnext_config

    with pytest.raises(StrictDataclassError, match="ecg_config is of type 'ecg_resnext', which has no num_positions"):
        merl_config(ecg_config=resnext_config(), ecg_projection_type="attention")
    model = ECGTextModel(merl_config(ecg_config=vit_config(), ecg_projection_type="attention"))
    assert model.ecg_projection.pooling.positions.shape == (10, 16)


@pytest.mark.parametrize("trunk", ["resnet", "vit"])
def test_committed_files_in_the_originals_layout_give_their_old_numbers(trunk):
    folder = Path(__file__).parent.parent / "checkpoints" / f"merl_{trunk}_original_tiny"
    model, _ = convert_checkpoint("merl", folder / "merl_ckpt.pth")
    expected, time = np.load(folder / "expected.npz"), torch.arange(5000) / 500
    ecg = torch.stack([torch.sin(time * rate + torch.arange(12)[:, None]) for rate in (5.0, 8.0)]) / 2 + 0.5
    with torch.no_grad():
        outputs = model(ecg, input_ids=torch.from_numpy(expected["tokens"]), return_loss=True)
    for name in ("ecg_embeds", "text_embeds", "loss"):
        np.testing.assert_allclose(outputs[name], expected[name], atol=1e-5, rtol=1e-5, err_msg=name)
