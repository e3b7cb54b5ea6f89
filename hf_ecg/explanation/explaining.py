"""The door: a record, a model and a question, and which parts of the record speak for the answer."""

from collections.abc import Mapping
from dataclasses import replace
from os import PathLike
from typing import cast

import numpy as np
import torch

from ..checks import check_one_of
from ..processing.on_purpose import on_purpose
from ..signals.record import Record
from .asked_score import AskedScore, asked_score, check_asked
from .attention import attention_shares
from .explained_record import ExplainedRecord, explained_record
from .explanation import Explanation
from .integrated_gradients import LARGEST_GAP, integrated_gradients
from .occlusion import occlude
from .record_time import in_record_time

METHODS = (GRADIENTS, OCCLUSION, ATTENTION) = ("integrated_gradients", "occlusion", "attention")


def explain(
    ecg,
    model="ecg-text-small",
    *,
    class_name: str | None = None,
    text: str | None = None,
    method: str = GRADIENTS,
    covariates: Mapping | None = None,
    **of_record,
) -> Explanation:
    """Which parts of an ECG speak for a class or a text, and which against it.

    Args:
        ecg: a path of a file of any format, a `Record`, a row of a corpus, or an array (leads, samples) with
            `sampling_rate` in hertz, `leads` and `units` ("mV").
        model: a model inside the package, a folder, a Hub id, or `(model, processor)`.
        class_name: of a classifier.
        text: for a dual encoder, such as "atrial fibrillation".
        method: "integrated_gradients" (which samples), "occlusion" (which beats of which leads), or "attention" (what
            a transformer looks at, whatever it is asked; it needs neither class nor text).
        covariates: for a classifier that is told more than the ECG.
        of_record: `leads`, `rename`, `lead` (of a model of one lead), `start` and `seconds` of the stretch that is
            explained; default is what the model sees at once, from the beginning. See `explained_record`.

    Returns:
        An `Explanation`, in the record's own time and leads.

    Raises:
        ValueError: a question that the model does not answer, a method that it does not allow, or a record that its
            feature extractor refuses.
        OSError: the model or the file is not there.

    Example:
        >>> import hf_ecg
        >>> found = hf_ecg.explain("record.hea", "ecg-text-small", text="atrial fibrillation")
        >>> found.values.shape == (len(found.leads), found.record.num_samples)
        True
        >>> abs(found.gap) < 0.02  # the parts sum to the whole
        True
    """
    check_one_of("method", method, METHODS)
    asks = method != ATTENTION
    score = question(model, class_name=class_name, text=text, covariates=covariates, asks=asks)
    return explain_score(score, explained_record(ecg, score.extractor, score.model, **of_record), method)


def question(model, *, class_name=None, text=None, covariates=None, asks: bool = True) -> AskedScore:
    """A model with what it is asked; see `explain`. `asks`: a classifier must be told of a class."""
    if isinstance(model, (str, PathLike)):
        from ..pretrained_models import load_pretrained

        model = load_pretrained(str(model))
    model, processor = model
    return asked_score(model, processor, class_name, text, covariates, asks)


def explain_score(score: AskedScore, record: ExplainedRecord, method: str) -> Explanation:
    """See `explain`."""
    if method != ATTENTION:
        check_asked(score)
    if score.model.training:
        raise ValueError(
            f"{type(score.model).__name__} is in training mode, wanted evaluation: its dropout would be drawn"
        )
    return {GRADIENTS: _by_gradients, OCCLUSION: _by_occlusion, ATTENTION: _by_attention}[method](score, record)


def _inputs(score: AskedScore, record: ExplainedRecord) -> dict[str, torch.Tensor]:
    with on_purpose(known_units=True):
        inputs = dict(score.extractor(record.given, lead=record.lead, window="recipe", return_tensors="pt"))
    return {name: values for name, values in inputs.items() if name != "record_index"}


def _by_gradients(score: AskedScore, record: ExplainedRecord) -> Explanation:
    rows, full, flat = integrated_gradients(score, _inputs(score, record))
    found = Explanation(
        method=GRADIENTS,
        asked=score.asked,
        unit=score.unit,
        score=full,
        reference=flat,
        probability=score.probability(full),
        **_laid_on_record(rows, score.extractor.sampling_rate, record),
    )
    gap = cast(float, found.gap)
    if abs(gap) <= LARGEST_GAP:
        return found
    return replace(found, remarks=(*found.remarks, f"the parts miss the whole by {gap:.0%}: read them with care"))


def _by_attention(score: AskedScore, record: ExplainedRecord) -> Explanation:
    rows = attention_shares(score, _inputs(score, record))
    laid = _laid_on_record(rows, score.extractor.sampling_rate, record)
    remarks = (*record.remarks, "attention says where the encoder looks, not what speaks for a class")
    return Explanation(method=ATTENTION, asked="", unit="share of attention", **laid | {"remarks": remarks})


def _laid_on_record(rows: np.ndarray, sampling_rate: float, record: ExplainedRecord) -> dict:
    """Fields of an `Explanation` by what each sample of each row adds."""
    shown = record.with_derived_leads()
    places = [record.places.leads.index(lead) for lead in shown.leads]
    values, outside = np.zeros(shown.values.shape), 0.0
    for row, start in zip(rows, record.places.starts, strict=True):
        part, beside = in_record_time(row[places], start, sampling_rate, shown.sampling_rate, shown.num_samples)
        values, outside = values + part, outside + beside
    beats = record.beats()
    spans = np.rint(beats * shown.sampling_rate).astype(int)
    return {
        "record": shown,
        "leads": shown.leads,
        "values": values,
        "by_lead": values.sum(axis=1),
        "beats": beats + record.start,
        "by_beat": np.array([values[:, first:end].sum() for first, end in spans]),
        "outside": outside,
        "remarks": record.remarks,
    }


def _by_occlusion(score: AskedScore, record: ExplainedRecord) -> Explanation:
    beats = record.beats()
    if not len(beats):
        raise ValueError(f"{record.given.name}: no beat was found to take out; take the method integrated_gradients")
    found = occlude(score, record, beats)
    shown = record.given
    kept = [shown.leads.index(lead) for lead in record.seen]
    values = np.zeros((len(kept), shown.num_samples))
    for place, (first, end) in enumerate(np.rint(beats * shown.sampling_rate).astype(int)):
        values[:, first:end] = found.grid[:, place, None] / max(end - first, 1)
    by_lead = np.where(np.isnan(found.by_lead), found.grid.sum(axis=1), found.by_lead)
    return Explanation(
        method=OCCLUSION,
        asked=score.asked,
        unit=score.unit,
        record=_with_leads(shown, kept),
        leads=record.seen,
        values=values,
        by_lead=by_lead,
        beats=beats + record.start,
        by_beat=found.by_beat,
        score=found.score,
        probability=score.probability(found.score),
        remarks=record.remarks,
    )


def _with_leads(record: Record, places: list[int]) -> Record:
    names = tuple(record.leads[place] for place in places)
    return replace(record, values=record.values[places], leads=names, lead_names=(), units=())
