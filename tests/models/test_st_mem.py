"""ST-MEM: what is converted and refused, what masks and the removal of patches keep to. Needs no golden data."""

import pytest
import torch
from huggingface_hub.errors import StrictDataclassError
from transformers import AutoModel, AutoModelForPreTraining, set_seed

from hf_ecg import STMEMForECGClassification, STMEMForPreTraining, STMEMModel
from hf_ecg.convert import convert_checkpoint, write_converted
from hf_ecg.losses import masked_reconstruction_loss
from hf_ecg.models.shared.masking import random_subset
from hf_ecg.models.shared.positions import sin_cos_positions
from hf_ecg.models.st_mem.convert_st_mem import _our_name, _our_tensors
from tests.models.published_st_mem import original_state
from tests.models.tiny.inputs import waveforms
from tests.models.tiny.st_mem import narrow, st_mem_config


@pytest.fixture
def small(monkeypatch):
    narrow(monkeypatch)


def build(kind=STMEMModel, **options):
    set_seed(0)
    return kind(st_mem_config(**options)).eval()


def some(rows=2, seed=0):
    return waveforms(rows, torch.Generator().manual_seed(seed))["input_values"]


@pytest.mark.parametrize("whole", [False, True])
def test_every_tensor_of_the_encoder_is_where_the_description_has_it(whole, small, tmp_path):
    state = original_state(whole)
    torch.save({"model": state, "epoch": 3}, tmp_path / "file.pth")
    model, extractor = convert_checkpoint("st-mem-vit-base", tmp_path / "file.pth")
    assert type(model) is STMEMModel and extractor.sampling_rate == 250
    ours = model.state_dict()
    encoder = {key.removeprefix("encoder."): value for key, value in state.items()}
    for key, value in _our_tensors(encoder).items():
        name = _our_name(key, "")
        if not name.startswith("decoder."):
            assert torch.equal(ours.pop(name), value), key
    assert not ours
    query, key, value = encoder["block1.attn.fn.to_qkv.weight"].chunk(3)
    attention = model.layers[1].attention
    assert torch.equal(attention.query.weight, query) and torch.equal(attention.value.weight, value)
    assert torch.equal(attention.key.weight, key)
    assert torch.equal(model.embeddings.leads[7], encoder["lead_embeddings.7"])


def test_the_whole_file_and_the_file_of_a_fine_tuning_become_what_they_are(small, tmp_path):
    state = original_state(whole=True)
    torch.save({"model": state}, tmp_path / "full.pth")
    folder = write_converted("st-mem-mae", tmp_path / "full.pth", tmp_path / "out")
    model = AutoModelForPreTraining.from_pretrained(folder)
    assert type(model) is STMEMForPreTraining
    assert torch.equal(model.decoder.positions, state["decoder_pos_embed"][0])
    assert torch.equal(model.decoder.mask_token, state["mask_embedding"].flatten())
    card = (folder / "README.md").read_text()
    assert "CC-BY-NC-4.0" in card and "license: cc-by-nc-4.0" in card and "non-commercial use" in card
    # the encoder alone, from the same folder
    assert torch.equal(AutoModel.from_pretrained(folder).norm.weight, state["encoder.norm.weight"])
    head, _ = convert_checkpoint("st-mem-vit-small", original_state(classes=5))
    assert type(head) is STMEMForECGClassification and head.config.num_labels == 5


def test_what_is_not_whole_or_not_known_is_refused(small):
    for key, message in (
        ("block0.attn.fn.to_qkv.bias", "layers.0.attention.key.bias"),
        ("lead_embeddings.11", r"embeddings.leads \(11, 16\) instead of \(12, 16\)"),
        ("lead_embeddings.5", r"embeddings.leads.*lead_embeddings.0"),
        ("norm.bias", "1 keys are missing .norm.bias"),
    ):
        state = original_state()
        del state[key]
        with pytest.raises(ValueError, match=message):
            convert_checkpoint("st-mem-vit-base", state)
    with pytest.raises(ValueError, match="unknown .block9.attn.norm.weight"):
        convert_checkpoint("st-mem-vit-base", original_state() | {"block9.attn.norm.weight": torch.ones(16)})
    with pytest.raises(ValueError, match=r"whose encoder is `encoder.\*`"):
        convert_checkpoint("st-mem-mae", original_state())
    state = original_state(whole=True)
    with pytest.raises(ValueError, match="to_patch_embedding.1.bias and encoder.to_patch_embedding.1.bias differ"):
        convert_checkpoint("st-mem-mae", state | {"to_patch_embedding.1.bias": torch.zeros(75)})
    del state["decoder_blocks.2.ff.norm.bias"]
    with pytest.raises(ValueError, match="decoder.layers.2.feed_forward_norm.bias"):
        convert_checkpoint("st-mem-mae", state)
    with pytest.raises(ValueError, match="instead of"):
        convert_checkpoint("st-mem-vit-base", original_state(size=32))
    with pytest.raises(ValueError, match="epoch is int, wanted a tensor"):
        convert_checkpoint("st-mem-vit-base", original_state() | {"epoch": 3})


def test_positions_begin_as_sines_and_are_fixed_in_pretraining_only():
    encoder, whole = build(), build(STMEMForPreTraining)
    wanted = sin_cos_positions(10, 16)
    for model in (encoder, whole.encoder):
        assert torch.equal(model.embeddings.positions[1:-1], wanted)
        assert not model.embeddings.positions[[0, -1]].any()
    assert torch.equal(whole.decoder.positions[1:-1], sin_cos_positions(10, 8))
    assert encoder.embeddings.positions.requires_grad and not whole.encoder.embeddings.positions.requires_grad
    assert not any("decoder.positions" in name for name, _ in whole.named_parameters())


def test_the_pooled_output_is_the_norm_of_the_mean_over_patches():
    model, values = build(), some()
    outputs = model(values)
    inner = outputs.last_hidden_state.unflatten(1, (12, 12))[:, :, 1:-1]
    torch.testing.assert_close(outputs.pooler_output, model.norm(inner.mean(dim=(1, 2))))


def test_absent_leads_and_padding_are_not_looked_at():
    model, values = build(), some(3)
    leads, samples = torch.ones(3, 12, dtype=torch.bool), torch.ones(3, 160, dtype=torch.bool)
    plain = model(values).pooler_output
    assert torch.equal(model(values, lead_mask=leads, sample_mask=samples).pooler_output, plain)
    leads[0, [2, 7]], samples[1, 96:] = False, False
    masked = model(values, lead_mask=leads, sample_mask=samples).pooler_output
    assert not torch.allclose(masked[0], plain[0]) and not torch.allclose(masked[1], plain[1])
    torch.testing.assert_close(masked[2], plain[2])
    changed = values.clone()
    changed[0, [2, 7]] += 5
    changed[1, :, 96:] -= 3
    again = model(changed, lead_mask=leads, sample_mask=samples).pooler_output
    torch.testing.assert_close(again, masked, atol=0, rtol=0)
    # the padded record is the short one: its right separators are the last position either way
    torch.testing.assert_close(masked[1], model(values[1:2, :, :96]).pooler_output[0], atol=1e-6, rtol=1e-5)
    nothing = model(values, lead_mask=torch.zeros_like(leads)).pooler_output
    assert nothing.isfinite().all()


def test_each_lead_keeps_its_share_of_patches_and_sees_no_other():
    model, values = build(STMEMForPreTraining, mask_ratio=0.75), some()
    noise = torch.rand(2, 12, 10)
    outputs = model(values, mask_noise=noise)
    assert (~outputs.removed).sum(-1).eq(2).all()
    kept = noise.argsort(-1)[..., :2]
    assert not outputs.removed.gather(-1, kept).any()
    assert outputs.ecg_model_output.last_hidden_state.shape == (2, 12 * 4, 16)
    # what was removed does not reach the prediction
    changed = torch.where(outputs.removed[..., None], 9.0, values.unflatten(-1, (-1, 16))).flatten(2)
    again = model(changed, mask_noise=noise)
    assert torch.equal(again.prediction, outputs.prediction) and not torch.equal(again.loss, outputs.loss)


def test_the_decoder_sees_one_lead_at_a_time():
    model = build(STMEMForPreTraining)
    states, subset = torch.randn(1, 12, 4, 16), random_subset(torch.rand(1, 12, 10), 2)
    before = model.decoder(states, subset, None)
    states[:, 3] += 1
    after = model.decoder(states, subset, None)
    same = [lead for lead in range(12) if torch.equal(before[:, lead], after[:, lead])]
    assert same == [lead for lead in range(12) if lead != 3]


def test_the_loss_judges_what_was_removed_and_holds_a_record():
    model, values, noise = build(STMEMForPreTraining), some(3), torch.rand(3, 12, 10)
    patches = values.unflatten(-1, (-1, 16))
    outputs = model(values, mask_noise=noise)
    torch.testing.assert_close(outputs.loss, masked_reconstruction_loss(outputs.prediction, patches, outputs.removed))
    leads, samples = torch.ones(3, 12, dtype=torch.bool), torch.ones(3, 160, dtype=torch.bool)
    leads[0, 4:], samples[2, 80:] = False, False
    outputs = model(values, leads, samples, mask_noise=noise)
    # of five patches one is kept, as where no others stand beside them
    assert outputs.removed[2, :, 5:].all() and (~outputs.removed[2]).sum() == 12
    judged = outputs.removed.clone()
    judged[0, 4:], judged[2, :, 5:] = False, False
    torch.testing.assert_close(outputs.loss, masked_reconstruction_loss(outputs.prediction, patches, judged))
    plain = build(STMEMForPreTraining, normalise_patches=False)(values, leads, samples, mask_noise=noise)
    torch.testing.assert_close(
        plain.loss, masked_reconstruction_loss(plain.prediction, patches, judged, normalise=False)
    )


def test_without_noise_it_is_drawn_from_torchs_generator():
    model, values, removed = build(STMEMForPreTraining), some(), []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        removed.append(model(values).removed)
    assert torch.equal(removed[0], removed[1]) and not torch.equal(removed[0], removed[2])
    assert not torch.equal(removed[0][0], removed[0][1])
    seeded = model(values, record_seeds=torch.tensor([5, 9])).removed
    assert torch.equal(model(values.flip(0), record_seeds=torch.tensor([9, 5])).removed.flip(0), seeded)
    assert not torch.equal(seeded[0], seeded[1])


def test_what_does_not_fit_is_refused():
    encoder, whole, values = build(), build(STMEMForPreTraining), some()
    for samples, message in ((176, "176 samples, wanted 160 at most"), (150, "150 samples, wanted a multiple")):
        for model in (encoder, whole):
            with pytest.raises(ValueError, match=message):
                model(torch.zeros(1, 12, samples))
    with pytest.raises(ValueError, match=r"mask_noise has shape \(2, 12, 9\), wanted \(2, 12, 10\)"):
        whole(values, mask_noise=torch.rand(2, 12, 9))
    with pytest.raises(ValueError, match="0 of 3 patches or tokens are to be kept"):
        whole(values[..., :48])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"patch_size": 33}, "patch_size is 33, wanted at least 2 and a divisor of num_samples, 160"),
        ({"patch_size": 1}, "patch_size is 1"),
        ({"mask_ratio": 1.0}, "mask_ratio is 1.0, wanted a share between 0 and 1"),
        ({"mask_ratio": 1e308}, r"mask_ratio is 1e\+308"),
        ({"mask_ratio": 0.95}, "keeps 0 of 10"),
        ({"num_attention_heads": 3}, "hidden_size is 16, wanted a multiple of the 3 heads"),
        ({"decoder_num_attention_heads": 3}, "decoder_hidden_size is 8"),
        ({"num_hidden_layers": 0}, "num_hidden_layers is 0, wanted 1 to 1000"),
        ({"intermediate_size": 10**9}, "intermediate_size is 1000000000, wanted 1 to 65536"),
    ],
)
def test_a_network_that_cannot_be_is_refused(values, message):
    with pytest.raises(StrictDataclassError, match=message):
        st_mem_config(**values)


@pytest.mark.parametrize(("options", "parameters"), [({}, 85_150_614), ({"size": "small"}, 21_341_718)])
def test_the_published_sizes(options, parameters):
    from hf_ecg.models.st_mem.convert_st_mem import st_mem_config as published_config

    config = published_config("st-mem-vit-small" if options else "st-mem-vit-base")
    with torch.device("meta"):
        assert STMEMModel(config).num_parameters() == parameters
        if not options:
            whole = STMEMForPreTraining(config)
            fixed = whole.decoder.positions.numel()
            assert whole.num_parameters() + fixed == 88_534_753
            # the decoder's last norm alone has another epsilon
            epsilons = {name: part.eps for name, part in whole.named_modules() if isinstance(part, torch.nn.LayerNorm)}
            assert epsilons.pop("decoder.norm") == 1e-6 and set(epsilons.values()) == {1e-5}


def test_an_encoder_is_taken_out_of_its_pretraining_model_without_a_word(tmp_path):
    build(STMEMForPreTraining).save_pretrained(tmp_path)
    _, info = STMEMModel.from_pretrained(tmp_path, output_loading_info=True)
    assert not any(info.values()), info
