"""What frozen models say about rows: pooled features, unit-length embeddings of ECGs and texts, classifier logits."""

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import nn

from ...checks import check_one_of
from ...data.refused_rows import RowsRefused, check_refused, find_refused, record_name
from ...data.rows import SIGNAL_COLUMNS, RowDataset
from ...models.shared.covariates import wanted_covariates
from ...models.shared.roles import ecg_encoder
from ...progress import progress_bar
from ..loading import extractor_of
from ..options import CROPS, MAX, MEAN
from .rows_with_covariates import with_covariates


@contextmanager
def frozen(model: nn.Module) -> Iterator[None]:
    """Evaluation mode without gradients; each submodule gets its own mode back, frozen towers included.

    A model in evaluation mode is not touched, so threads may share it.
    """
    training = [module for module in model.modules() if module.training]
    for module in training:
        module.training = False
    try:
        with torch.no_grad():
            yield
    finally:
        for module in training:
            module.training = True


class PreparedRows:
    """Batches of model inputs made from rows by a feature extractor; kept after the first pass when `cache` is set.

    Args:
        feature_extractor: an `ECGFeatureExtractor`, or a processor that holds one.
        dataset: rows of a corpus.
        batch_size: records a batch.
        cache: keep the tensors in memory, for use over several epochs or models with the same extractor.
        lead: for a model of a single lead, the one that it is to see.
        window: what is read of rows that are longer than the model takes, see `ECGFeatureExtractor`; by default all
            of their windows, over which `run_model` takes the mean.

    Raises:
        RowsRefused: on iteration, with all rows from there on that the extractor refuses, when they may be skipped
            (see `refused.skip_refused`); else a ValueError.
    """

    def __init__(
        self,
        feature_extractor,
        dataset,
        batch_size: int = 64,
        cache: bool = False,
        lead: str | None = None,
        window: str | None = None,
    ):
        if batch_size < 1:
            raise ValueError(f"batch_size is {batch_size}, wanted at least 1")
        if len(dataset) == 0:
            raise ValueError("there are no rows to evaluate")
        self.feature_extractor = extractor_of(feature_extractor)
        self.dataset = dataset
        self.batch_size = batch_size
        self.lead, self.window = lead, window
        self.cache = [] if cache else None

    def __len__(self) -> int:
        return -(-len(self.dataset) // self.batch_size)

    @property
    def num_records(self) -> int:
        return len(self.dataset)

    def __iter__(self) -> Iterator[dict[str, torch.Tensor]]:
        if self.cache:
            yield from self.cache
            return
        made = []
        for start in range(0, len(self.dataset), self.batch_size):
            rows = self._rows(start)
            try:
                batch = self._prepare(rows)
            except ValueError as error:
                refused = self._refusal(start)
                if refused is None:
                    raise
                raise refused from error
            if self.cache is not None:
                made.append(batch)
            yield batch
        if self.cache is not None:
            self.cache = made

    def _rows(self, start: int) -> list[dict]:
        columns = [column for column in SIGNAL_COLUMNS if column in self.dataset.column_names]
        indices = range(start, min(start + self.batch_size, len(self.dataset)))
        return RowDataset(self.dataset, columns).__getitems__([(0, index) for index in indices])

    def _refusal(self, start: int) -> RowsRefused | None:
        """All rows from a batch on that are refused; None when it is none of its rows that it is refused for.

        Raises:
            ValueError: they are too many to be skipped.
        """
        reasons: dict[str, str] = {}
        for place in range(start, len(self.dataset), self.batch_size):
            rows = self._rows(place)
            for at, reason in find_refused(self._prepare, rows).items():
                reasons[record_name(rows[at])] = reason
            if place == start and (not reasons or "record_id" not in self.dataset.column_names):
                return None
            check_refused(reasons, len(self.dataset))
        return RowsRefused(reasons)

    def _prepare(self, rows: list[dict]) -> dict[str, torch.Tensor]:
        batch = dict(self.feature_extractor(rows, lead=self.lead, return_tensors="pt", window=self.window))
        batch.setdefault("record_index", torch.arange(len(rows)))
        batch["num_records"] = len(rows)
        return batch


def run_model(
    model: nn.Module,
    rows: PreparedRows,
    forward: Callable[[dict[str, torch.Tensor]], torch.Tensor],
    description: str | None = None,
    crops: str = MEAN,
) -> torch.Tensor:
    """Applies `forward` to every batch and averages the crops of a record.

    Args:
        forward: from the model's inputs, on its device, to a tensor (crops, size).
        description: title of the progress bar; None shows none.
        crops: "mean" of a record's crops, or "max" of each number.

    Returns:
        float32 (records, size) on the CPU.

    Raises:
        ValueError: the model gives NaN or infinite values, or another word for `crops`.
    """
    check_one_of("crops", crops, CROPS)
    device = next(model.parameters()).device
    parts = []
    with frozen(model):
        with progress_bar(total=rows.num_records, desc=description, disable=description is None, leave=False) as bar:
            for batch in rows:
                inputs = {
                    k: v.to(device) for k, v in batch.items() if isinstance(v, torch.Tensor) and k != "record_index"
                }
                outputs = forward(inputs).float().cpu()
                record_index = torch.as_tensor(batch["record_index"])
                parts.append(average_crops(outputs, record_index, batch["num_records"], crops, signal_held(batch)))
                bar.update(batch["num_records"])
    result = torch.cat(parts)
    check_finite(result, "rows")
    return result


def check_finite(values: torch.Tensor, what: str) -> None:
    """Raises ValueError when one of the rows (rows, size) that a model gave holds NaN or infinite values."""
    bad = (~torch.isfinite(values)).any(dim=1).nonzero()[:, 0].tolist()
    if bad:
        raise ValueError(
            f"the model gives NaN or infinite values in {len(bad)} of {len(values)} {what}, first {bad[:5]}"
        )


def ecg_features(
    model,
    feature_extractor,
    dataset,
    batch_size: int = 64,
    description: str | None = None,
    lead: str | None = None,
    crops: str = MEAN,
) -> np.ndarray:
    """Pooled output of a frozen encoder.

    Args:
        model: an encoder with `pooler_output`; for an `ECGTextModel` its ECG tower is used.
        feature_extractor: the encoder's own.
        dataset: rows of a corpus, or `PreparedRows` made by the same extractor.
        lead: for a model of a single lead, the one that it is to see.
        crops: see `run_model`.

    Returns:
        float32 (rows, hidden_size); the mean over the crops of a record, or the largest of each number.
    """
    encoder = ecg_encoder(model)
    rows = _prepared(feature_extractor, dataset, batch_size, lead)
    return run_model(encoder, rows, lambda inputs: encoder(**inputs).pooler_output, description, crops).numpy()


def ecg_embeddings(
    model, processor, dataset, batch_size: int = 64, description: str | None = None, crops: str = MEAN
) -> np.ndarray:
    """Projected, unit-length ECG embeddings of a dual encoder: float32 (rows, projection_dim); `crops` as `run_model`
    has it."""

    def forward(inputs):
        return nn.functional.normalize(model.get_ecg_features(**inputs).pooler_output.float(), dim=-1)

    rows = _prepared(processor, dataset, batch_size)
    return nn.functional.normalize(run_model(model, rows, forward, description, crops), dim=-1).numpy()


def ecg_text_embeddings(
    model, processor, texts: Sequence[str], batch_size: int = 64, description: str | None = None
) -> np.ndarray:
    """Projected, unit-length text embeddings of a dual encoder: float32 (texts, projection_dim).

    Raises:
        ValueError: no texts, or an empty one.
    """
    texts = list(texts)
    empty = [index for index, text in enumerate(texts) if not text.strip()]
    if not texts or empty:
        raise ValueError(f"wanted texts that are not empty, found {len(texts)} texts, empty at {empty}")
    device = next(model.parameters()).device
    parts = []
    with frozen(model):
        hidden = description is None
        with progress_bar(total=len(texts), desc=description, unit="text", disable=hidden, leave=False) as bar:
            for start in range(0, len(texts), batch_size):
                some = texts[start : start + batch_size]
                tokens = processor(text=some, padding=True, truncation=True, return_tensors="pt")
                features = model.get_text_features(**{key: value.to(device) for key, value in tokens.items()})
                parts.append(nn.functional.normalize(features.pooler_output.float(), dim=-1).cpu())
                bar.update(len(some))
    embeddings = torch.cat(parts)
    check_finite(embeddings, "texts")
    return embeddings.numpy()


def classifier_logits(
    model, feature_extractor, dataset, batch_size: int = 64, description: str | None = None, crops: str = MEAN
) -> np.ndarray:
    """Logits of a classifier (log-probabilities when single-label), float32 (rows, labels), the mean over crops or the
    largest, as ECG-FM's evaluation takes it: `crops` as `run_model` has it. A head with covariates is given the rows'.

    Raises:
        ValueError: the rows lack a column that is a covariate of the model.
    """
    rows = with_covariates(_prepared(feature_extractor, dataset, batch_size), wanted_covariates(model.config))
    logits = run_model(model, rows, lambda inputs: model(**inputs).logits, description, crops)
    if model.config.problem_type == "single_label_classification":
        logits = logits.log_softmax(dim=-1)
    return logits.numpy()


def random_model(model: nn.Module, seed: int) -> nn.Module:
    """A model of the same class and configuration, its weights drawn from `seed`; global generators are untouched."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        fresh = type(model)(type(model.config).from_dict(model.config.to_dict()))
    return fresh.to(next(model.parameters()).device).eval()


def with_random_ecg_tower(model: nn.Module, seed: int) -> nn.Module:
    """The same dual encoder with the ECG tower drawn anew; text tower and projections stay as trained."""
    companion = copy.copy(model)
    companion._modules = dict(model._modules)
    companion.ecg_model = random_model(model.ecg_model, seed)
    return companion.eval()


def _prepared(feature_extractor, dataset, batch_size: int, lead: str | None = None) -> PreparedRows:
    if isinstance(dataset, PreparedRows):
        return dataset
    return PreparedRows(feature_extractor, dataset, batch_size, lead=lead)


def average_crops(
    outputs: torch.Tensor,
    record_index: torch.Tensor,
    num_records: int,
    how: str = MEAN,
    held: torch.Tensor | None = None,
) -> torch.Tensor:
    """Mean, or "max", over the crops of each record: (crops, size) to (records, size).

    Args:
        outputs: (crops, size).
        record_index: int (crops,), whose each of them is.
        num_records: all of them have a crop.
        how: "mean", or "max" of each number.
        held: int (crops,), how much signal each holds, as `signal_held` counts it: a crop weighs as much in the mean.
            Default, and of a record whose crops hold none: all alike.

    Raises:
        ValueError: another number of crops than of outputs, or a record without one.
    """
    if len(outputs) != len(record_index):
        raise ValueError(f"the model gave {len(outputs)} rows for {len(record_index)} crops")
    counts = torch.bincount(record_index, minlength=num_records)
    if len(counts) != num_records or not counts.all():
        raise ValueError(f"record_index names {int((counts > 0).sum())} records, wanted {num_records}")
    if len(outputs) == num_records and bool((record_index == torch.arange(num_records)).all()):
        return outputs
    if how == MAX:
        places = record_index[:, None].expand_as(outputs)
        return torch.full((num_records, outputs.shape[1]), -torch.inf).scatter_reduce(0, places, outputs, "amax")
    if held is not None:
        of_record = torch.zeros(num_records, dtype=held.dtype).index_add_(0, record_index, held)[record_index]
        # exactly 1 where all hold the same, so that a record without gaps gives the same bits as ever
        shares = (held * counts[record_index]).double() / of_record.clamp(min=1)
        outputs = outputs * torch.where(of_record > 0, shares, 1.0).float()[:, None]
    total = torch.zeros(num_records, outputs.shape[1]).index_add_(0, record_index, outputs)
    return total / counts[:, None]


def signal_held(inputs: Mapping) -> torch.Tensor | None:
    """int64 (rows,) on the CPU: samples of signal of each row of a model's inputs, that is without padding and gaps;
    None where the model is told of neither."""
    mask = inputs.get("sample_mask")
    return None if mask is None else mask.bool().sum(dim=1).cpu()
