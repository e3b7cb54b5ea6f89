"""Embeddings in the plane, coloured by label."""

import textwrap
from collections import Counter
from collections.abc import Sequence

import numpy as np

from ..extras import install_words
from ._figure import MM_PER_INCH, new_figure

METHODS = ("tsne", "umap")
# colours that can still be told apart; rarer labels share one
MOST_LABELS = 20
LONGEST_TITLE = 90
GREY = "#c4c4c4"


def project_embeddings(embeddings, method: str = "tsne", *, metric: str = "cosine", seed: int = 0) -> np.ndarray:
    """Two coordinates an embedding.

    Args:
        embeddings: (rows, size), at least four rows.
        method: "tsne" (scikit-learn; perplexity 30, less for fewer than 91 rows) or "umap" (needs umap-learn).
        metric: distance between embeddings, such as "cosine" or "euclidean".
        seed: the same seed gives the same picture.

    Returns:
        float64 (rows, 2).

    Raises:
        ValueError: an unknown method, too few rows, values that are not finite, a zero row under the cosine.
        ImportError: "umap" without umap-learn.
    """
    values = _checked(embeddings, metric)
    if method == "tsne":
        from sklearn.manifold import TSNE

        # a perplexity is a number of neighbours: a third of the rows at most
        perplexity = min(30.0, (len(values) - 1) / 3)
        points = TSNE(perplexity=perplexity, metric=metric, init="pca", random_state=seed).fit_transform(values)
    elif method == "umap":
        try:
            from umap import UMAP
        except ImportError as error:
            words = install_words("umap-learn", "umap")
            raise ImportError(f'method is "umap", which needs umap-learn ({words}), or take "tsne"') from error
        neighbours = min(15, len(values) - 1)
        points = UMAP(n_neighbors=neighbours, metric=metric, random_state=seed).fit_transform(values)
    else:
        raise ValueError(f"method is {method!r}, wanted one of {', '.join(METHODS)}")
    return np.asarray(points, dtype=np.float64)


def plot_embeddings(
    embeddings,
    labels: Sequence[str | None] | None = None,
    *,
    method: str = "tsne",
    metric: str = "cosine",
    seed: int = 0,
    title: str | None = None,
    size: float = 12.0,
):
    """Draw embeddings in the plane, coloured by label. Distances between far groups mean little in such a picture.

    Args:
        embeddings: (rows, size).
        labels: one a row; None is drawn in grey as "no label". With more than 20, the rarest are drawn as one.
        method, metric, seed: see `project_embeddings`.
        title: printed above.
        size: area of a point in square points.

    Returns:
        A matplotlib `Figure`.

    Raises:
        ValueError: see `project_embeddings`; another number of labels than of rows.
        ImportError: matplotlib, or umap-learn for "umap", is not installed.
    """
    figure = new_figure(170, 130, layout="constrained")  # before the slow part: matplotlib may be absent
    number = len(_checked(embeddings, metric))
    if labels is not None and len(labels) != number:
        raise ValueError(f"labels has {len(labels)} entries, wanted one for each of {number} embeddings")
    points = project_embeddings(embeddings, method, metric=metric, seed=seed)
    # as high as the points need beside the legend, since both axes have one scale
    spread = np.ptp(points[:, 1]) / max(np.ptp(points[:, 0]), 1e-12)
    figure.set_figheight(float(np.clip(135 * spread + 15, 70, 190)) / MM_PER_INCH)
    axes = figure.add_subplot()
    if labels is None:
        axes.scatter(*points.T, s=size, linewidths=0)
    else:
        for name, color, rows in _groups(labels):
            axes.scatter(*points[rows].T, s=size, color=color, linewidths=0, alpha=0.8, label=f"{name} ({len(rows)})")
        legend = axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, fontsize=8, markerscale=1.6)
        for text in legend.get_texts():
            text.set_parse_math(False)
    axes.set_aspect("equal", adjustable="box")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_xlabel(f"{'t-SNE' if method == 'tsne' else 'UMAP'}, {metric} distance, {number} embeddings", fontsize=8)
    if title:
        axes.set_title("\n".join(textwrap.wrap(title, LONGEST_TITLE)), fontsize=10, parse_math=False)
    return figure


def _checked(embeddings, metric: str) -> np.ndarray:
    if hasattr(embeddings, "detach"):
        embeddings = embeddings.detach().cpu().float()
    values = np.asarray(embeddings)
    if values.dtype.kind not in "iuf" or values.ndim != 2 or len(values) < 4 or not values.shape[1]:
        raise ValueError(
            f"embeddings are {values.dtype} of shape {values.shape}, wanted numbers (rows, size), at least four rows"
        )
    values = values.astype(np.float64)
    bad = np.flatnonzero(~np.isfinite(values).all(axis=1))
    if bad.size:
        raise ValueError(f"embeddings hold NaN or infinite values in {bad.size} rows, first {bad[:5].tolist()}")
    if metric == "cosine" and not values.any(axis=1).all():
        row = int(np.flatnonzero(~values.any(axis=1))[0])
        raise ValueError(f"row {row} of embeddings is zero and has no direction, which the cosine needs")
    return values


def _groups(labels: Sequence[str | None]) -> list[tuple[str, object, np.ndarray]]:
    """Name, colour and rows of each group, the rows without a label first: drawn below the others."""
    import matplotlib

    names = [None if label is None else str(label) for label in labels]
    counts = Counter(name for name in names if name is not None)
    kept = [name for name, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))]
    rare = set()
    if len(kept) > MOST_LABELS:
        rare = set(kept[MOST_LABELS - 1 :])
        kept = kept[: MOST_LABELS - 1]
    palette = matplotlib.colormaps["tab10" if len(kept) + bool(rare) <= 10 else "tab20"]
    groups = [("no label", GREY, _rows(names, {None}))]
    groups += [(name, palette(i), _rows(names, {name})) for i, name in enumerate(kept)]
    groups.append((f"{len(rare)} rarer labels", palette(len(kept)), _rows(names, rare)))
    return [group for group in groups if len(group[2])]


def _rows(names: list[str | None], wanted: set) -> np.ndarray:
    return np.array([i for i, name in enumerate(names) if name in wanted], dtype=int)
