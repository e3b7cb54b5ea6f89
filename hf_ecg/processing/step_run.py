"""Steps at work: on the records that a caller hands in, and on the tensors that random views have changed."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from .inputs import WaveformGroup
from .outputs import LEADS, WAVEFORM, Output, stack_outputs, zero_absent_leads
from .signal_gaps import check_what_is_left, mark_gaps
from .steps.derivation import apply_step
from .steps.step_base import RecordError, Step, WaveformBatch
from .steps.step_table import describe_step


def batch_of_group(group: WaveformGroup, leads: Sequence[str], lead: str | None, rate: float, num_samples: int | None):
    """What the first step gets of records as they were read.

    Args:
        group: records of one shape, rate and lead list.
        leads: those of the recipe.
        lead: the one that the caller picked.
        rate, num_samples: what the recipe aims at.
    """
    records, _, samples = group.signals.shape
    return WaveformBatch(
        signals=group.signals,
        lead_mask=np.ones(group.signals.shape[:2], bool),
        sample_mask=np.ones((records, samples), bool),
        leads=group.leads,
        sampling_rate=group.sampling_rate,
        complete=group.complete,
        physical=group.physical,
        wanted=tuple(leads),
        lead=lead,
        target_rate=rate,
        num_samples=num_samples,
        origin=np.asarray(group.positions),
    )


def batch_of_tensors(tensors: Mapping, outputs: Iterable[Output], leads: Sequence[str], rate: float, num_samples):
    """What the first step behind the views gets of the tensors that they have changed; see `batch_of_group`."""
    values = {output.name: tensors[output.name].detach().cpu().numpy() for output in outputs}
    # a copy: steps write into what they are given
    signals = values["input_values"].astype(np.float64)
    if signals.shape[1] == len(leads):
        names = tuple(leads)
    else:
        # one of the leads that a single-lead model accepts; nobody has said which
        names = tuple(f"lead {place}" for place in range(signals.shape[1]))
    added = {output.name: output for output in outputs if output not in WAVEFORM}
    return WaveformBatch(
        signals=signals,
        lead_mask=values["lead_mask"].astype(bool),
        sample_mask=values["sample_mask"].astype(bool),
        leads=names,
        sampling_rate=rate,
        complete=bool(np.isfinite(signals).all()),
        physical=True,
        wanted=names,
        lead=None,
        target_rate=rate,
        num_samples=num_samples,
        origin=np.arange(len(signals)),
        tensors={name: values[name].copy() for name in added},
        outputs=added,
    )


def apply_steps(batch: WaveformBatch, steps: Sequence[Step], names: Mapping[int, str]) -> None:
    """Runs the steps on a batch, in place.

    Args:
        batch: see `WaveformBatch`.
        steps: in their order.
        names: of the records, by their `origin`.

    Raises:
        ValueError: what a step refuses, with the names of record and step; missing samples where a step cannot have
            them; a step that does not make what it declares.
    """
    for step in steps:
        name = describe_step(step)["name"]
        if not batch.complete and not step.accepts_missing:
            _refuse_missing(batch, names, f"before the step {name}; add fill_missing before it")
            batch.complete = True
        try:
            apply_step(step, batch)
        except ValueError as error:
            if isinstance(error, RecordError):
                where = names[int(batch.origin[error.record])]
            else:
                where = several(list(names.values()))
            raise ValueError(f"{where}: step {name}: {error}") from error
        if step.chooses_leads:
            mark_gaps(batch, names)
        for output in step.outputs:
            if output in WAVEFORM:
                continue
            if output.name not in batch.tensors:
                raise ValueError(f"step {name} declares {output.name!r} and does not make it")
            batch.outputs[output.name] = output
    check_what_is_left(batch, names)


def stack_batches(
    batches: Sequence[WaveformBatch],
    names: Sequence[Mapping[int, str]],
    outputs: Sequence[Output],
    where: str = "after the last step",
) -> dict[str, np.ndarray]:
    """One batch in the order of the input, a record's crops side by side; rounded to float32 here and only here.

    Args:
        batches: what the steps have left.
        names: see `apply_steps`, one a batch.
        outputs: what the steps declare.
        where: what the errors say of the place in the recipe.

    Raises:
        ValueError: a value that is not a finite float32 number.
    """
    order = np.argsort(np.concatenate([batch.origin for batch in batches]), kind="stable")
    target = np.empty_like(order)
    target[order] = np.arange(len(order))
    ends = np.cumsum([len(batch.signals) for batch in batches])
    rows = np.split(target, ends[:-1])
    stacked = stack_outputs([_part(batch) for batch in batches], outputs, rows)
    lead_mask = np.concatenate([batch.lead_mask for batch in batches])[order]
    zero_absent_leads(stacked, outputs, lead_mask)
    for output in outputs:
        if output.dtype == "float32" and not np.isfinite(stacked[output.name]).all():
            for batch, own in zip(batches, names, strict=True):
                _refuse_missing(batch, own, f"{where}: add fill_missing, or look for an unstable filter")
            raise ValueError(
                f"the result ({output.name}) does not fit into float32: are the values and the recipe's scale right?"
            )
    return stacked


def present_only(batch: Mapping, outputs: Sequence[Output]) -> dict:
    """Tensors with an axis of leads, zero where the lead is absent."""
    mask, changed = batch["lead_mask"], {}
    if not mask.all():
        for output in outputs:
            axis = output.axis(LEADS)
            if axis is not None and output.dtype != "bool":
                shape = [len(mask)] + [1] * len(output.axes)
                shape[axis] = mask.shape[1]
                changed[output.name] = batch[output.name].masked_fill(~mask.view(shape), 0)
    return changed


def several(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more of the same shape"


def _part(batch: WaveformBatch) -> dict:
    return {
        "input_values": batch.signals,
        "lead_mask": batch.lead_mask,
        "sample_mask": batch.sample_mask,
        **batch.tensors,
    }


def _refuse_missing(batch: WaveformBatch, names: Mapping[int, str], where: str) -> None:
    finite = np.isfinite(batch.signals)
    for record, lead in np.argwhere(batch.lead_mask & ~finite.all(-1)):
        raise ValueError(
            f"{names[int(batch.origin[record])]}: lead {batch.leads[lead]} has {int((~finite[record, lead]).sum())}"
            f" samples that are not finite numbers {where}"
        )
