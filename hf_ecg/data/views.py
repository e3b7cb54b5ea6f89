"""Random views of a batch of waveforms, each a function of the generator passed in and of nothing else.

A recipe lists views as dicts: `{"name": "gaussian_noise", "rms": [0.0, 0.05], "probability": 0.5}`. A range is drawn
from evenly, once per record. Voltages are in the unit of the input, millivolt unless the feature extractor normalises.
Every view but `random_crop` takes a `probability` (default 1) of being applied to a record. Absent leads and padded
samples stay what they are, and no view changes its input in place.
"""

import inspect
import math
from collections.abc import Sequence
from pathlib import Path

import torch

from ..checks import check_positive, check_positive_integer, nearest
from ..signals.filters import validate_filter
from .filter_views import filtered
from .lead_views import check_kept, check_patterns, lead_dropout, lead_patterns, lead_subset, lead_zeroing
from .noise_views import KINDS, electrode_noise
from .vector_views import check_vector_leads, lead_time_mask, vector_rotation
from .view_base import (
    Generators,
    Strength,
    Waveforms,
    add_disturbance,
    draw,
    standard_deviation,
    strength,
    uniform,
)


def random_crop(waveforms: Waveforms, generator: Generators, *, num_samples: int) -> Waveforms:
    """One stretch of `num_samples` of each record, away from the padding as far as the record is long enough.

    Args:
        waveforms: records of at least `num_samples` samples, padding included.
        generator: one for the batch, or one per record.
        num_samples: length of the result.
    """
    values, lead_mask, sample_mask = waveforms
    samples = values.shape[-1]
    if num_samples > samples:
        raise ValueError(f"random_crop: num_samples is {num_samples}, but the records have {samples} samples")
    positions = torch.arange(samples, device=values.device)
    first = torch.where(sample_mask, positions, samples).amin(1).clamp(max=samples - num_samples)
    last = torch.where(sample_mask, positions + 1, 0).amax(1) - num_samples
    last = torch.maximum(first, last)
    # in double: a float32 number cannot reach every start of a day-long record
    chosen = uniform(generator, (len(values),), values.device, torch.float64)
    start = torch.minimum(first + (chosen * (last - first + 1)).long(), last)
    stretches = [slice(begin, begin + num_samples) for begin in start.tolist()]
    cropped = torch.stack([row[:, stretch] for row, stretch in zip(values, stretches, strict=True)])
    mask = torch.stack([row[stretch] for row, stretch in zip(sample_mask, stretches, strict=True)])
    return Waveforms(cropped, lead_mask, mask)


def amplitude_scale(
    waveforms: Waveforms, generator: Generators, *, factor: Strength = (0.8, 1.25), per_lead: bool = False
) -> Waveforms:
    """Each record times one factor.

    Args:
        waveforms: records.
        generator: one for the batch, or one per record.
        factor: or its range.
        per_lead: a factor for each lead of its own, which breaks the limb leads' relations (III = II - I).
    """
    values = waveforms.input_values
    shape = (len(values), values.shape[1] if per_lead else 1, 1)
    return waveforms._replace(input_values=values * strength(generator, factor, shape, values))


def gaussian_noise(
    waveforms: Waveforms, generator: Generators, *, rms: Strength | None = None, relative: Strength | None = None
) -> Waveforms:
    """White noise in every present lead; exactly one of `rms` and `relative` is given.

    Args:
        waveforms: records.
        generator: one for the batch, or one per record.
        rms: the noise's root mean square, in the unit of the input (millivolt).
        relative: the same as a part of each lead's own standard deviation.
    """
    values = waveforms.input_values
    if (rms is None) == (relative is None):
        raise ValueError("gaussian_noise takes exactly one of rms and relative")
    size = strength(generator, relative if rms is None else rms, (len(values), 1, 1), values)
    if rms is None:
        size = size * standard_deviation(values, waveforms.sample_mask)
    noise = draw("normal_", generator, tuple(values.shape), values.device, values.dtype)
    return add_disturbance(waveforms, noise.mul_(size))


def baseline_wander(
    waveforms: Waveforms,
    generator: Generators,
    *,
    amplitude: Strength = (0.0, 0.2),
    frequency_hz: Strength = (0.05, 0.5),
    sampling_rate: float,
) -> Waveforms:
    """A slow sine of random phase, of one frequency in all leads of a record and of another height in each.

    Args:
        waveforms: records.
        generator: one for the batch, or one per record.
        amplitude: height in the unit of the input (millivolt); a range is drawn from for each lead.
        frequency_hz: respiration moves the baseline at 0.05 to 0.5 Hz.
        sampling_rate: hertz of the waveforms.
    """
    values = waveforms.input_values
    height = strength(generator, amplitude, (*values.shape[:2], 1), values)
    frequency = strength(generator, frequency_hz, (len(values), 1, 1), values)
    phase = 2 * math.pi * uniform(generator, (len(values), 1, 1), values.device, values.dtype)
    seconds = torch.arange(values.shape[-1], device=values.device, dtype=values.dtype) / sampling_rate
    return add_disturbance(waveforms, height * torch.sin(2 * math.pi * frequency * seconds + phase))


def time_mask(waveforms: Waveforms, generator: Generators, *, fraction: Strength = (0.0, 0.2)) -> Waveforms:
    """One stretch of each record becomes zero in all leads; `sample_mask` still counts it as recorded.

    Args:
        waveforms: records.
        generator: one for the batch, or one per record.
        fraction: length of the stretch, of all samples.
    """
    values = waveforms.input_values
    samples = values.shape[-1]
    length = (strength(generator, fraction, (len(values), 1), values) * samples).round()
    start = (uniform(generator, (len(values), 1), values.device, values.dtype) * (samples - length + 1)).floor()
    positions = torch.arange(samples, device=values.device)
    hidden = (positions >= start) & (positions < start + length)
    return waveforms._replace(input_values=values.masked_fill(hidden[:, None], 0.0))


def time_shift(waveforms: Waveforms, generator: Generators, *, max_samples: int) -> Waveforms:
    """Moves a record in time by up to `max_samples` either way; what enters is zero and padding in `sample_mask`.

    Args:
        waveforms: records longer than `max_samples`.
        generator: one for the batch, or one per record.
        max_samples: largest shift.
    """
    values, lead_mask, sample_mask = waveforms
    samples = values.shape[-1]
    if max_samples >= samples:
        raise ValueError(f"time_shift: max_samples is {max_samples}, but the records have {samples} samples")
    chosen = uniform(generator, (len(values), 1), values.device, torch.float64)
    shift = (chosen * (2 * max_samples + 1)).long().clamp(max=2 * max_samples) - max_samples
    source = torch.arange(samples, device=values.device) - shift
    inside = (source >= 0) & (source < samples)
    index = source.clamp(0, samples - 1)
    moved = values.gather(2, index[:, None].expand(-1, values.shape[1], -1)).masked_fill(~inside[:, None], 0.0)
    return Waveforms(moved, lead_mask, sample_mask.gather(1, index) & inside)


_ALL = (
    random_crop,
    amplitude_scale,
    gaussian_noise,
    electrode_noise,
    lead_dropout,
    lead_patterns,
    lead_subset,
    lead_zeroing,
    filtered,
    lead_time_mask,
    vector_rotation,
    baseline_wander,
    time_mask,
    time_shift,
)
VIEWS = {view.__name__: view for view in _ALL}
_ALTERNATIVES = {"gaussian_noise": [("rms", "relative")], "electrode_noise": [("rms", "snr_db")]}


def apply_views(
    input_values: torch.Tensor,
    views: Sequence[dict],
    generator: torch.Generator | Sequence[Sequence[torch.Generator]],
    *,
    lead_mask: torch.Tensor | None = None,
    sample_mask: torch.Tensor | None = None,
    sampling_rate: float | None = None,
    leads: Sequence[str] | None = None,
) -> Waveforms:
    """Applies the views one after the other.

    Args:
        input_values: (batch, leads, samples), on any device.
        views: see `validate_views`.
        generator: one for everything, or for each view one generator per record (see `record_generator`): a record's
            views then do not depend on the batch it is in.
        lead_mask: bool (batch, leads), false where absent; all present by default.
        sample_mask: bool (batch, samples), false where padded; all recorded by default.
        sampling_rate: hertz, for the views that need it and do not give their own.
        leads: names of the leads, likewise.

    Raises:
        ValueError: a view that does not fit the waveforms.
    """
    waveforms = Waveforms.of(input_values, lead_mask, sample_mask)
    for position, description in enumerate(views):
        generators = generator if isinstance(generator, torch.Generator) else generator[position]
        waveforms = _apply(waveforms, dict(description), generators, {"sampling_rate": sampling_rate, "leads": leads})
    return waveforms


def validate_views(
    views: Sequence[dict], sampling_rate: float | None = None, leads: Sequence[str] | None = None
) -> list[dict]:
    """The list itself, when every view is known and every parameter possible.

    Args:
        views: dicts with a `name`, the function's keyword arguments and, but for `random_crop`, a `probability`.
        sampling_rate: hertz at the place where views act, such as an extractor's `views_sampling_rate`; a view that
            names its own must name the same.
        leads: names of the waveforms' leads there, likewise.

    Raises:
        ValueError: an unknown view or parameter (the nearest is named), a missing or impossible one.
    """
    if isinstance(views, (str, dict)):
        raise ValueError(f"views is {views!r}, wanted a list of dicts")
    return [_validated(description, {"sampling_rate": sampling_rate, "leads": leads}) for description in views]


def _validated(description: dict, known_here: dict) -> dict:
    if not isinstance(description, dict) or "name" not in description:
        raise ValueError(f"a view is {description!r}, wanted a dict with a name")
    name = description["name"]
    if not isinstance(name, str) or name not in VIEWS:
        raise ValueError(f"unknown view {name!r}{nearest(name, VIEWS)}; known: {', '.join(VIEWS)}")
    parameters = dict(list(inspect.signature(VIEWS[name]).parameters.items())[2:])
    known = set(parameters) | ({"probability"} if name != "random_crop" else set())
    given = {key: value for key, value in description.items() if key != "name"}
    for key, value in given.items():
        if key not in known:
            raise ValueError(f"view {name}: unknown parameter {key!r}{nearest(key, known)}; known: {sorted(known)}")
        _check_parameter(f"view {name}: {key}", key, value)
    if "patterns" in given:
        check_patterns(f"view {name}: patterns", given["patterns"], known_here["leads"])
    if name == vector_rotation.__name__:
        check_vector_leads(f"view {name}", given.get("leads", known_here["leads"]))
    for key, here in known_here.items():
        if here is not None and given.setdefault(key, here) != here:
            raise ValueError(f"view {name}: {key} is {given[key]}, but waveforms come to it with {here}")
    for key, parameter in parameters.items():
        if parameter.default is inspect.Parameter.empty and key not in given:
            raise ValueError(f"view {name}: {key} is not given")
    for one, other in _ALTERNATIVES.get(name, ()):
        if (given.get(one) is None) == (given.get(other) is None):
            raise ValueError(f"view {name} takes exactly one of {one} and {other}")
    return dict(description)


def _check_parameter(where: str, key: str, value) -> None:
    if key in ("num_samples", "max_samples"):
        check_positive_integer(where, value)
    elif key == "per_lead":
        if not isinstance(value, bool):
            raise ValueError(f"{where} is {value!r}, wanted true or false")
    elif key == "sampling_rate":
        check_positive(where, value)
    elif key == "max_angle":
        check_positive(where, value, or_zero=True)
    elif key in ("patterns", "leads"):
        return
    elif key == "kept":
        check_kept(where, value)
    elif key == "filter":
        validate_filter(value)
    elif key == "kinds":
        if not isinstance(value, (list, tuple)) or not value or not all(kind in KINDS for kind in value):
            raise ValueError(f"{where} is {value!r}, wanted a list of {', '.join(KINDS)}")
    elif key == "recordings":
        if value is not None and not Path(value).is_dir():
            raise ValueError(f"{where} is {value!r}, wanted a folder with noise recordings")
    elif key == "kind_probability" and value is None:
        return
    elif key in ("probability", "lead_probability", "kind_probability"):
        check_positive(where, value, or_zero=True)
        if value > 1:
            raise ValueError(f"{where} is {value!r}, wanted a probability")
    else:
        bounds = list(value) if isinstance(value, (list, tuple)) else [value, value]
        for bound in bounds:
            check_positive(where, abs(bound) if key == "snr_db" else bound, or_zero=True)
        if len(bounds) != 2 or bounds[0] > bounds[1]:
            raise ValueError(f"{where} is {value!r}, wanted a number or [low, high]")
        if key == "fraction" and bounds[1] > 1:
            raise ValueError(f"{where} is {value!r}, wanted at most 1")


def _apply(waveforms: Waveforms, options: dict, generators: Generators, known_here: dict) -> Waveforms:
    view = VIEWS[options.pop("name")]
    probability = options.pop("probability", 1.0)
    for key, here in known_here.items():
        if key in inspect.signature(view).parameters and here is not None:
            options.setdefault(key, here)
    if probability >= 1:
        return view(waveforms, generators, **options)
    chance = uniform(generators, (len(waveforms.input_values),), torch.device("cpu"), torch.float64)
    chosen = (chance < probability).nonzero()[:, 0]
    if not len(chosen):
        return waveforms
    if not isinstance(generators, torch.Generator):
        generators = [generators[index] for index in chosen.tolist()]
    chosen = chosen.to(waveforms.input_values.device)
    changed = view(Waveforms(*(tensor[chosen] for tensor in waveforms)), generators, **options)
    return Waveforms(*(old.index_copy(0, chosen, new) for old, new in zip(waveforms, changed, strict=True)))
