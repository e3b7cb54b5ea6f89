"""CLEAR's encoder and pretraining, and both heads, as golden cases."""

import torch

from ...golden_cases import GoldenCase
from ..shared.beat_embedding import linear_as_convolution
from .beat_grid import beat_grid, decoder_mask, encoder_mask

# seconds of the beats of two records
TIMES = ([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0, 0, 0, 0, 0], [1, 2, 4, 5, 6, 8, 9, 10, 0, 0, 0, 0, 0, 0, 0])


def _inputs(case: GoldenCase) -> dict[str, torch.Tensor]:
    times = torch.tensor(TIMES).repeat(1, 12)
    leads = torch.arange(1, 13).repeat_interleave(15).expand(2, -1)
    return {"beat_tokens": case.inputs["input"], "lead_ids": leads, "time_ids": times}


def autoencoder(case: GoldenCase) -> dict:
    """Features in two orders of the tokens, both masks, the prediction, the loss and its gradients."""
    model, _ = case.convert(case.name, {"model": case.state_dict})
    inputs, noise = _inputs(case), case.inputs["noise"].expand(2, -1)
    encoder, found = model.encoder, dict[str, torch.Tensor]()
    hook = encoder.embeddings.beats.projection.register_forward_hook(
        lambda _, given, output: found.update(token_embedding_slice=output)
    )
    with torch.no_grad():
        shuffled = encoder(**inputs, kept=noise.argsort(dim=1)).class_states
        plain = encoder(**inputs)
    found |= {
        "features_cls": plain.class_states,
        "features_tokens_slice": plain.last_hidden_state[:, 12::9, :64],
        "pooled": plain.pooler_output,
        "features_cls_shuffled_noise": shuffled,
    }
    hook.remove()
    outputs = model(**inputs, mask_noise=noise)
    outputs.loss.backward()
    beats = encoder.embeddings.beats
    grid = beat_grid(model.config, **inputs)
    kept = noise.argsort(dim=1)[:, : model.config.kept_beats(180)]
    # of eager attention both masks are numbers: 0 or 1 is added, or a very negative one where nothing is looked at
    model.set_attn_implementation("eager")
    added = encoder_mask(model.config, grid.only(kept), torch.zeros(2, 12 + kept.shape[1], 1))
    blocked = decoder_mask(model.config, grid, outputs.removed, torch.zeros(2, 192, 1)) < 0
    return found | {
        "pred_slice": outputs.prediction,
        "mask": outputs.removed[0],
        "ids_restore": noise[0].argsort().argsort(),
        "encoder_attn_mask_float": added[0, 0],
        "decoder_attn_mask_bool": blocked[0, 0],
        "pretrain_loss": outputs.loss,
        "grad_cls_token_slice": encoder.embeddings.class_tokens.grad,
        "grad_mask_token": model.decoder.mask_token.grad[None, None],
        "grad_token_conv_slice": linear_as_convolution(beats.projection.weight.grad, beats.kernel_size),
    }


def classifier(case: GoldenCase) -> dict:
    """Logits of either head, and the seven vectors of HUG."""
    source = "clear-hug" if case.name == "clear-hug" else "clear"
    model, _ = case.convert(source, {"model": case.state_dict})
    with torch.no_grad():
        found = {"logits": model(**_inputs(case)).logits}
        if model.hug is not None:
            found["groups"] = model.hug(model.encoder(**_inputs(case)).class_states)
            found["groups_from_cls"] = model.hug(case.inputs["cls"])
    return found


GOLDEN = {"clear": autoencoder, "clear-classifier": classifier, "clear-hug": classifier}
