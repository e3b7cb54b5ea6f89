"""ECG-FM's stages, its pretraining and its contrast of segments, as golden cases."""

import torch

from ...golden_cases import GoldenCase
from ...losses import masked_contrastive_logits, patient_contrastive_loss, unit_length
from .convert_ecg_fm import FINETUNED, PRETRAINED
from .pretraining_ecg_fm import ECGFMForPreTraining, target_ids


def network(case: GoldenCase) -> dict:
    """Each convolution and some blocks, pooled output and logits; then the masked pass with its targets and losses."""
    content = {"cfg": {"model": case.spec["config"]}, "model": case.state_dict}
    ecg = case.inputs["source"]
    with torch.no_grad():
        return _stages(case.convert(FINETUNED, content)[0], ecg) | _masked_pass(
            case.convert(PRETRAINED, content)[0],
            ecg,
            torch.from_numpy(case.stored("in.mask_indices", whole_numbers=True)).bool(),
            torch.from_numpy(case.stored("in.neg_idxs", whole_numbers=True)).long(),
        )


def _stages(model, ecg: torch.Tensor) -> dict:
    encoder, found = model.encoder, dict[str, torch.Tensor]()
    parts = {"layer_norm": encoder.frame_norm, "post_extract_proj": encoder.projection, "conv_pos": encoder.positions}

    def keep(name):
        return lambda module, inputs, output: found.update({name: output})

    hooks = [part.register_forward_hook(keep(name)) for name, part in parts.items()]
    outputs = encoder(ecg, output_hidden_states=True)
    for hook in hooks:
        hook.remove()
    frames = ecg.transpose(1, 2)
    for number, layer in enumerate(encoder.convolutions.layers):
        frames, _ = layer(frames, None)
        found[f"conv{number}"] = frames.transpose(1, 2)
    last = len(encoder.layers) - 1
    found |= {f"layer{block}": outputs.hidden_states[block + 1] for block in (0, last // 2 + 1, last)}
    return found | {
        "features_pen": outputs.frames.square().mean(),
        "encoder_out": outputs.last_hidden_state,
        "pooled": outputs.pooler_output,
        "logits": model(ecg).logits,
    }


def _masked_pass(model: ECGFMForPreTraining, ecg: torch.Tensor, masked: torch.Tensor, chosen: torch.Tensor) -> dict:
    """`chosen` (records, masked * 100) counts the masked frames of all records; ours counts a record's frames."""
    places = [row.nonzero()[:, 0] for row in masked]
    number = len(places[0])
    negatives = torch.zeros(*masked.shape, chosen.shape[1] // number, dtype=torch.int64)
    for row, own in enumerate(places):
        negatives[row, own] = own[chosen[row].view(number, -1) - row * number]
    outputs = model(ecg, masked=masked, negatives=negatives)
    config = model.config
    compared = (outputs.context, outputs.targets, negatives, config.temperature)
    logits = masked_contrastive_logits(*compared, target_ids=target_ids(outputs.codes, config.codebook_size))
    of_masked = torch.stack([row[own] for row, own in zip(logits, places, strict=True)])
    return {
        # frame after frame, of all records; the first 8 columns are stored
        "pretrain_logits": of_masked.transpose(0, 1).flatten(0, 1)[:, :8],
        "infonce_mean": outputs.contrastive_loss,
        "pretrain_prob_perplexity": (1 - outputs.diversity_loss) * config.num_codes,
        "pretrain_code_perplexity": outputs.code_perplexity,
        "pretrain_features_pen": outputs.feature_penalty,
        "cmsc_features": outputs.embeds,
        "codes": outputs.codes,
    }


def contrast_of_segments(case: GoldenCase) -> dict:
    """With the gradient, whose norms are constants."""
    patients = torch.from_numpy(case.stored("in.patient_id", whole_numbers=True))
    segment = torch.from_numpy(case.stored("in.segment", whole_numbers=True))
    rows = torch.from_numpy(case.stored("in.feat")).requires_grad_()
    lengths = unit_length(rows, compat_detached_norm=True)
    first, second = (lengths[segment == number] for number in (0, 1))
    loss = patient_contrastive_loss(first, second, 0.1, patient_ids=patients[segment == 0])
    loss.backward()
    return {"cmsc.loss": loss, "cmsc.grad.feat": rows.grad}


GOLDEN = {"ecg-fm": network, "ecg-fm-small8": network, "ecg-fm-cmsc-loss": contrast_of_segments}
