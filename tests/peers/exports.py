"""torch.export and ONNX of every encoder, with its masks: `python tests/peers/exports.py`.

Needs onnx, onnxscript and onnxruntime, which the extra `onnx` brings. Exported at two records, run at three others
with absent leads and padding, and for any length where the model takes any; the numbers are those of the model.
"""

import logging
import sys
import tempfile
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import onnxruntime
import torch
from torch import nn

from hf_ecg.models.shared.roles import model_role
from tests.peers.peer_models import PeerModelTester, families

TOLERANCE = 1e-4
NAMES = ("input_values", "lead_mask", "sample_mask")


class Embedding(nn.Module):
    """Tensors in, tensors out: what a runtime without transformers wants."""

    def __init__(self, encoder: nn.Module):
        super().__init__()
        self.encoder = encoder

    def forward(self, input_values, lead_mask, sample_mask):
        outputs = self.encoder(input_values, lead_mask=lead_mask, sample_mask=sample_mask)
        return outputs.last_hidden_state, outputs.pooler_output


def masked_inputs(config, rows: int, samples: int) -> tuple[torch.Tensor, ...]:
    """Waveforms with an absent last lead and another length of padding in each row."""
    values = torch.randn(rows, config.num_leads, samples, generator=torch.Generator().manual_seed(rows))
    lead_mask = torch.ones(rows, config.num_leads, dtype=torch.bool)
    sample_mask = torch.ones(rows, samples, dtype=torch.bool)
    if config.num_leads > 1:
        lead_mask[0, -1] = False
    for row in range(rows):
        sample_mask[row, samples - 20 * row :] = row == 0
    return values * lead_mask[:, :, None] * sample_mask[:, None], lead_mask, sample_mask


def differences(found, wanted) -> float:
    return max((torch.as_tensor(a) - b).abs().max().item() for a, b in zip(found, wanted, strict=True))


def takes_any_length(embedding: nn.Module, config) -> bool:
    """A model whose positions have weights of their own takes no more than it was made for."""
    try:
        embedding(*masked_inputs(config, 3, 2 * config.num_samples + 5))
    except ValueError:
        return False
    return True


def check(encoder: nn.Module) -> dict[str, float]:
    embedding, shapes = Embedding(encoder).eval(), {name: {0: torch.export.Dim("batch")} for name in NAMES}
    samples = encoder.config.num_samples
    if takes_any_length(embedding, encoder.config):
        length = torch.export.Dim("samples", min=40, max=100_000)
        shapes["input_values"][2] = shapes["sample_mask"][1] = length
        samples = 2 * samples + 5
    example = masked_inputs(encoder.config, 2, encoder.config.num_samples)
    others = masked_inputs(encoder.config, 3, samples)
    with torch.no_grad(), tempfile.TemporaryDirectory() as folder:
        wanted = embedding(*others)
        program = torch.export.export(embedding, example, dynamic_shapes=shapes, strict=False)
        torch.export.save(program, f"{folder}/encoder.pt2")
        exported = torch.export.load(f"{folder}/encoder.pt2").module()
        torch.onnx.export(
            embedding,
            example,
            f"{folder}/encoder.onnx",
            dynamo=True,
            dynamic_shapes=shapes,
            input_names=list(NAMES),
            verbose=False,
        )
        session = onnxruntime.InferenceSession(f"{folder}/encoder.onnx", providers=["CPUExecutionProvider"])
        given = {name: value.numpy() for name, value in zip(NAMES, others, strict=True)}
        # an input that the model never reads is not an input of the graph
        graph = session.run(None, {name.name: given[name.name] for name in session.get_inputs()})
        return {"torch.export": differences(exported(*others), wanted), "onnx": differences(graph, wanted)}


def main() -> int:
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    failed = 0
    for model_class in (classes[0] for classes in families().values()):
        if model_role(model_class) != "encoder":
            continue
        torch.manual_seed(0)
        found = check(model_class(PeerModelTester(model_class.config_class).get_config()))
        failed += max(found.values()) > TOLERANCE
        print(model_class.__name__, "  ".join(f"{key} {value:.1e}" for key, value in found.items()))
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main())
