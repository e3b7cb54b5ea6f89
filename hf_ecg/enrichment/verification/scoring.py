"""Probabilities by cross-fitted dual encoders: each record is scored by the model that has not seen it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import datasets
import numpy as np

from ...evaluation.judging.features import ecg_embeddings, ecg_text_embeddings
from ...evaluation.judging.refused import nan_where_refused
from ...evaluation.loading import load_dual_encoder, pick_device
from ...evaluation.options import DEFAULT_FORWARD, ForwardOptions
from ...files import ArrayStore
from ...progress import progress_bar
from .clep import check_reachable, pair_probabilities, sigmoid_parameters
from .cross_fit import CrossFit
from .pairs import FeaturePairs
from .positives import implied_features
from .thresholds import MINIMUM_POSITIVES, TARGET_PRECISION, FeatureThreshold, feature_threshold

CHUNK = 1024


@dataclass(frozen=True)
class ClepOptions:
    """How the dual encoders judge.

    Args:
        models: folders with training facts, see `cross_fit.train_cross_fit`.
        target_precision, minimum_positives: see `thresholds.feature_threshold`.
        compat_fixed_threshold: one probability for all features in place of that, 0.95 in the paper.
        forward: batch size (ECGs or texts) and device.
    """

    models: Sequence[str] = ()
    target_precision: float = TARGET_PRECISION
    minimum_positives: int = MINIMUM_POSITIVES
    compat_fixed_threshold: float | None = None
    forward: ForwardOptions = DEFAULT_FORWARD


DEFAULT_CLEP = ClepOptions()


class CrossFittedClep:
    """Embeddings of all records that the models may be asked about, and of all feature texts, made once.

    What is asked of a record that a model's extractor refuses has the probability NaN.

    Args:
        cross_fit: which model judges which fold.
        dataset: rows of a corpus.
        folds: (rows,).
        names: the feature texts.
        fixed_threshold: stop before any record is encoded when a model's probabilities cannot reach it.
        cache: of an earlier run with the same rows and models.
        forward: batch size and device of the models.
        progress: show progress bars.

    Raises:
        ValueError: a model without the sigmoid loss, or one that cannot reach the fixed threshold.
    """

    def __init__(
        self,
        cross_fit: CrossFit,
        dataset: datasets.Dataset,
        folds: np.ndarray,
        names: Sequence[str],
        fixed_threshold: float | None = None,
        cache: ArrayStore | None = None,
        forward: ForwardOptions = DEFAULT_FORWARD,
        progress: bool = True,
    ):
        self.cross_fit, self.folds, self.names = cross_fit, np.asarray(folds), tuple(names)
        self.judge = np.array([cross_fit.judge[fold] for fold in self.folds.tolist()], dtype=np.int64)
        loaded = [load_dual_encoder(folder, pick_device(forward.device)) for folder in cross_fit.folders]
        self.parameters = [sigmoid_parameters(model) for model, _ in loaded]
        for scale, bias in self.parameters:
            if fixed_threshold is not None:
                check_reachable(scale, bias, fixed_threshold)
        self.places, self.ecg_embeds, self.text_embeds = [], [], []
        for number, (model, processor) in enumerate(loaded):
            rows = np.flatnonzero((self.judge == number) | ~np.isin(self.folds, list(cross_fit.seen[number])))
            places = np.full(len(dataset), -1)
            places[rows] = np.arange(len(rows))
            self.places.append(places)
            title = f"model {number + 1} of {len(loaded)}" if progress else None
            store, size = cache or ArrayStore(None), forward.batch_size
            chosen = dataset.select(rows)
            encode = partial(ecg_embeddings, model, processor, batch_size=size)
            none = np.empty((0, model.config.projection_dim), np.float32)
            made = _embeds(encode, chosen, store, f"embeds-{number}", title, forward.strict)
            self.ecg_embeds.append(np.concatenate([none, *made]))
            self.text_embeds.append(ecg_text_embeddings(model, processor, self.names, size))

    def pair_scores(self, pairs: FeaturePairs) -> np.ndarray:
        """float64 (pairs,): each record's probabilities by the model that has not seen it."""
        result = np.empty(len(pairs))
        judge = self.judge[pairs.rows]
        for number in range(len(self.parameters)):
            mine = np.flatnonzero(judge == number)
            result[mine] = self._probabilities(number, pairs.rows[mine], pairs.features[mine])
        return result

    def feature_scores(self, number: int, rows: np.ndarray, feature: int) -> np.ndarray:
        """float64 (rows,): the probabilities of one feature by one model, which was not trained on these rows."""
        return self._probabilities(number, rows, np.full(len(rows), feature))

    def _probabilities(self, number: int, rows: np.ndarray, features: np.ndarray) -> np.ndarray:
        places = self.places[number][rows]
        if (places < 0).any():
            raise ValueError(f"model {number} was trained on {int((places < 0).sum())} of the {len(rows)} records")
        embeds = self.ecg_embeds[number], self.text_embeds[number]
        return pair_probabilities(*embeds, places, features, *self.parameters[number])


def _embeds(encode, dataset, store: ArrayStore, name: str, title: str | None, strict: bool) -> list:
    parts = []
    with progress_bar(total=len(dataset), desc=f"encoding, {title}", unit="record", disable=title is None) as bar:
        for start in range(0, len(dataset), CHUNK):
            part = dataset.select(range(start, min(start + CHUNK, len(dataset))))

            def make(part=part):
                return {"embeds": nan_where_refused(encode, part, strict)}

            # whoever wants no gaps must not be given what was made with gaps for refused rows
            key = f"{name}-strict-{start:09d}" if strict else f"{name}-{start:09d}"
            parts.append(store.make(key, make)["embeds"])
            bar.update(len(part))
    return parts


def calibrate(
    scores: CrossFittedClep,
    dataset: datasets.Dataset,
    allowed: np.ndarray,
    target_precision: float = TARGET_PRECISION,
    minimum_positives: int = MINIMUM_POSITIVES,
    held_out: Sequence[str] = (),
) -> dict[int, list[FeatureThreshold]]:
    """Thresholds of every feature for the records of every fold.

    They rest on rows that the fold's model was not trained on, of other folds than the one judged, and of none that
    was set aside for evaluation (`CrossFit.calibration_folds`).

    Args:
        scores: of the models.
        dataset: the rows that they were made for.
        allowed: bool (rows,): rows whose statements are all known.
        target_precision, minimum_positives: see `feature_threshold`.
        held_out: codes of statements that no threshold may rest on, as the corpus's texts never mention them.

    Returns:
        Fold -> a threshold for each of `scores.names`.
    """
    positive = implied_features(dataset, scores.names, held_out=held_out)
    thresholds = {}
    for fold, number in scores.cross_fit.judge.items():
        rows = np.flatnonzero(np.isin(scores.folds, scores.cross_fit.calibration_folds(fold)) & allowed)
        thresholds[fold] = []
        for feature, name in enumerate(scores.names):
            labels = positive[rows, feature]
            # most texts of a language model are not features of the table: nothing to calibrate on
            found = np.zeros(len(rows))
            if labels.sum() >= minimum_positives:
                found = scores.feature_scores(number, rows, feature)
                labels, found = labels[np.isfinite(found)], found[np.isfinite(found)]
            thresholds[fold].append(feature_threshold(name, labels, found, target_precision, minimum_positives))
    return thresholds
