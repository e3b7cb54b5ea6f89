"""A graph of floats as one of whole numbers, by onnxruntime."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from ..extras import install_words


def quantise(path: Path, output: Path, rows: Sequence[dict[str, np.ndarray]]) -> None:
    """Write the graph with weights of 8 bits.

    Args:
        path: of the graph of floats.
        output: of the file to make.
        rows: inputs of the graph. With some, activations have 8 bits too, by the ranges that they have there, and so
            have convolutions (static, QDQ). Without, products of matrices alone, by the ranges of each call (dynamic).

    Raises:
        ImportError: onnxruntime or onnx is not installed.
    """
    try:
        from onnxruntime import quantization
    except ImportError as error:
        raise ImportError(f"int8 needs more packages: {install_words('onnxruntime onnx', 'onnx')}") from error
    with TemporaryDirectory() as folder:
        folded = _folded(path, Path(folder) / "folded.onnx")
        _quantised(quantization, folded, output, rows)


def _folded(path: Path, output: Path) -> Path:
    """The graph with its constants computed: a weight that is turned round on its way is not taken for one."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(output)
    onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    import onnx

    # shapes of weights that were turned round stay behind, and contradict those that are inferred
    folded = onnx.load(output)
    del folded.graph.value_info[:]
    onnx.save(folded, output)
    return output


def _quantised(quantization: Any, path: Path, output: Path, rows: Sequence[dict[str, np.ndarray]]) -> None:
    if not rows:
        quantization.quantize_dynamic(path, output, op_types_to_quantize=["MatMul", "Gemm"], per_channel=True)
        return
    quantization.quantize_static(
        path,
        output,
        _Rows(rows, path),
        quant_format=quantization.QuantFormat.QDQ,
        op_types_to_quantize=["Conv", "MatMul", "Gemm"],
        per_channel=True,
        activation_type=quantization.QuantType.QUInt8,
        weight_type=quantization.QuantType.QInt8,
    )


class _Rows:
    """What onnxruntime's calibration asks for: the next inputs, or None."""

    def __init__(self, rows: Sequence[dict[str, np.ndarray]], path: Path):
        import onnx

        # an input that the network never reads is not one of the graph's
        names = [one.name for one in onnx.load(path, load_external_data=False).graph.input]
        self.rows: Iterator[dict[str, np.ndarray]] = iter([{name: row[name] for name in names} for row in rows])

    def get_next(self) -> dict[str, Any] | None:
        """The next inputs."""
        return next(self.rows, None)
