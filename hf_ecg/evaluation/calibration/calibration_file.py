"""`calibration.json` beside a model's weights: what turns its scores into answers that say how sure they are."""

import dataclasses
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...checks import nearest
from ...files import atomic_file
from ...strict_json import read_json_object
from .outliers import MAHALANOBIS, SCORES, Outliers
from .probability_maps import IDENTITY, ISOTONIC, KINDS, METHODS, MULTI_LABEL, ProbabilityMap, probabilities

FILE_NAME = "calibration.json"
VERSION = 1
VERDICTS = (PRESENT, ABSENT, UNSURE) = ("present", "absent", "unsure")
_LARGEST = 1e100


@dataclass(frozen=True)
class CalibratedClass:
    """One class of a task; scores are the model's own logits, before any map.

    Args:
        label: as the model names its output, or the class of a prompt set.
        positives, negatives: rows that it was fitted on.
        map: from scores to probabilities; "identity" where there were too few positives or negatives.
        set_from: score from which the class is in the set; None: always.
        answer_from: confidence from which an answer is given; None: never.
        cut_at: score at the chosen sensitivity; None where there was no positive.
        texts: that it was asked by, of a model of ECGs and texts.
        absent_to: score up to which the class may be absent; None: whatever the score. Of a multi-label task.
    """

    label: str
    positives: int
    negatives: int
    map: ProbabilityMap
    set_from: float | None = None
    answer_from: float | None = None
    cut_at: float | None = None
    texts: tuple[str, ...] = ()
    absent_to: float | None = None


@dataclass(frozen=True)
class CalibratedTask:
    """A label set or a prompt set.

    Args:
        kind: "multi_label" or "single_label", whose classes have one map, one set and one answer.
        label_set: column of the corpus.
        coverage, risk, sensitivity: that the thresholds of the classes were chosen for.
        classes: in the order of the scores' columns.
        aggregate: how the cosines of a class's texts became one, of a model of ECGs and texts.
    """

    kind: str
    label_set: str
    coverage: float
    risk: float
    sensitivity: float
    classes: tuple[CalibratedClass, ...]
    aggregate: str | None = None

    def probabilities(self, scores) -> np.ndarray:
        """float64 (rows, classes) of logits (rows, classes)."""
        return probabilities(self.kind, [one.map for one in self.classes], scores)

    def in_set(self, scores) -> np.ndarray:
        """bool (rows, classes): which classes are not ruled out at the coverage."""
        scores = np.asarray(scores, dtype=np.float64)
        if self.kind != MULTI_LABEL:
            scores = scores - np.logaddexp.reduce(scores, axis=1, keepdims=True)
        return scores >= [-np.inf if one.set_from is None else one.set_from for one in self.classes]

    def verdicts(self, scores) -> np.ndarray:
        """What the sets say of each class, (rows, classes) of `VERDICTS`.

        Of a multi-label task a class is "present" where its absence is ruled out, "absent" where its presence is, and
        "unsure" where neither is, or both are, or where there were too few rows for one of both thresholds: with the
        probability `coverage` a true class is not called absent, and a false one not present. Where classes exclude
        each other, a class alone in its set is "present", one of several "unsure", and any other "absent", but for an
        empty set: it says nothing.
        """
        scores = np.asarray(scores, dtype=np.float64)
        may_be = self.in_set(scores)
        if self.kind == MULTI_LABEL:
            may_not = scores <= [np.inf if one.absent_to is None else one.absent_to for one in self.classes]
            # the highest tenth of the others alone does not make a class present that hardly any row had
            half = np.array([one.set_from is None or one.absent_to is None for one in self.classes])
            may_be, may_not = may_be | half, may_not | half
        else:
            size = may_be.sum(axis=1, keepdims=True)
            may_be, may_not = may_be | (size == 0), ~may_be | (size > 1)
        return np.where(may_be == may_not, UNSURE, np.where(may_be, PRESENT, ABSENT))

    def abstained(self, found) -> np.ndarray:
        """bool (rows, classes) of probabilities: where no answer is given, for the risk cannot be kept."""
        sure = np.maximum(found, 1 - found) if self.kind == MULTI_LABEL else found.max(axis=1, keepdims=True)
        least = [np.inf if one.answer_from is None else one.answer_from for one in self.classes]
        # a map gives the same number again, but for its last digits
        return sure < np.array(least) - 1e-12


@dataclass(frozen=True)
class Calibration:
    """What `calibration.json` holds.

    Args:
        weights: digest of the weights that it is of; see `evaluation.weights`.
        facts: corpus, configuration, folds, records, patients, seed, version and command.
        tasks: by name of the label set or the prompt set.
        outliers: what tells strange inputs; None where it was not asked for.
    """

    weights: str
    facts: dict
    tasks: dict[str, CalibratedTask]
    outliers: Outliers | None = None

    def check_weights(self, digest: str | None, source, where: str = FILE_NAME) -> None:
        """Raises ValueError when a model has other weights than were calibrated."""
        if digest != self.weights:
            raise ValueError(
                f"{where} is of the weights {self.weights[:19]}, and {source} has {str(digest)[:19]}: calibrate these"
                " weights (hf-ecg calibrate), or leave it out (calibration=False)"
            )

    def task_of_texts(self, texts: Mapping[str, list[str]]) -> tuple[CalibratedTask, list[int]] | None:
        """The task whose classes were asked by the same texts, and the place of each class in it; None without."""
        for task in self.tasks.values():
            places = {frozenset(one.texts): place for place, one in enumerate(task.classes) if one.texts}
            found = [places.get(frozenset(group)) for group in texts.values()]
            if None not in found:
                return task, [place for place in found if place is not None]
        return None


def write_calibration(calibration: Calibration, path) -> Path:
    """Writes the file, whole or not."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"version": VERSION, **_plain(calibration)}
    with atomic_file(path) as file:
        file.write(json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
    return path


def read_calibration(path) -> Calibration:
    """The file that `write_calibration` wrote.

    Raises:
        ValueError: another version, unknown or absent keys, values of another type, numbers that are not finite.
        OSError: it cannot be read.

    Example:
        >>> from hf_ecg.evaluation.calibration.calibration_file import read_calibration
        >>> read_calibration("out/calibration.json").tasks["rhythm"].coverage  # doctest: +SKIP
        0.9
    """
    path = Path(path)
    content = read_json_object(path)
    version = content.pop("version", None)
    if version != VERSION:
        raise ValueError(f"{path} has the version {version!r}, this hf_ecg reads {VERSION}: calibrate again")
    values = _checked(content, Calibration, str(path))
    if not isinstance(values["facts"], dict) or not isinstance(values["tasks"], dict) or not values["tasks"]:
        raise ValueError(f"{path}: facts and tasks are to be objects, with one task at least")
    tasks = {name: _task(one, f"{path}: tasks.{name}") for name, one in values["tasks"].items()}
    outliers = values.get("outliers")
    return Calibration(
        _text(values["weights"], f"{path}: weights"),
        values["facts"],
        tasks,
        None if outliers is None else _outliers(outliers, f"{path}: outliers"),
    )


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {one.name: _plain(getattr(value, one.name)) for one in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, (list, tuple)) else value


def _checked(values, kind: type, where: str) -> dict:
    """The keys of a dataclass; those with a default may be absent."""
    if not isinstance(values, dict):
        raise ValueError(f"{where} is {values!r:.60}, wanted an object")
    fields = dataclasses.fields(kind)
    known = [one.name for one in fields]
    for key in values:
        if key not in known:
            raise ValueError(f"{where} holds {key!r}{nearest(key, known)}, wanted keys among {known}")
    wanted = [one.name for one in fields if one.default is dataclasses.MISSING]
    absent = [name for name in wanted if name not in values]
    if absent:
        raise ValueError(f"{where} has no {', '.join(absent)}")
    return values


def _task(values, where: str) -> CalibratedTask:
    values = dict(_checked(values, CalibratedTask, where))
    if values["kind"] not in KINDS:
        raise ValueError(f"{where}: kind is {values['kind']!r}, wanted one of {KINDS}")
    _text(values["label_set"], f"{where}: label_set")
    for name in ("coverage", "risk", "sensitivity"):
        if not 0 < _number(values[name], f"{where}: {name}") < 1:
            raise ValueError(f"{where}: {name} is {values[name]}, wanted a share between 0 and 1")
    if values.get("aggregate") is not None:
        _text(values["aggregate"], f"{where}: aggregate")
    classes = values["classes"]
    if not isinstance(classes, list) or not classes:
        raise ValueError(f"{where}: classes is {classes!r:.60}, wanted a list of objects")
    values["classes"] = tuple(_class(one, f"{where}: classes[{place}]") for place, one in enumerate(classes))
    labels = [one.label for one in values["classes"]]
    if len(set(labels)) < len(labels):
        raise ValueError(f"{where}: a label is there twice: {labels}")
    return CalibratedTask(**values)


def _class(values, where: str) -> CalibratedClass:
    values = dict(_checked(values, CalibratedClass, where))
    _text(values["label"], f"{where}: label")
    for name in ("positives", "negatives"):
        if type(values[name]) is not int or values[name] < 0:
            raise ValueError(f"{where}: {name} is {values[name]!r}, wanted a number of rows")
    for name in ("set_from", "answer_from", "cut_at", "absent_to"):
        if values.get(name) is not None:
            _number(values[name], f"{where}: {name}")
    texts = values.get("texts", [])
    if not isinstance(texts, list):
        raise ValueError(f"{where}: texts is {texts!r:.60}, wanted a list of texts")
    values["texts"] = tuple(_text(one, f"{where}: texts") for one in texts)
    values["map"] = _map(values["map"], f"{where}: map")
    return CalibratedClass(**values)


def _map(values, where: str) -> ProbabilityMap:
    values = dict(_checked(values, ProbabilityMap, where))
    if values.get("method") not in (IDENTITY, *METHODS):
        raise ValueError(f"{where}: method is {values.get('method')!r}, wanted one of {(IDENTITY, *METHODS)}")
    for name in ("scores", "probabilities"):
        values[name] = _numbers(values.get(name, []), f"{where}: {name}")
    if _number(values.get("slope", 1.0), f"{where}: slope") < 0:
        raise ValueError(f"{where}: slope is {values['slope']}, wanted 0 or more")
    _number(values.get("intercept", 0.0), f"{where}: intercept")
    corners = values["scores"], values["probabilities"]
    rising = all(all(a <= b for a, b in zip(part, part[1:], strict=False)) for part in corners)
    if len(corners[0]) != len(corners[1]) or not rising or (values["method"] == ISOTONIC and not corners[0]):
        raise ValueError(
            f"{where}: scores and probabilities are {len(corners[0])} and {len(corners[1])} numbers, wanted"
            " as many of both, rising"
        )
    if any(not 0 <= one <= 1 for one in corners[1]):
        raise ValueError(f"{where}: probabilities are outside of 0 to 1")
    return ProbabilityMap(**values)


def _outliers(values, where: str) -> Outliers:
    values = dict(_checked(values, Outliers, where))
    if values["method"] not in SCORES:
        raise ValueError(f"{where}: method is {values['method']!r}, wanted one of {SCORES}")
    for name in ("threshold", "expected", "rest"):
        _number(values.get(name, 1.0), f"{where}: {name}")
    for name in ("mean", "variances"):
        values[name] = _numbers(values.get(name, []), f"{where}: {name}")
    rows = values.get("components", [])
    if not isinstance(rows, list):
        raise ValueError(f"{where}: components is {rows!r:.60}, wanted a list of lists")
    values["components"] = tuple(_numbers(row, f"{where}: components") for row in rows)
    sizes = {len(row) for row in values["components"]}
    whole = sizes == {len(values["mean"])} and len(values["components"]) == len(values["variances"])
    if values["method"] == MAHALANOBIS and not (whole and min(*values["variances"], values.get("rest", 1.0)) > 0):
        raise ValueError(f"{where}: components, variances and mean do not fit each other")
    return Outliers(**values)


def _numbers(values, where: str) -> tuple[float, ...]:
    if not isinstance(values, list):
        raise ValueError(f"{where} is {values!r:.60}, wanted a list of numbers")
    return tuple(_number(one, where) for one in values)


def _number(value, where: str) -> float:
    number = value if isinstance(value, (int, float)) and not isinstance(value, bool) else math.nan
    # beyond these, sums and products of scores are infinite; whole numbers of JSON have no end
    if not -_LARGEST <= number <= _LARGEST:
        raise ValueError(f"{where} holds {value!r:.60}, wanted a finite number")
    return float(value)


def _text(value, where: str) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"{where} holds {value!r:.60}, wanted a text")
    return value
