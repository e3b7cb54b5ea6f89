"""ECG-FM: what is converted and refused, its preparation, and what its pretraining keeps to. Needs no golden data."""

import argparse

import numpy as np
import pytest
import torch
from huggingface_hub.errors import StrictDataclassError
from transformers import AutoModel, AutoModelForPreTraining, TrainerState, set_seed

from hf_ecg import ECGFMForECGClassification, ECGFMForPreTraining, ECGFMModel
from hf_ecg.convert import convert_checkpoint, write_converted
from hf_ecg.losses import masked_contrastive_loss, patient_contrastive_loss, unit_length
from hf_ecg.models.ecg_fm.convert_ecg_fm import ecg_fm_config, ecg_fm_feature_extractor
from hf_ecg.models.ecg_fm.pretraining_ecg_fm import target_ids
from hf_ecg.signals import STANDARD_LEADS
from hf_ecg.training import StepCallback
from tests.conftest import REPOSITORY
from tests.models.published_ecg_fm import CFG, original_file, original_state
from tests.models.tiny.ecg_fm import ecg_fm_config as tiny_config
from tests.models.tiny.ecg_fm import segments
from tests.models.tiny.inputs import waveforms

FOLDER = REPOSITORY / "tests" / "checkpoints" / "ecg_fm_original_tiny"


def build(kind=ECGFMModel, **options):
    set_seed(0)
    return kind(tiny_config(**options)).eval()


def some(rows=3, make=waveforms):
    return make(rows, torch.Generator().manual_seed(0))


def test_every_tensor_of_the_pretrained_file_is_used(tmp_path):
    content = original_file()
    torch.save(content, tmp_path / "pretrained.pt")
    folder = write_converted("ecg-fm", tmp_path / "pretrained.pt", tmp_path / "out")
    model = AutoModelForPreTraining.from_pretrained(folder)
    state, ours = content["model"], model.state_dict()
    assert type(model) is ECGFMForPreTraining and len(ours) == len(state) + 1  # the temperature of the codes
    block = "encoder.layers.1.self_attn"
    for theirs, name in (
        ("mask_emb", "mask_embedding"),
        (f"{block}.k_proj.bias", "encoder.layers.1.attention.key.bias"),
        (f"{block}.out_proj.weight", "encoder.layers.1.attention.output.weight"),
        ("encoder.layers.0.fc2.weight", "encoder.layers.0.feed_forward.contract.weight"),
        ("encoder.layer_norm.weight", "encoder.norm.weight"),
        ("layer_norm.weight", "encoder.frame_norm.weight"),
        ("feature_extractor.conv_layers.0.2.weight", "encoder.convolutions.layers.0.norm.weight"),
        ("feature_extractor.conv_layers.1.0.weight", "encoder.convolutions.layers.1.convolution.weight"),
        ("conv_pos.pos_conv.0.parametrizations.weight.original0", "encoder.positions.magnitude"),
        ("project_q.weight", "target_projection.weight"),
        ("final_proj.bias", "output_projection.bias"),
    ):
        assert torch.equal(ours[name], state[theirs]), name
    assert torch.equal(ours["quantiser.codes"], state["quantizer.vars"][0])
    # the encoder alone, from the same folder
    assert torch.equal(AutoModel.from_pretrained(folder).projection.weight, state["post_extract_proj.weight"])


def test_both_forms_of_weight_norm_and_of_prefix_give_one_model():
    def made(source="ecg-fm-finetuned", **options):
        state = original_state(generator=torch.Generator().manual_seed(3), **options)
        return convert_checkpoint(source, {"cfg": CFG, "model": state})[0]

    new, old = made(finetuned=True), made(finetuned=True, old_weight_norm=True)
    assert type(new) is ECGFMForECGClassification and new.config.id2label[12] == "Atrial fibrillation"
    assert new.config.num_labels == 17 and new.config.problem_type == "multi_label_classification"
    values = some()["input_values"]
    with torch.no_grad():
        assert torch.equal(new(values).logits, old(values).logits)
        assert torch.equal(made("ecg-fm").encoder(values).pooler_output, new.encoder(values).pooler_output)
    five = made(finetuned=True, classes=5)
    assert five.config.num_labels == 5 and five.config.id2label[0] == "LABEL_0"
    # a file that still holds the parts of the pretraining
    extra = {f"encoder.{key}": value for key, value in original_state().items() if key.startswith(("quant", "mask"))}
    content = {"cfg": CFG, "model": original_state(finetuned=True) | extra}
    assert type(convert_checkpoint("ecg-fm-finetuned", content)[0]) is ECGFMForECGClassification


def test_committed_files_give_what_they_gave():
    expected = np.load(FOLDER / "expected.npz")
    classifier, extractor = convert_checkpoint("ecg-fm-finetuned", FOLDER / "finetuned.pt")
    pretrained, _ = convert_checkpoint("ecg-fm", FOLDER / "pretrained.pt")
    signals = np.random.default_rng(0).normal(size=(12, 1300)).cumsum(-1).astype(np.float32) / 20
    inputs = dict(extractor(signals, 250, STANDARD_LEADS, "mV", return_tensors="pt"))
    assert inputs.pop("record_index").tolist() == [0]
    with torch.no_grad():
        outputs = pretrained(**inputs, record_seeds=torch.arange(1))
        found = {"logits": classifier(**inputs).logits, "pooler_output": pretrained.encoder(**inputs).pooler_output}
    for name, value in (found | {"loss": outputs.loss}).items():
        np.testing.assert_allclose(value, expected[name], atol=1e-5, rtol=1e-5, err_msg=name)
    np.testing.assert_array_equal(outputs.codes, expected["codes"])


def test_what_is_not_whole_or_not_known_or_not_safe_is_refused(tmp_path):
    state = original_state()
    lacking = {key: value for key, value in state.items() if not key.startswith("encoder.layers.1.")}
    for change, message in (
        ({"model": {key: state[key] for key in state if key != "mask_emb"}}, "1 keys are missing .mask_embedding"),
        ({"model": state | {"encoder.w2v.x": torch.ones(2)}}, "unknown .encoder.w2v.x"),
        ({"model": lacking}, "16 keys are missing .encoder.layers.1"),
        ({"cfg": None}, "keys are missing .encoder.convolutions.layers.2"),
        (
            {"cfg": {"model": CFG["model"] | {"layer_norm_first": True}}},
            "ecg-fm has its norms behind",
        ),
        ({"cfg": {"model": CFG["model"] | {"conv_feature_layers": "exit()"}}}, r"is 'exit\(\)', wanted such as"),
        ({"cfg": {"model": CFG["model"] | {"conv_feature_layers": "[(8, 2)]"}}}, "wanted such as"),
    ):
        with pytest.raises(ValueError, match=message):
            convert_checkpoint("ecg-fm", original_file() | change)
    with pytest.raises(ValueError, match="missing .mask_embedding, output_projection"):
        convert_checkpoint("ecg-fm", original_file(finetuned=True))
    torch.save(original_file() | {"args": argparse.Namespace(arch="wav2vec2_cmsc")}, tmp_path / "file.pt")
    with pytest.raises(ValueError, match="file.pt is refused: .* would run code"):
        convert_checkpoint("ecg-fm", tmp_path / "file.pt")


def test_the_preparation_is_the_originals():
    """Written once more in plain numpy: interpolation, statistics of the whole record, segments."""
    signals = np.random.default_rng(0).normal(size=(12, 2700)).cumsum(-1) / 20
    signals[4] = 0.3
    signals[2], signals[3] = signals[1] - signals[0], -(signals[0] + signals[1]) / 2
    made = ecg_fm_feature_extractor()(signals, 250, STANDARD_LEADS, "mV")
    grid = np.linspace(0, 5399, 2700)
    wanted = np.array([np.interp(np.arange(5400), grid, lead) for lead in signals])
    flat = np.ptp(wanted, axis=-1, keepdims=True) < 1e-12
    wanted = (wanted - wanted.mean(-1, keepdims=True)) / np.where(flat, np.inf, wanted.std(-1, keepdims=True))
    assert made["record_index"].tolist() == [0, 0] and made.sample_mask.all()
    for number in range(2):
        np.testing.assert_allclose(
            made.input_values[number], wanted[:, 2500 * number : 2500 * (number + 1)], atol=1e-5
        )
    assert not made.input_values[:, 4].any()
    short = ecg_fm_feature_extractor()(signals[:, :1000], 250, STANDARD_LEADS, "mV")
    assert short.sample_mask.sum() == 2000


def test_absent_leads_are_zero_and_amplitude_leaves_no_trace():
    model, values = build(), some()["input_values"]
    leads = torch.ones(3, 12, dtype=torch.bool)
    leads[:, 5:] = False
    silent = values.masked_fill(~leads[..., None], 0.0)
    with torch.no_grad():
        assert torch.equal(model(values, lead_mask=leads).pooler_output, model(silent).pooler_output)
        torch.testing.assert_close(model(40 * values).pooler_output, model(values).pooler_output, atol=1e-3, rtol=1e-3)
        longer = model(torch.cat([values, 9 * values], dim=2)).last_hidden_state
    assert not torch.allclose(longer[:, :20], model(values).last_hidden_state[:, :20], atol=1e-2)


def test_what_is_masked_does_not_reach_the_transformer():
    model, values = build(ECGFMForPreTraining), some()["input_values"]
    masked = torch.ones(3, 40, dtype=torch.bool)
    outputs = model.encoder(values, masked=masked, mask_embedding=model.mask_embedding)
    assert torch.equal(outputs.last_hidden_state[0], outputs.last_hidden_state[1])
    masked[:, 7] = False
    outputs = model.encoder(values, masked=masked, mask_embedding=model.mask_embedding)
    assert not torch.allclose(outputs.last_hidden_state[0], outputs.last_hidden_state[1])
    for wrong in ({"masked": masked}, {"masked": masked[:, 1:], "mask_embedding": model.mask_embedding}):
        with pytest.raises(ValueError, match="together or not at all|masked has shape"):
            model.encoder(values, **wrong)


def test_what_is_drawn_is_a_function_of_the_records_seed():
    model, values = build(ECGFMForPreTraining).train(), some()["input_values"]
    seeds = torch.tensor([5, 2**62, -3])
    outputs = model(values, second_input_values=values, record_seeds=seeds)
    torch.manual_seed(99)
    alone = model(values[1:2], second_input_values=values[1:2], record_seeds=seeds[1:2])
    for name in ("masked", "codes", "negatives"):
        found, wanted = outputs[name], alone[name]
        assert torch.equal(found[[1, 4]], wanted), name
        # other records and the second segment have others
        assert not torch.equal(found[0], found[1]) and not torch.equal(found[1], found[4]), name
    with pytest.raises(ValueError, match=r"noise has shape \(3, 2, 40, 18\), wanted \(3, 1, 40, 18\)"):
        model(values, noise=torch.rand(3, 2, 40, 18))


def test_the_loss_is_the_sum_of_its_parts():
    inputs = some(4, segments)
    outputs = build(ECGFMForPreTraining)(**inputs)
    config = tiny_config()
    compared = (outputs.context, outputs.targets, outputs.masked, outputs.negatives)
    contrast = masked_contrastive_loss(*compared, 0.1, target_ids=target_ids(outputs.codes, 6))
    pair = [unit_length(embeds) for embeds in (outputs.embeds, outputs.second_embeds)]
    patients = patient_contrastive_loss(*pair, 0.1, patient_ids=inputs["patient_ids"])
    frames = outputs.ecg_model_output.frames
    wanted = contrast + patients + 0.1 * outputs.diversity_loss + 10 * frames.square().mean()
    torch.testing.assert_close(outputs.loss, wanted)
    assert 0 < outputs.diversity_loss < 1 and 2 <= outputs.code_perplexity <= config.num_codes
    assert not torch.equal(patients, patient_contrastive_loss(*pair, 0.1))
    plain = build(ECGFMForPreTraining, cmsc_weight=0, diversity_weight=0, feature_penalty_weight=0)(**inputs)
    torch.testing.assert_close(plain.loss, contrast)
    single = build(ECGFMForPreTraining)(**{name: value[:1] for name, value in inputs.items()})
    assert single.cmsc_loss is None and single.loss.isfinite()


def test_the_released_arithmetic_is_a_choice():
    inputs = some(4, segments)
    ours = build(ECGFMForPreTraining)(**inputs)
    summed = build(ECGFMForPreTraining, compat_summed_loss=True)(**inputs)
    torch.testing.assert_close(summed.loss, ours.loss * ours.masked.sum())
    counts = build(ECGFMForPreTraining, compat_equal_masks=True)(**inputs).masked.sum(dim=1)
    assert len(set(ours.masked.sum(dim=1).tolist())) > 1 and set(counts.tolist()) == {int(ours.masked.sum(1).min())}
    gradients = []
    for detached in (False, True):
        model = build(ECGFMForPreTraining, compat_detached_norm=detached)
        outputs = model(**inputs)
        torch.testing.assert_close(outputs.loss, ours.loss)
        outputs.cmsc_loss.backward()
        gradients.append(model.encoder.projection.weight.grad)
    assert not torch.allclose(*gradients)


def test_the_convolutions_get_a_tenth_of_the_gradient_in_pretraining_alone():
    gradients, inputs = [], some(3, segments)
    for scale in (1.0, 0.1):
        model = build(ECGFMForPreTraining, feature_gradient_scale=scale)
        model(**inputs).loss.backward()
        gradients.append([layer.convolution.weight.grad for layer in model.encoder.convolutions.layers])
    for whole, tenth in zip(*gradients, strict=True):
        torch.testing.assert_close(tenth, whole / 10)
    assert build().convolutions.gradient_scale == 1.0


def test_codes_are_drawn_at_a_temperature_that_falls_and_is_saved(tmp_path):
    model = build(ECGFMForPreTraining, gumbel_temperature_decay=0.5)
    assert model.quantiser.temperature == 2.0
    model.after_step(1)
    assert model.quantiser.temperature == 1.0
    model.save_pretrained(tmp_path)
    assert ECGFMForPreTraining.from_pretrained(tmp_path).quantiser.temperature == 1.0
    model.after_step(9)
    assert model.quantiser.temperature == 0.5
    model.after_step(0)
    StepCallback().on_step_end(None, TrainerState(global_step=2), None, model=model)
    assert model.quantiser.temperature == 1.0
    frames, noise = torch.randn(2, 5, 8), torch.rand(2, 5, 12)
    drawn = model.quantiser(frames, noise)
    gumbel = -(-noise.unflatten(-1, (2, 6)).log()).log()
    assert torch.equal(drawn.codes, (drawn.logits + gumbel).argmax(-1))
    chosen = model.quantiser.codes.view(2, 6, 5)[torch.arange(2), drawn.codes].flatten(2)
    torch.testing.assert_close(drawn.values, chosen)
    plain = model.quantiser(frames)
    assert torch.equal(plain.codes, plain.logits.argmax(-1)) and not torch.equal(plain.codes, drawn.codes)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"num_attention_heads": 3}, "hidden_size is 16, wanted a multiple of num_attention_heads, 3"),
        ({"position_groups": 5}, "wanted a multiple of position_groups, 5"),
        ({"num_hidden_layers": 0}, "num_hidden_layers is 0, wanted 1 to 1000"),
        ({"codebook_size": 0}, "codebook_size is 0, wanted 1 to 65536"),
        ({"convolution_strides": [2]}, r"have \[2, 2, 1\] entries"),
        ({"convolution_strides": [2, 3]}, "of 2 samples has a stride of 3"),
        ({"convolution_channels": [8, 0]}, r"the convolutions have \[8, 0\], wanted 1 to"),
        ({"mask_probability": 0}, "mask_probability is 0, wanted above 0, up to 1"),
        ({"temperature": 0}, "temperature is 0, wanted above 0"),
        ({"cmsc_weight": -1.0}, "cmsc_weight is -1.0, wanted at least 0"),
        ({"gumbel_temperature_end": 3.0}, "wanted at most gumbel_temperature_start, 2.0"),
    ],
)
def test_a_network_that_cannot_be_is_refused(values, message):
    with pytest.raises(StrictDataclassError, match=message):
        tiny_config(**values)


def test_the_labels_stand_in_the_released_order():
    """Of two that begin alike `test_both_forms_of_weight_norm_and_of_prefix_give_one_model` names the first."""
    words = "Poor Sinus Premature Tachycardia Ventricular Supraventricular Bradycardia Infarction Atrioventricular"
    words += " Right Left Electronic Atrial Atrial Accessory 1st Bifascicular"
    assert [label.split()[0] for label in ecg_fm_config("ecg-fm-finetuned").id2label.values()] == words.split()


def test_the_published_sizes():
    with torch.device("meta"):
        assert ECGFMForPreTraining(ecg_fm_config()).num_parameters() == 90_883_072


def test_an_encoder_is_taken_out_of_its_pretraining_model_without_a_word(tmp_path):
    build(ECGFMForPreTraining).save_pretrained(tmp_path)
    _, info = ECGFMModel.from_pretrained(tmp_path, output_loading_info=True)
    assert not any(info.values()), info
