"""HeartLang's vocabulary as a golden case."""

import torch

from ...golden_cases import GoldenCase


def vocabulary(case: GoldenCase) -> dict:
    """Beats to words and back, with the losses; and the words without leads and seconds."""
    model, _ = case.convert(case.name)
    beats = torch.from_numpy(case.stored("in.x"))
    leads, times = (
        torch.from_numpy(case.stored(f"in.in_{name}", whole_numbers=True)).long() for name in ("chan", "time")
    )
    with torch.no_grad():
        outputs = model(beats, lead_ids=leads, time_ids=times)
        states = outputs.ecg_model_output.last_hidden_state
        nearest = model.codebook.distances(outputs.code_vectors).topk(2, dim=-1, largest=False).values
        return {
            "encoder": states,
            "to_quantizer": model.to_code(states),
            "codes": outputs.codes,
            "code_gap": nearest[..., 1] - nearest[..., 0],
            "quantized": model.codebook.vectors[outputs.codes],
            "commit_loss": outputs.commitment_loss,
            "reconstruction": outputs.prediction,
            "total_loss": outputs.loss,
            "codes_without_positions": model.codes_of(beats),
        }


GOLDEN = {"heartlang-vqhbr": vocabulary}
