"""What a model makes of a corpus: embeddings by label and, for a dual encoder, ECGs against prompts."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from transformers import AutoConfig

from ..auto import FAMILIES
from ..clinical.prompts import PromptSet, class_in_words, load_prompts
from ..data.corpus import label_matrix, label_names, load_corpus
from ..data.corpus_card import is_simulated
from ..evaluation.judging.features import ecg_embeddings, ecg_features, ecg_text_embeddings
from ..evaluation.judging.label_text import aggregate_similarities
from ..evaluation.judging.refused import skip_refused
from ..evaluation.loading import load_dual_encoder, load_encoder, pick_device
from ..evaluation.options import DEFAULT_FORWARD, ForwardOptions
from ..models.shared.roles import is_dual_encoder
from ..training.run_card import read_run
from ._figure import FORMATS, marked, save_figure
from .embeddings import plot_embeddings
from .similarity import plot_similarity

SEVERAL = "several"
HOW_TO_READ = (
    "Compare within a column: of all ECGs, those of the class should be nearest to its prompts. Rows are not compared:"
    " some prompts are nearer to every ECG than others."
)


def draw_model(
    model: str,
    data: str,
    output: str | Path,
    *,
    prompts: str = "ptb_xl_superdiagnostic",
    config: str | None = None,
    folds: Sequence[int] | None = None,
    method: str = "tsne",
    seed: int = 0,
    ending: str = FORMATS[0],
    forward: ForwardOptions = DEFAULT_FORWARD,
) -> list[Path]:
    """Writes OUTPUT/embeddings.png and, for a dual encoder, OUTPUT/similarity.png.

    Args:
        model: folder or Hub id of a dual encoder or an encoder.
        data, config: prepared corpus (folder or Hub id) and its configuration.
        output: folder for the pictures.
        prompts: name or YAML file; its label set colours the points.
        folds: drawn; None: all.
        method, seed: of the projection, see `plot_embeddings`.
        ending: "png" or "svg".
        forward: see there.

    Raises:
        ValueError: no label set of the prompts, or no record with exactly one of its labels.
        OSError: model or corpus is not there.
        ImportError: matplotlib, or what `method` needs, is not installed.
    """
    device = pick_device(forward.device)
    prompt_set = load_prompts(prompts)
    folds = None if folds is None else list(folds)
    dataset = load_corpus(data, config=config, folds=folds, keep_unusable=forward.strict)
    one_label_each(dataset, prompt_set.label_set)  # says what is wrong before a model is read
    output, title = Path(output), _title(model, data)
    output.mkdir(parents=True, exist_ok=True)
    written = []
    family = FAMILIES.get(AutoConfig.from_pretrained(model).model_type)
    if family is not None and is_dual_encoder(family.model):
        encoder, processor = load_dual_encoder(model, device)
        embed = partial(ecg_embeddings, encoder, processor, batch_size=forward.batch_size, description="ECGs")
        dataset, embeddings = _usable(embed, dataset, forward.strict)
        labels = one_label_each(dataset, prompt_set.label_set)
        figure = _similarity(encoder, processor, embeddings, labels, prompt_set, title)
        written.append(save_figure(figure, output / f"similarity.{ending}"))
    else:
        embed = partial(ecg_features, *load_encoder(model, device), batch_size=forward.batch_size, description="ECGs")
        dataset, embeddings = _usable(embed, dataset, forward.strict)
        labels = one_label_each(dataset, prompt_set.label_set)
    title = f"{title}: {prompt_set.label_set}"
    labels = [named_class(label, prompt_set.label_set) for label in labels]
    figure = plot_embeddings(embeddings, labels, method=method, seed=seed, title=title)
    written.append(save_figure(figure, output / f"embeddings.{ending}"))
    return written


def _title(model: str, data: str) -> str:
    """The model's name, marked where it learned from simulated records, or where such records are drawn."""
    folder = Path(model)
    learned = folder.is_dir() and read_run(folder)["simulated"]
    title = f"{folder.name} (trained on simulated records)" if learned else folder.name
    return marked(title, is_simulated(data)) or title


def _usable(embed: Callable, dataset, strict: bool) -> tuple:
    """The rows that are not refused, and their embeddings."""
    return skip_refused(lambda kept: (kept["rows"], embed(kept["rows"])), {"rows": dataset}, strict)[0]


def one_label_each(dataset, label_set: str) -> list[str | None]:
    """The label of each row; `SEVERAL` for more than one, None for none or where nobody annotated."""
    names = label_names(dataset, label_set)
    matrix, annotated = label_matrix(dataset, label_set)
    counts = np.where(annotated, matrix.sum(axis=1), 0)
    chosen = matrix.argmax(axis=1)
    return [
        None if count == 0 else names[label] if count == 1 else SEVERAL
        for count, label in zip(counts, chosen, strict=True)
    ]


def _similarity(model, processor, embeddings: np.ndarray, labels: list, prompt_set: PromptSet, title: str):
    """Cosine to the nearest prompt of each class, mean over the ECGs whose only label it is."""
    classes = prompt_set.classes
    texts = ecg_text_embeddings(model, processor, [text for texts in classes.values() for text in texts])
    cosines = aggregate_similarities(embeddings @ texts.T, [len(texts) for texts in classes.values()], "max")
    rows = [row for name in classes for row, label in enumerate(labels) if label == name]
    if not rows:
        raise ValueError(f"no record of the corpus has exactly one label of {prompt_set.label_set}")
    return plot_similarity(
        cosines[rows],
        [named_class(labels[row], prompt_set.label_set) for row in rows],
        [f"prompts of {name}" for name in classes],
        average=True,
        title=f"{title}: ECGs with one {prompt_set.label_set} label",
        caption=HOW_TO_READ,
        scale_label="mean cosine to the nearest prompt",
    )


def named_class(label: str | None, label_set: str) -> str | None:
    """See `class_in_words`; None and `SEVERAL` as they are."""
    return label if label in (None, SEVERAL) else class_in_words(label, label_set)
