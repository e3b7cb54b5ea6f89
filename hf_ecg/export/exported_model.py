"""What `hf-ecg export` wrote, run by onnxruntime and numpy: neither torch nor a model of transformers is imported."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..extras import install_words
from ..processing.recipe_run import SavedRecipe, prepare
from ..strict_json import read_json_object

FACTS_NAME, MODEL_NAME, INT8_NAME, TEXTS_NAME = "export.json", "model.onnx", "model_quantized.onnx", "texts.npz"
RECIPE_NAME = "preprocessor_config.json"
# what stands in `role` of the facts, and how the outputs become scores
SIGMOID, SOFTMAX, VALUES = "sigmoid", "softmax", "values"


class ExportedModel:
    """An exported folder, ready to answer.

    Args:
        folder: what `hf-ecg export` made.
        int8: run the file of whole numbers.
        threads: of onnxruntime.

    Raises:
        OSError: the folder, or the int8 file, is not there.
        ValueError: a file of it is damaged.
        ImportError: onnxruntime is not installed.

    Example, of a folder that `hf-ecg export ecg-text-small out/onnx --texts "sinus rhythm"` made::

        from hf_ecg.export import ExportedModel

        model = ExportedModel("out/onnx")
        model.classify("record.hea")  # {text: score}
    """

    def __init__(self, folder, int8: bool = False, threads: int = 1):
        self.folder = Path(folder)
        path = self.folder / (INT8_NAME if int8 else MODEL_NAME)
        if not path.is_file():
            raise FileNotFoundError(f"{path} is not there: hf-ecg export makes it{' with --int8' if int8 else ''}")
        self.facts = _saved(self.folder / FACTS_NAME, ("role", "labels", "scores"))
        keys = ("sampling_rate", "leads", "num_samples", "steps")
        saved = _saved(self.folder / RECIPE_NAME, keys)
        self.recipe = SavedRecipe(*(saved[name] for name in keys))
        self.session = _session(path, threads)
        self.texts = None
        if (self.folder / TEXTS_NAME).is_file():
            with np.load(self.folder / TEXTS_NAME) as texts:
                self.texts = texts["embeddings"]

    def inputs(self, signals, *args, **options) -> dict[str, np.ndarray]:
        """The arrays that the graph takes; arguments are those of `ECGFeatureExtractor`, but for `return_tensors`."""
        return prepare(self.recipe, signals, *args, **options)

    def run(self, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Every output by its name, float32, of `inputs`. An input that the network never reads is left out."""
        absent = [one.name for one in self.session.get_inputs() if one.name not in inputs]
        if absent:
            raise ValueError(f"the graph wants {', '.join(absent)} too, and was given {', '.join(inputs)}")
        wanted = {one.name: inputs[one.name] for one in self.session.get_inputs()}
        names = [one.name for one in self.session.get_outputs()]
        return dict(zip(names, self.session.run(names, wanted), strict=True))

    def classify(self, signals, *args, **options) -> dict[str, float]:
        """Label, or text of a dual encoder, -> score, of one record; of several windows the mean.

        Raises:
            ValueError: a model without labels or texts; several records; what the recipe refuses.
        """
        labels = self.facts["labels"]
        if not labels:
            raise ValueError(f"{self.folder} holds {self.facts['role']}, which has no labels: call run")
        inputs = self.inputs(signals, *args, **options)
        records = len(np.unique(inputs.get("record_index", np.arange(len(inputs["input_values"])))))
        if records != 1:
            raise ValueError(f"classify answers for one record, and {records} were given: call it for each")
        outputs = self.run(inputs)
        if self.texts is None:
            scores = scored(outputs["logits"], self.facts["scores"])
        else:
            logits = self.facts["scale"] * outputs["embeddings"] @ self.texts.T + self.facts["bias"]
            scores = scored(logits, self.facts["scores"])
        return dict(zip(labels, scores.mean(axis=0).tolist(), strict=True))


def scored(logits: np.ndarray, how: str) -> np.ndarray:
    """Scores (rows, labels) of logits: by themselves ("sigmoid"), among all ("softmax"), or as they are ("values")."""
    values = np.asarray(logits, dtype=np.float64)
    if how == SIGMOID:
        return 1 / (1 + np.exp(-values))
    if how == SOFTMAX:
        raised = np.exp(values - values.max(axis=1, keepdims=True))
        return raised / raised.sum(axis=1, keepdims=True)
    return values


def _saved(path: Path, keys: Sequence[str]) -> dict[str, Any]:
    found = read_json_object(path)
    absent = [key for key in keys if key not in found]
    if absent:
        raise ValueError(f"{path} has no {', '.join(absent)}: hf-ecg export writes it")
    return found


def _session(path: Path, threads: int) -> Any:
    try:
        import onnxruntime
        from onnxruntime.capi import onnxruntime_pybind11_state as state
    except ImportError as error:
        raise ImportError(f"exported models need onnxruntime: {install_words('onnxruntime', 'onnx')}") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except (state.Fail, state.InvalidGraph, state.InvalidProtobuf, state.InvalidArgument) as error:
        raise ValueError(f"{path} is not an ONNX file that onnxruntime reads: {error}") from error


def largest_difference(found: dict[str, np.ndarray], wanted: dict[str, np.ndarray]) -> dict[str, dict[str, float]]:
    """Of each output, the largest absolute difference and the smallest cosine of two rows."""
    told = {}
    for name, value in wanted.items():
        ours = found[name].reshape(len(value), -1).astype(np.float64)
        theirs = np.asarray(value, dtype=np.float64).reshape(len(value), -1)
        lengths = np.linalg.norm(ours, axis=1) * np.linalg.norm(theirs, axis=1)
        cosines: Sequence[float] = (ours * theirs).sum(axis=1) / np.maximum(lengths, 1e-30)
        told[name] = {"difference": float(np.abs(ours - theirs).max()), "cosine": float(np.min(cosines))}
    return told
