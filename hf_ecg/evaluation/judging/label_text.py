"""Classification by texts: similarity of records to prompts of each class, and a classifier's scores by class name.

Whether a figure made here may be called *zero-shot* depends on what the model was trained on; see protocol.py.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from ...clinical.descriptions import Description
from ..options import BY, DESCRIPTIONS, MEAN, NAMES, NAMES_AND_DESCRIPTIONS
from .asked_texts import UNKNOWN, AskedTexts, TrainedTexts, asked_texts
from .features import classifier_logits, ecg_embeddings, ecg_text_embeddings

AGGREGATES = ("max", "noisy_or", "mean")


def aggregate_similarities(
    similarities: np.ndarray,
    prompts_per_class: Sequence[int],
    aggregate: str,
    scale: float | None = None,
    bias: float | None = None,
) -> np.ndarray:
    """From similarities to prompts to one score a class.

    Args:
        similarities: cosines (rows, prompts), the prompts of a class beside each other.
        prompts_per_class: how many prompts each class has.
        aggregate: "max" or "mean" of the cosines, or "noisy_or": 1 - prod(1 - sigmoid(scale * cosine + bias)).
        scale: exponentiated logit scale, for "noisy_or".
        bias: logit bias, for "noisy_or".

    Returns:
        float64 (rows, classes).

    Raises:
        ValueError: unknown aggregate, "noisy_or" without scale or bias, counts that do not add up.
    """
    similarities = np.asarray(similarities, dtype=np.float64)
    if aggregate not in AGGREGATES:
        raise ValueError(f"aggregate is {aggregate!r}, wanted one of {AGGREGATES}")
    if similarities.ndim != 2 or sum(prompts_per_class) != similarities.shape[1] or min(prompts_per_class) < 1:
        raise ValueError(f"similarities {similarities.shape} do not split into {list(prompts_per_class)} prompts")
    if aggregate == "noisy_or":
        if scale is None or bias is None:
            raise ValueError("noisy_or needs the scale and bias of a model trained with the sigmoid loss")
        log_absent = -np.logaddexp(0.0, scale * similarities + bias)
    columns = []
    for end, number in zip(np.cumsum(prompts_per_class), prompts_per_class, strict=True):
        part = slice(end - number, end)
        if aggregate == "noisy_or":
            columns.append(-np.expm1(log_absent[:, part].sum(axis=1)))
        else:
            columns.append(getattr(similarities[:, part], aggregate)(axis=1))
    return np.stack(columns, axis=1)


def class_similarities(
    model,
    ecg_embeds: np.ndarray,
    text_embeds: np.ndarray,
    classes: Mapping[str, Sequence[str]],
    aggregate: str = "max",
) -> tuple[np.ndarray, np.ndarray | None]:
    """How alike records are to each class, as cosines and as probabilities.

    Args:
        model: the dual encoder, for its scale and bias.
        ecg_embeds: (rows, projection_dim), unit length.
        text_embeds: (texts, projection_dim), unit length, the texts of a class beside each other.
        classes: class -> its texts.
        aggregate: see `aggregate_similarities`; the cosine of "noisy_or" is the largest.

    Returns:
        Cosines and the probabilities that record and text are a pair, float64 (rows, classes); None in place of the
        latter when the model was trained without the sigmoid loss: its cosines rank texts and are not probabilities.
    """
    similarities = ecg_embeds.astype(np.float64) @ text_embeds.astype(np.float64).T
    counts = [len(texts) for texts in classes.values()]
    scale, bias = scale_and_bias(model)
    cosines = aggregate_similarities(similarities, counts, "mean" if aggregate == "mean" else "max")
    if bias is None:
        return cosines, None
    if aggregate == "noisy_or":
        return cosines, aggregate_similarities(similarities, counts, aggregate, scale, bias)
    return cosines, np.exp(-np.logaddexp(0.0, -(scale * cosines + bias)))


def check_aggregates(model, prompts: Sequence[str]) -> None:
    """Raises ValueError for a prompt set that asks for probabilities, of a model whose logits give none."""
    from ...clinical.prompts import load_prompts

    wanting = [name for name in prompts if load_prompts(name).aggregate == "noisy_or"]
    if wanting and not model.gives_probabilities:
        raise ValueError(
            f"validation.prompts: {', '.join(wanting)} ask for probabilities (noisy_or), which a model of the sigmoid"
            f" loss gives; loss_type is {model.config.loss_type!r}"
        )


def scale_and_bias(model) -> tuple[float, float | None]:
    """Exponentiated logit scale and the bias of a dual encoder; no bias when its logits give no probabilities."""
    bias = float(model.logit_bias.detach()) if model.gives_probabilities else None
    return float(model.logit_scale.detach().exp()), bias


def prompt_scores(
    model, processor, dataset, prompt_set, batch_size: int = 64, description: str | None = None
) -> np.ndarray:
    """Scores of rows for the classes of a prompt set.

    Args:
        model: an `ECGTextModel`, on any device.
        processor: its `ECGTextProcessor`.
        dataset: rows of a corpus, or `PreparedRows` made by the same extractor.
        prompt_set: a `PromptSet`; its `aggregate` says how several prompts of a class become one score.
        description: title of a progress bar over the records.

    Returns:
        float64 (rows, classes), classes in the order of `prompt_set.classes`.
    """
    records = ecg_embeddings(model, processor, dataset, batch_size, description)
    return scores_of_embeddings(model, processor, records, prompt_set)


class TextEmbeddings:
    """Unit-length embeddings of texts by one dual encoder; a text that is asked for again is not encoded again.

    Args:
        model: an `ECGTextModel`, on any device.
        processor: its `ECGTextProcessor`.
        description: title of a progress bar; None shows none.
    """

    def __init__(self, model, processor, description: str | None = None):
        self.model, self.processor, self.description = model, processor, description
        self._known: dict[str, np.ndarray] = {}

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        """float32 (texts, projection_dim)."""
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        if new:
            made = ecg_text_embeddings(self.model, self.processor, new, description=self.description)
            self._known.update(zip(new, made, strict=True))
        return np.stack([self._known[text] for text in texts])


def scores_of_embeddings(
    model,
    processor,
    ecg_embeds: np.ndarray,
    prompt_set,
    ensemble: bool = False,
    texts: TextEmbeddings | None = None,
    by: str = NAMES,
    trained: TrainedTexts = UNKNOWN,
) -> np.ndarray:
    """As `prompt_scores`, from unit-length ECG embeddings computed before.

    Args:
        ecg_embeds: (rows, projection_dim).
        ensemble: FG-CLEP's (arXiv 2505.11939): a prompt counts as its best among "X" and "X in lead L" over the
            leads that the model's training texts name so, see `asked_texts`. The largest cosine is the largest
            probability.
        texts: of the same model, to share what it encoded over several prompt sets.
        by: what the classes are asked by, see `scores_by_text`.
        trained: texts that the model was trained on; prompts that none of them holds are left out of a class that
            has others.
    """
    texts = texts or TextEmbeddings(model, processor)
    return scores_by_text(texts, ecg_embeds, asked_texts(prompt_set, trained, ensemble), [by])[by]


def scores_by_text(
    texts: TextEmbeddings, ecg_embeds: np.ndarray, asked: AskedTexts, by: Sequence[str] = BY
) -> dict[str, np.ndarray]:
    """Scores of the same records by several ways to tell a class in words.

    Args:
        texts: of the model that made the embeddings; each text is encoded once for all ways.
        ecg_embeds: (rows, projection_dim), unit length.
        asked: the texts of each class.
        by: "names": the prompts. "descriptions": for each statement of a class the weighted mean of the cosines to
            its waveform features, combined by `combine_statements`; a class without features is told by its prompts.
            "names_and_descriptions": the sum of both z-scores over these rows, which no label has part in. A name
            that no training text holds counts as much as it agrees with the description, see `agreement`.

    Returns:
        Way -> float64 (rows, classes).

    Raises:
        ValueError: an unknown way.
    """
    unknown = [one for one in by if one not in BY]
    if unknown:
        raise ValueError(f"by is {unknown}, wanted one or more of {BY}")
    wanted = asked.texts(by)
    cosines = ecg_embeds.astype(np.float64) @ texts(wanted).astype(np.float64).T
    columns = {text: cosines[:, place] for place, text in enumerate(wanted)}
    scores = {NAMES: _prompt_scores(texts.model, columns, asked)}
    if set(by) - {NAMES}:
        scores[DESCRIPTIONS] = _description_scores(columns, asked, scores[NAMES])
        names = scores[NAMES]
        if asked.prompt_set.aggregate == "noisy_or":  # probabilities have no common scale, their log-odds have
            names = _log_odds(names)
        names, told = standardized(names), standardized(scores[DESCRIPTIONS])
        trusted = np.array([name not in asked.not_trained for name in asked.classes])
        scores[NAMES_AND_DESCRIPTIONS] = np.where(trusted, 1.0, agreement(names, told)) * names + told
    return {one: scores[one] for one in by}


def _prompt_scores(model, columns: Mapping[str, np.ndarray], asked: AskedTexts) -> np.ndarray:
    groups = [group for one in asked.classes.values() for group in one.prompts]
    best = np.stack([np.max([columns[text] for text in group], axis=0) for group in groups], axis=1)
    counts = [len(one.prompts) for one in asked.classes.values()]
    return aggregate_similarities(best, counts, asked.prompt_set.aggregate, *scale_and_bias(model))


def _description_scores(columns: Mapping[str, np.ndarray], asked: AskedTexts, names: np.ndarray) -> np.ndarray:
    made = []
    for place, one in enumerate(asked.classes.values()):
        told = [weighted_mean(columns, description) for description in one.descriptions]
        made.append(combine_statements(told) if told else names[:, place])
    return np.stack(made, axis=1)


def weighted_mean(columns: Mapping[str, np.ndarray], description: Description) -> np.ndarray:
    """Weighted mean over a statement's features of what each gives for the records, (rows,)."""
    total = sum(weight for _, weight in description.features)
    return sum(weight * columns[text] for text, weight in description.features) / total


def combine_statements(told: Sequence[np.ndarray]) -> np.ndarray:
    """From the scores (rows,) of a class's statements to that of the class: the largest z-score over these rows.

    A record of a gathering class shows one of its statements, seldom several, so the largest and not the mean; and
    z-scores, for a statement of common features is high everywhere. By the rules alone (no model) on folds 1 to 8 of
    2,833 records of PTB-XL, macro AUROC of the classes that gather statements, superdiagnostic and subdiagnostic: mean
    0.743 and 0.697, largest 0.778 and 0.757, largest z-score 0.787 and 0.771.
    """
    if len(told) == 1:
        return told[0]
    return np.max([standardized(scores) for scores in told], axis=0)


def standardized(scores: np.ndarray) -> np.ndarray:
    """z-scores over rows of each column; a column that is the same everywhere gives zeros."""
    # rounding gives a constant column a deviation too
    constant = scores.max(axis=0) == scores.min(axis=0)
    return np.where(constant, 0.0, (scores - scores.mean(axis=0)) / np.where(constant, 1.0, scores.std(axis=0)))


def added(descriptions: np.ndarray, rules: np.ndarray) -> np.ndarray:
    """What descriptions and rules say together of the same rows (rows, classes): the sum of both z-scores."""
    return standardized(descriptions) + standardized(rules)


def agreement(names: np.ndarray, descriptions: np.ndarray) -> np.ndarray:
    """How far two z-scores (rows, classes) agree on each class, (classes,): their correlation, zero where it is below.

    Where a name that was never trained on lies in the space of texts is chance, and what it says may be anything; its
    description is made of texts that were trained on.
    """
    return np.maximum((names * descriptions).mean(axis=0), 0.0)


def _log_odds(probabilities: np.ndarray) -> np.ndarray:
    smallest = np.finfo(np.float64).tiny
    return np.log(np.maximum(probabilities, smallest)) - np.log(np.maximum(1 - probabilities, np.finfo(float).eps))


def match_labels(id2label: Mapping, class_names: Sequence[str], label_set: str) -> list[int]:
    """Column of a classifier's output for each class name; the order of its labels does not matter.

    Args:
        id2label: index -> "CLASS" when trained on one label set, or "LABEL_SET: CLASS" when on several.
        class_names: the classes to evaluate.
        label_set: the label set that they belong to.

    Raises:
        ValueError: a class that the classifier does not have, or a name that it has twice.
    """
    places: dict[str, list[int]] = {}
    for index, label in id2label.items():
        places.setdefault(str(label), []).append(int(index))
    # a name may hold ": " itself, so labels are not taken apart
    columns = {name: places.get(name, []) + places.get(f"{label_set}: {name}", []) for name in class_names}
    twice = [name for name, found in columns.items() if len(found) > 1]
    if twice:
        raise ValueError(f"the classifier has the label {twice[0]!r} of {label_set} twice")
    absent = [name for name, found in columns.items() if not found]
    if absent:
        raise ValueError(
            f"the classifier has no output for {absent} of {label_set}; its labels: {list(id2label.values())}"
        )
    return [columns[name][0] for name in class_names]


def classifier_scores(
    model,
    feature_extractor,
    dataset,
    class_names: Sequence[str],
    label_set: str,
    batch_size: int = 64,
    description: str | None = None,
    crops: str = MEAN,
) -> np.ndarray:
    """Logits of a trained classifier for `class_names`, matched by name: float64 (rows, classes).

    Raises:
        ValueError: see `match_labels`.
    """
    columns = match_labels(model.config.id2label, class_names, label_set)
    logits = classifier_logits(model, feature_extractor, dataset, batch_size, description, crops)
    return logits[:, columns].astype(np.float64)
