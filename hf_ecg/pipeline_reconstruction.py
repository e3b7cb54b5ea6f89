"""The pipeline "ecg-lead-reconstruction": twelve leads of a few.

    import hf_ecg

    complete = hf_ecg.pipeline("ecg-lead-reconstruction", model="OUT")
    record = complete("watch.csv")
    record.reconstructed  # ('II', 'III', 'aVR', ..., 'V6')

Measured leads come out as they went in, at the record's own rate. Limb leads that follow from two measured ones are
computed. What a model made is named in `Record.reconstructed`, and drawn in another colour by `plotting.plot_ecg`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers.utils import logging

from .checks import nearest
from .models.shared.task_names import RECONSTRUCTION
from .pipelines import ECGPipeline
from .processing.inputs import WaveformGroup, read_inputs
from .signals import Record, derive_limb_leads, read, resample
from .signals.channels import take_channels
from .signals.leads import LIMB_LEADS, STANDARD_LEADS

# a beat at 60 a minute, less than which says nothing of a rhythm or a waveform
SHORTEST_S = 1.0
# longer records are completed in windows, the joins of which overlap and are blended
WINDOW_S, OVERLAP_S = 60.0, 2.0
_OPTIONS = ("sampling_rate", "leads", "units", "rename")
logger = logging.get_logger(__name__)
_MEASURED, _MADE = "measured: ", "reconstructed, not measured: "


class ECGLeadReconstructionPipeline(ECGPipeline):
    """Task "ecg-lead-reconstruction": a `hf_ecg.signals.Record` of the standard twelve leads.

    A reconstructed lead is an estimate, not a measurement: it holds what the measured leads and other patients say.
    Reconstructed leads have passed the model's filters and hold no frequency above half of the model's rate. Where a
    measured lead has no sample nothing is reconstructed: NaN.

    Raises:
        ValueError: no limb lead, less than a second, values that are not voltages, several ECGs in one batch.
    """

    task_name = RECONSTRUCTION

    def _sanitize_parameters(self, **options):
        for key in options:
            if key not in _OPTIONS:
                known = ", ".join(_OPTIONS)
                raise ValueError(f"unknown option {key!r}{nearest(key, _OPTIONS)}; {self.task} knows {known}")
        return options, {}, {}

    def preprocess(self, ecg, **options):
        name = ""
        if isinstance(ecg, Mapping) and "array" in ecg:
            unknown = sorted(set(ecg) - {"array", *_OPTIONS})
            if unknown:
                raise ValueError(f"a dict with `array` holds {unknown}, wanted array, {', '.join(_OPTIONS)}")
            options |= {key: ecg[key] for key in _OPTIONS if key in ecg}
            ecg = ecg["array"]
        elif isinstance(ecg, Mapping):
            name = str(ecg.get("record_id") or "")
            options = {key: value for key, value in options.items() if key == "rename"}
        record = measured_record(ecg, name, options)
        said = {"sampling_rate": record.sampling_rate, "leads": record.leads, "units": "mV"}
        inputs = self.feature_extractor(record.values, **said, window="recipe", return_tensors="pt")
        return {"record": record, **inputs}

    def get_iterator(self, inputs, num_workers, batch_size, preprocess_params, forward_params, postprocess_params):
        if batch_size != 1:
            raise ValueError(f"batch_size is {batch_size}; {self.task} completes one ECG at a time, wanted 1")
        return super().get_iterator(
            inputs, num_workers, batch_size, preprocess_params, forward_params, postprocess_params
        )

    def _forward(self, inputs):
        record, values, there = inputs["record"], inputs["input_values"], inputs["lead_mask"].bool()
        wanted = record.seconds * self.feature_extractor.sampling_rate
        # not by the sample mask, which a gap in the record makes false too
        if len(values) != 1 or abs(values.shape[2] - wanted) >= 1:
            raise ValueError(
                f"{self.task} wants a feature extractor that keeps a record as one row of its own length, num_samples"
                f" null; this one makes {tuple(values.shape)}"
            )
        leads = in_windows(self.model, values, there, self.feature_extractor.sampling_rate)
        if not leads.isfinite().all():
            raise ValueError(f"{type(self.model).__name__} gives NaN or infinite values for an ECG without them")
        return {"record": record, "leads": leads[0]}

    def postprocess(self, outputs) -> Record:
        leads = outputs["leads"].float().cpu().numpy().astype(np.float64)
        return completed(outputs["record"], leads, self.feature_extractor.sampling_rate)


def measured_record(ecg: Any, name: str, options: Mapping) -> Record:
    """What a user hands over, in millivolts, with the leads of the twelve that were measured.

    What a file or a `Record` says beside the leads is kept. Leads that a model made before are left out.

    Raises:
        ValueError: several records, no voltages, no limb lead, less than a second; what `read_inputs` refuses.
    """
    options = dict(options)
    if isinstance(ecg, (str, PathLike)):
        found = read(ecg, leads=options.get("leads"), rename=options.pop("rename", None))
        ecg, name = replace(found, name=fspath(ecg)), Path(ecg).stem
    elif isinstance(ecg, Record):
        name = ecg.name
    if isinstance(ecg, Record) and ecg.reconstructed:
        ecg = take_channels(ecg, [lead for lead in ecg.leads if lead not in ecg.reconstructed])
    groups = read_inputs(ecg, **options)
    group: WaveformGroup = groups[0]
    where = group.names[0]
    if len(groups) != 1 or len(group.signals) != 1:
        raise ValueError(f"{where} and others were given as one ECG, wanted one at a time")
    if not group.physical:
        raise ValueError(f"{where}: units is 'normalized', wanted a voltage: leads are completed in millivolts")
    if not set(group.leads) & set(LIMB_LEADS):
        raise ValueError(
            f"{where} has the leads {', '.join(group.leads)}, wanted a limb lead among them: {', '.join(LIMB_LEADS)}"
        )
    seconds = group.signals.shape[2] / group.sampling_rate
    if seconds < SHORTEST_S:
        raise ValueError(f"{where} is {seconds:g} s long, wanted at least {SHORTEST_S:g} s")
    kept = [place for place, lead in enumerate(group.leads) if lead in STANDARD_LEADS]
    flat = [place for place in kept if np.nanmax(group.signals[0, place], initial=-np.inf) <= _lowest(group, place)]
    if flat:
        lying = ", ".join(group.leads[place] for place in flat)
        logger.warning("%s: %s never changes: nobody measured it, and it is reconstructed", where, lying)
        kept = [place for place in kept if place not in flat]
    if not {group.leads[place] for place in kept} & set(LIMB_LEADS):
        raise ValueError(f"{where}: no limb lead changes from sample to sample, wanted one that was measured")
    names = tuple(group.leads[place] for place in kept)
    record = Record(name, group.signals[0, kept], None, None, names, group.sampling_rate)
    if not isinstance(ecg, Record):
        return record
    kept_of = (
        *("sampling_rate", "source_format", "device", "start_time", "annotations", "remarks"),
        *("patient", "statements", "measurements"),
    )
    comments = [line for line in ecg.comments if not line.startswith((_MEASURED, _MADE))]
    return replace(record, comments=comments, **{key: getattr(ecg, key) for key in kept_of})


def _lowest(group: WaveformGroup, place: int) -> float:
    return float(np.nanmin(group.signals[0, place], initial=np.inf))


def in_windows(model, values: torch.Tensor, lead_mask: torch.Tensor, sampling_rate: float) -> torch.Tensor:
    """(1, 12, samples): the reconstruction, of long records in windows whose joins are blended."""
    samples, window, overlap = values.shape[2], round(WINDOW_S * sampling_rate), round(OVERLAP_S * sampling_rate)
    if samples <= window:
        return model(values, lead_mask=lead_mask).reconstruction.float()
    total, weights = torch.zeros(values.shape), torch.zeros(samples)
    for first, end in windows_of(samples, window, overlap):
        leads = model(values[:, :, first:end], lead_mask=lead_mask).reconstruction.float().cpu()
        share = torch.ones(end - first)
        ramp = torch.linspace(0, 1, overlap + 2)[1:-1]
        if first:
            share[:overlap] = ramp
        if end < samples:
            share[-overlap:] = ramp.flip(0)
        total[:, :, first:end] += leads * share
        weights[first:end] += share
    return total / weights


def windows_of(samples: int, window: int, overlap: int) -> Iterator[tuple[int, int]]:
    """First sample and end of windows that overlap; the last one ends with the record and may overlap by more."""
    first = 0
    while first + window < samples:
        yield first, first + window
        first += window - overlap
    yield max(0, samples - window) if samples - first < 2 * overlap else first, samples


def completed(record: Record, leads: np.ndarray, sampling_rate: float) -> Record:
    """The measured record with the leads that it lacks.

    Args:
        record: millivolts, some of the twelve leads.
        leads: (12, samples), what a model gives at its own rate.
        sampling_rate: of `leads`, hertz.

    Returns:
        The twelve leads at the record's rate: measured ones as they were, limb leads computed where two are known,
        the others named in `reconstructed`, NaN where a measured lead is.
    """
    number, measured = record.num_samples, {lead: record.values[place] for place, lead in enumerate(record.leads)}
    absent = [lead for lead in STANDARD_LEADS if lead not in measured]
    found = at_rate(leads, sampling_rate, record.sampling_rate, number)
    # the model saw a line across the gap, which nobody measured
    found[:, np.isnan(record.values).any(axis=0)] = np.nan
    known = dict(measured)
    limb = [lead for lead in LIMB_LEADS if lead in measured]
    made = [lead for lead in absent if lead not in LIMB_LEADS]
    if len(limb) == 1:
        # the one direction that is not measured; the others follow from both
        second = "II" if limb[0] != "II" else "I"
        known[second] = found[STANDARD_LEADS.index(second)]
        made = absent
    pair = [lead for lead in LIMB_LEADS if lead in known]
    six, names = derive_limb_leads(np.stack([known[lead] for lead in pair]).astype(np.float64), pair)
    known |= {lead: six[place] for place, lead in enumerate(names) if lead not in known}
    values = np.stack([known.get(lead, found[place]) for place, lead in enumerate(STANDARD_LEADS)])
    comments = [
        *record.comments,
        f"{_MEASURED}{', '.join(record.leads)}",
        *([f"{_MADE}{', '.join(made)}"] if made else []),
    ]
    return replace(
        record, values=values, leads=STANDARD_LEADS, lead_names=(), comments=comments, reconstructed=tuple(made)
    )


def at_rate(leads: np.ndarray, sampling_rate: float, target_rate: float, number: int) -> np.ndarray:
    """The leads at another rate, of so many samples."""
    moved = np.asarray(resample(leads, sampling_rate, target_rate, "polyphase"), dtype=np.float64)
    short = number - moved.shape[1]
    # rates that are not whole multiples may give a sample less: the last one stands for it
    return np.pad(moved, ((0, 0), (0, max(0, short))), mode="edge")[:, :number]
