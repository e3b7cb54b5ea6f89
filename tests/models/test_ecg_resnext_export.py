"""The ResNeXt leaves PyTorch with the numbers it has there."""

import numpy as np
import pytest
import torch
from torch import nn

from hf_ecg import ECGResNeXtConfig, ECGResNeXtModel


class Embedding(nn.Module):
    """One tensor in, one out: what a runtime without transformers wants."""

    def __init__(self, encoder):
        super().__init__()
        self.encoder = encoder

    def forward(self, input_values):
        return self.encoder(input_values).pooler_output


@pytest.fixture(scope="module")
def embedding():
    torch.manual_seed(0)
    # CLEF's small encoder as far as the first odd number of positions
    return Embedding(ECGResNeXtModel(ECGResNeXtConfig(widths=[32, 64, 64], depths=[1, 1, 2]))).eval()


BATCH = {"input_values": {0: torch.export.Dim("batch")}}


def check(run, embedding):
    for batch in (1, 3):
        ecg = torch.randn(batch, 1, 5000)
        with torch.no_grad():
            np.testing.assert_allclose(run(ecg), embedding(ecg), atol=1e-5, rtol=1e-5)


def test_torch_export_takes_any_batch(embedding):
    exported = torch.export.export(embedding, (torch.randn(2, 1, 5000),), dynamic_shapes=BATCH, strict=False).module()
    with torch.no_grad():
        check(exported, embedding)


def test_onnx_takes_any_batch(embedding, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    program = torch.onnx.export(
        embedding,
        (torch.randn(2, 1, 5000),),
        dynamo=True,
        dynamic_shapes=BATCH,
        input_names=["input_values"],
        output_names=["pooler_output"],
        verbose=False,
    )
    program.save(tmp_path / "encoder.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "encoder.onnx", providers=["CPUExecutionProvider"])
    check(lambda ecg: session.run(None, {"input_values": ecg.numpy()})[0], embedding)
