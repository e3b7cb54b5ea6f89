"""HeartLang's pretraining and its classifier as golden cases."""

import torch

from ...golden_cases import GoldenCase
from ..shared.beat_transformer import read_beats

SOURCE = "heartlang"


def pretraining(case: GoldenCase) -> dict:
    """Embedding, output of all tokens, logits of the masked ones, the loss."""
    model, _ = case.convert(SOURCE)
    inputs = _inputs(case)
    masked = torch.from_numpy(case.stored("in.mask", whole_numbers=True)).bool()
    labels = torch.from_numpy(case.stored("in.labels", whole_numbers=True)).long()
    words = torch.full(masked.shape, -1)
    words[masked] = labels
    # the noise that masks these beats, in their order
    places = torch.arange(masked.shape[1]) / masked.shape[1]
    with torch.no_grad():
        outputs = model(**inputs, labels=words, mask_noise=(places + ~masked) / 2)
        encoder, given = model.encoder, read_beats(model.config, **inputs)
        return {
            "token_embed": encoder.transformer.embedded(given, given.beats),
            "all_tokens": outputs.ecg_model_output.last_hidden_state,
            "logits": outputs.logits.flatten(0, 1)[:, ::64],
            "ce_loss": outputs.loss,
        }


def classifier(case: GoldenCase) -> dict:
    """All tokens, the class token, the logits."""
    model, _ = case.convert(SOURCE)
    inputs = _inputs(case)
    with torch.no_grad():
        outputs = model.encoder(**inputs)
        logits = model(**inputs).logits
    return {"all_tokens": outputs.last_hidden_state, "cls": outputs.pooler_output, "logits": logits}


def _inputs(case: GoldenCase) -> dict[str, torch.Tensor]:
    names = {"lead_ids": "in.in_chan", "time_ids": "in.in_time"}
    ids = {name: torch.from_numpy(case.stored(key, whole_numbers=True)).long() for name, key in names.items()}
    return {"beat_tokens": torch.from_numpy(case.stored("in.x")), **ids}


GOLDEN = {"heartlang-pretrain": pretraining, "heartlang-finetune": classifier}
