"""ST-MEM's encoders, its masked autoencoder, and its preparation, as golden cases."""

import numpy as np
import torch

from ...golden_cases import GoldenCase
from ...processing import ECGFeatureExtractor
from ...signals import STANDARD_LEADS
from .convert_st_mem import AUTOENCODERS, ENCODERS, filter_steps, st_mem_feature_extractor


def classifier(case: GoldenCase) -> dict:
    """The patches' tokens, some blocks, the pooled output, of half the record too, and the logits."""
    model, _ = case.convert(case.name)
    ecg, encoder, found = case.inputs["input"], model.encoder, dict[str, torch.Tensor]()
    hook = encoder.embeddings.norm.register_forward_hook(
        lambda _, inputs, output: found.update(patch_embedding_slice=output)
    )
    with torch.no_grad():
        outputs = encoder(ecg, output_hidden_states=True)
        hook.remove()
        found["logits"], found["features"] = model(ecg).logits, outputs.pooler_output
        found["features_short_1125"] = encoder(ecg[..., :1125]).pooler_output
    return found | {f"block{block}_slice": outputs.hidden_states[block + 1] for block in (0, 5, 11)}


def autoencoder(case: GoldenCase) -> dict:
    """Masks, predictions, both losses and the gradients of the first, from the whole file with its tensors twice."""
    state = case.state_dict
    alias = {key.removeprefix("encoder."): value for key, value in state.items() if "to_patch_embedding" in key}
    model, _ = case.convert(case.name, {"model": state | alias})
    inputs = {"input_values": case.inputs["input"], "mask_noise": case.inputs["noise"]}
    outputs = model(**inputs)
    outputs.loss.backward()
    query = model.encoder.layers[0].attention.query.weight.grad
    model.config.normalise_patches = False
    with torch.no_grad():
        plain = model(**inputs).loss
    return {
        "loss": outputs.loss,
        "loss_no_norm_pix": plain,
        "mask": outputs.removed,
        "ids_restore": inputs["mask_noise"].argsort(-1).argsort(-1),
        "latent_slice": model.encoder.norm(outputs.ecg_model_output.last_hidden_state),
        "pred_slice": outputs.prediction,
        "grad_to_decoder_embedding_weight_slice": model.decoder.embedding.weight.grad,
        "grad_mask_embedding": model.decoder.mask_token.grad[None, None],
        "grad_block0_qkv_weight_slice": query[:16, :64],
    }


def preparation(case: GoldenCase) -> dict:
    """Step by step as the extractor does it, of the crop in the middle, and the first sample of all three crops."""
    ecg = case.inputs["ecg"].numpy().astype(np.float64).cumsum(axis=-1) * 0.02
    whole = st_mem_feature_extractor()
    names = [step["name"] for step in whole.steps]
    to_rate, crops = (whole.steps[: names.index(name)] for name in ("multi_crop", "filter"))

    def prepared(steps, samples=2250):
        return ECGFeatureExtractor(250, list(STANDARD_LEADS), samples, steps)(ecg, 500, STANDARD_LEADS, "mV")

    middle, filters = [*to_rate, {"name": "crop", "position": "center"}], filter_steps()
    return {
        "resampled_slice": prepared(to_rate, 2500).input_values[0],
        "highpass_slice": prepared([*middle, *filters[:1]]).input_values[0],
        "lowpass_slice": prepared([*middle, *filters[:2]]).input_values[0],
        # the second of three crops is the one in the middle
        "standardized_slice": whole(ecg, 500, STANDARD_LEADS, "mV").input_values[1],
        "ncrop_first": prepared(crops).input_values[:, :, 0],
    }


GOLDEN = (
    {name: classifier for name in ENCODERS}
    | {name: autoencoder for name in AUTOENCODERS}
    | {"st-mem-preprocess": preparation}
)
