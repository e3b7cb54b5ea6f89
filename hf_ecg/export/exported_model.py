"""What `hf-ecg export` wrote, run by onnxruntime and numpy: neither torch nor a model of transformers is imported."""

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from ..checks import check_bool, check_one_of, check_positive_integer, is_finite_number, nearest, shown
from ..extras import install_words
from ..files import DAMAGED_ARRAYS
from ..processing.recipe_run import checked_recipe, prepare
from ..strict_json import naming_the_source, read_json_object

INPUTS = (VALUES_IN, LEAD_MASK, SAMPLE_MASK) = ("input_values", "lead_mask", "sample_mask")
# what the extractor tells beside them, of several windows of a record
RECORD_INDEX = "record_index"
FACTS_NAME, MODEL_NAME, INT8_NAME, TEXTS_NAME = "export.json", "model.onnx", "model_quantized.onnx", "texts.npz"
RECIPE_NAME = "preprocessor_config.json"
# how the outputs become scores
SCORES = (SIGMOID, SOFTMAX, VALUES) = ("sigmoid", "softmax", "values")
DUAL = "dual encoder"
MOST_THREADS = 1024


class ExportedModel:
    """An exported folder, ready to answer.

    Args:
        folder: what `hf-ecg export` made.
        int8: run the file of whole numbers.
        threads: of onnxruntime.

    Raises:
        OSError: the folder, or a file of it, is not there.
        ValueError: a file of it is damaged; `int8` or `threads` of another kind.
        ImportError: onnxruntime is not installed.

    Example, of a folder that `hf-ecg export ecg-text-small out/onnx --texts "sinus rhythm"` made::

        from hf_ecg.export import ExportedModel

        model = ExportedModel("out/onnx")
        model.classify("record.hea")  # {text: score}
    """

    def __init__(self, folder, int8: bool = False, threads: int = 1):
        check_bool("int8", int8)
        check_positive_integer("threads", threads)
        if threads > MOST_THREADS:
            raise ValueError(f"threads is {threads}, wanted at most {MOST_THREADS}")
        if not isinstance(folder, (str, PathLike)):
            raise ValueError(f"folder is {shown(folder)}, wanted the path of a folder")
        self.folder = Path(folder)
        path = self.folder / (INT8_NAME if int8 else MODEL_NAME)
        if not path.is_file():
            raise FileNotFoundError(f"{path} is not there: hf-ecg export makes it{' with --int8' if int8 else ''}")
        self.facts = _facts(self.folder / FACTS_NAME)
        keys = ("sampling_rate", "leads", "num_samples", "steps")
        saved = _saved(self.folder / RECIPE_NAME, keys)
        with naming_the_source(self.folder / RECIPE_NAME):
            self.recipe = checked_recipe(*(saved[name] for name in keys))
        self.session = _session(path, threads)
        self.texts = _texts(self.folder / TEXTS_NAME, self.facts["labels"]) if self.facts["role"] == DUAL else None

    def inputs(self, signals, *args, **options) -> dict[str, np.ndarray]:
        """The arrays that the graph takes; arguments and errors are those of `ECGFeatureExtractor`, but for
        `return_tensors`."""
        return prepare(self.recipe, signals, *args, **options)

    def run(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Every output by its name, float32.

        Args:
            inputs: what `inputs` made: `input_values`, float (rows, leads, samples); `lead_mask` (rows, leads) and
                `sample_mask` (rows, samples), false where a lead is absent or a sample is padding. Without a mask all
                is there, as for the model itself.

        Raises:
            ValueError: another name, type or shape; another length, of a network of one length; NaN or infinite values
                in a lead that is there, or in what the network gives.
        """
        given = checked_inputs(inputs, self._wanted_shape())
        names = [one.name for one in self.session.get_outputs()]
        # an input that the network never reads is not one of the graph's
        wanted = {one.name: given[one.name] for one in self.session.get_inputs()}
        try:
            found = self.session.run(names, wanted)
        except _faults() as error:
            raise ValueError(f"the graph of {self.folder} does not take these inputs: {error}") from error
        bad = [name for name, values in zip(names, found, strict=True) if not np.isfinite(values).all()]
        if bad:
            raise ValueError(f"{self.folder} gives NaN or infinite values for an ECG without them, in {bad[0]}")
        return dict(zip(names, found, strict=True))

    def classify(self, signals, *args, **options) -> dict[str, float]:
        """Label, or text of a dual encoder, -> score, of one record.

        Of several windows the mean counts, as the pipelines make it: of logits or embeddings, each window weighted by
        the signal that it holds.

        Raises:
            ValueError: a model without labels or texts; several records; what the recipe refuses.
        """
        labels = self.facts["labels"]
        if not labels:
            raise ValueError(f"{self.folder} holds {self.facts['role']}, which has no labels: call run")
        inputs = self.inputs(signals, *args, **options)
        records = len(np.unique(inputs.get(RECORD_INDEX, np.arange(len(inputs[VALUES_IN])))))
        if records != 1:
            raise ValueError(f"classify answers for one record, and {records} were given: call it for each")
        outputs, held = self.run(inputs), np.asarray(inputs["sample_mask"]).sum(axis=1)
        if self.texts is None:
            logits = _mean(outputs["logits"], held)
        else:
            embedding = _mean(outputs["embeddings"], held)
            embedding = embedding / np.linalg.norm(embedding)
            logits = self.facts["scale"] * embedding @ self.texts.T + self.facts["bias"]
        scores = scored(logits, self.facts["scores"])
        if scores.shape[1] != len(labels):
            raise ValueError(f"{self.folder / FACTS_NAME} has {len(labels)} labels, the graph {scores.shape[1]}")
        return dict(zip(labels, scores[0].tolist(), strict=True))

    def _wanted_shape(self) -> tuple[int | None, int | None]:
        """Leads and samples that the graph wants; None where any number is right."""
        (shape,) = (one.shape for one in self.session.get_inputs() if one.name == VALUES_IN)
        leads, samples = (size if isinstance(size, int) else None for size in shape[1:])
        return leads, samples


def checked_inputs(inputs, wanted: tuple[int | None, int | None]) -> dict[str, np.ndarray]:
    """The three arrays of a graph, float32 and bool; sentences are those of the model itself.

    Args:
        inputs: name -> array.
        wanted: leads and samples of the graph, None for any number.

    Raises:
        ValueError: see `ExportedModel.run`.
    """
    if not isinstance(inputs, Mapping):
        raise ValueError(f"inputs is of type {type(inputs).__name__}, wanted a dict of arrays by {', '.join(INPUTS)}")
    for name in inputs:
        if name not in (*INPUTS, RECORD_INDEX):
            raise ValueError(f"inputs hold {name!r}{nearest(name, INPUTS)}, wanted {', '.join(INPUTS)}")
    if VALUES_IN not in inputs:
        raise ValueError(f"the graph wants {VALUES_IN}, and was given {', '.join(inputs) or 'nothing'}")
    given = {name: inputs[name] for name in INPUTS if inputs.get(name) is not None or name == VALUES_IN}
    for name, value in given.items():
        if not hasattr(value, "__array__"):
            raise ValueError(f"{name} is of type {type(value).__name__}, wanted a numpy array")
    values = np.asarray(given[VALUES_IN])
    leads, samples = wanted
    if values.ndim != 3 or leads not in (None, values.shape[1]):
        raise ValueError(f"{VALUES_IN} have shape {values.shape}, wanted (batch, {leads or 'leads'}, samples)")
    if values.dtype.kind != "f":
        raise ValueError(f"{VALUES_IN} are {values.dtype}, wanted float32")
    if 0 in values.shape:
        raise ValueError(f"{VALUES_IN} have shape {values.shape}: records without a sample")
    if samples not in (None, values.shape[2]):
        raise ValueError(f"{VALUES_IN} have {values.shape[2]} samples, wanted {samples}: the network is of one length")
    masks = {}
    for name, axis in ((LEAD_MASK, 1), (SAMPLE_MASK, 2)):
        shape = values.shape[0], values.shape[axis]
        mask = np.asarray(given.get(name, np.ones(shape, dtype=bool)))
        if mask.shape != shape:
            raise ValueError(f"{name} has shape {mask.shape}, wanted {shape}")
        if mask.dtype.kind not in "biuf":
            raise ValueError(f"{name} is {mask.dtype}, wanted bool")
        masks[name] = mask.astype(bool)
    with np.errstate(over="ignore"):  # told below
        values = values.astype(np.float32)
    bad = (~np.isfinite(values) & masks[LEAD_MASK][:, :, None]).any(axis=(1, 2))
    if bad.any():
        rows = np.flatnonzero(bad)[:5].tolist()
        raise ValueError(f"{VALUES_IN} hold NaN or infinite values in {int(bad.sum())} rows, first {rows}")
    return {VALUES_IN: values} | masks


def _mean(rows: np.ndarray, held: np.ndarray) -> np.ndarray:
    """(1, size), each row weighted by the samples of signal in its window."""
    weights = held if held.any() else np.ones(len(rows))
    return np.average(rows.astype(np.float64), axis=0, weights=weights)[None]


def scored(logits: np.ndarray, how: str) -> np.ndarray:
    """Scores (rows, labels) of logits: by themselves ("sigmoid"), among all ("softmax"), or as they are ("values")."""
    values = np.asarray(logits, dtype=np.float64)
    if how == SIGMOID:
        return np.exp(-np.logaddexp(0, -values))
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


def _facts(path: Path) -> dict[str, Any]:
    found = _saved(path, ("role", "labels", "scores"))
    labels = found["labels"]
    if labels is not None and not (isinstance(labels, list) and all(isinstance(one, str) for one in labels)):
        raise ValueError(f"{path}: labels is {shown(labels, 60)}, wanted a list of texts")
    if len(set(labels or ())) < len(labels or ()):
        raise ValueError(f"{path}: a label is there twice: {shown(labels)}")
    check_one_of(f"{path}: scores", found["scores"], SCORES)
    for name in ("scale", "bias") if found["role"] == DUAL else ():
        if not is_finite_number(found.get(name)):
            raise ValueError(f"{path}: {name} is {shown(found.get(name), 60)}, wanted a finite number")
    return found


def _texts(path: Path, labels: Sequence[str] | None) -> np.ndarray:
    if not path.is_file():
        raise FileNotFoundError(f"{path} is not there: hf-ecg export writes it of a model of ECGs and texts")
    try:
        with np.load(path) as file:
            found = np.asarray(file["embeddings"], dtype=np.float32)
    except (*DAMAGED_ARRAYS, TypeError) as error:
        raise ValueError(f"{path} does not hold embeddings of texts: {error}") from error
    if found.ndim != 2 or len(found) != len(labels or ()):
        raise ValueError(f"{path} has embeddings of shape {found.shape}, wanted a row for each of {len(labels or ())}")
    return found


def _faults() -> tuple[type[Exception], ...]:
    """What onnxruntime raises: its exceptions have no class of their own in common."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    names = (
        "Fail InvalidGraph InvalidProtobuf InvalidArgument NotImplemented NoSuchFile RuntimeException EPFail NoModel"
    )
    return tuple(found for name in names.split() if (found := getattr(state, name, None)) is not None)


def _session(path: Path, threads: int) -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise ImportError(f"exported models need onnxruntime: {install_words('onnxruntime', 'onnx')}") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except _faults() as error:
        raise ValueError(f"{path} is not an ONNX file that onnxruntime reads: {error}") from error
    names = [one.name for one in session.get_inputs()]
    if VALUES_IN not in names or set(names) - set(INPUTS):
        raise ValueError(f"{path} takes {', '.join(names) or 'nothing'}, wanted {', '.join(INPUTS)}: hf-ecg export")
    return session


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
