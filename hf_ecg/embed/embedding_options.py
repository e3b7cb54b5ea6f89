"""Which records are embedded, and how."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..checks import check_bool, check_one_of, check_positive_integer
from ..evaluation.options import CROPS, MEAN
from .windows import WINDOWS


@dataclass(frozen=True)
class EmbeddingOptions:
    """Which records are embedded, and how.

    Args:
        revision: branch, tag or commit of a model on the Hub.
        projected: the unit-length embedding that an `ECGTextModel` compares with texts, instead of the encoder's
            `pooler_output`.
        lead: for a model of a single lead, the one it is to see.
        window: "all" cuts records in windows of the model's length (see `signals.window.window_spans` for the last
            one; a recipe of any length takes up to two minutes whole, unless it says less),
            "first" takes the first of them, "recipe" hands over the whole record, which the model's recipe crops as
            in training (one row a record, the mean over its crops). Shorter records are one window, and padded.
        crops: where the recipe makes several crops of a window, "mean", or "max": the largest of each number.
        pooled: with a row for each record beside those of its windows, whose `window` is null: their mean, each
            weighted by the signal that it holds, as the pipelines have it; the largest of each number by crops "max".
        stride: seconds between the starts of windows; default: their length.
        config, split, folds: of prepared corpora; see `load_corpus`.
        leads, rename: which channels of files are taken, under which names; see `hf_ecg.read`.
        measurements: with a column `measurements`, see `hf_ecg.measure`: what each window's own signal shows.
        batch_size: windows a forward pass.
        device: "cpu", "cuda" ...; default: the GPU when there is one, or where a loaded model is.
        on_error: "raise" stops at the first record that cannot be embedded (what is done is kept), "skip" leaves it
            out and lists it with the reason in `OUTPUT.refused.csv`. There stand windows without a usable signal too,
            which are left out of a record with others either way.

    Raises:
        ValueError: impossible options.
    """

    revision: str | None = None
    projected: bool = False
    lead: str | None = None
    window: str = "all"
    crops: str = MEAN
    pooled: bool = False
    stride: float | None = None
    config: str | None = None
    split: str | None = None
    folds: Sequence[int] | None = None
    leads: Sequence[str] | None = None
    rename: Mapping[str | int, str] | None = None
    measurements: bool = False
    batch_size: int = 32
    device: str | None = None
    on_error: str = "raise"

    def __post_init__(self):
        check_one_of("window", self.window, WINDOWS)
        check_one_of("crops", self.crops, CROPS)
        check_bool("pooled", self.pooled)
        check_one_of("on_error", self.on_error, ("raise", "skip"))
        check_positive_integer("batch_size", self.batch_size)
        if self.stride is not None and (self.window != "all" or not (math.isfinite(self.stride) and self.stride > 0)):
            raise ValueError(
                f"stride is {self.stride!r} with window {self.window!r}, wanted a positive number of seconds with"
                " 'all'"
            )
