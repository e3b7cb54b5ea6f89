"""Butterworth and notch filters, each told in full by a mapping that is saved with the model."""

from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from ..checks import check_bool, check_one_of, check_positive, shown
from ._arrays import as_double, check_no_missing
from .resampling import check_rate

_CUTOFFS = {"bandpass": ("low_hz", "high_hz"), "highpass": ("low_hz",), "lowpass": ("high_hz",)}
_BUTTERWORTH_KEYS = ("order", "form", "zero_phase")
_NOTCH_KEYS = ("frequency_hz", "quality", "form", "zero_phase")
FORMS = ("sos", "ba")
# Before the first sample of a causal pass: its level, or zero.
EDGES = (LEVEL, ZERO) = ("level", "zero")
# Beyond the ends of a two-way pass: the record reflected in time and level, its end values, or nothing: Gustafsson's
# initial states, with which forward-backward and backward-forward agree.
TWO_WAY_EDGES = (ODD, CONSTANT, GUST) = ("odd", "constant", "gust")
# No ECG is filtered by more; what memory and rounding make of larger ones is not a filter.
HIGHEST_ORDER = 50


def validate_filter(filter: Mapping) -> None:
    """Check everything that needs no sampling rate.

    Args:
        filter: `name` ("bandpass", "highpass", "lowpass": with `order`, `form`, `zero_phase` and `low_hz` and / or
            `high_hz`; "notch": with `frequency_hz`, `quality`, `form`, `zero_phase`); without `zero_phase` it may
            have `edges`, "level" (default) or "zero".

    Raises:
        ValueError: an unknown or missing key, or a value out of range.
    """
    if not isinstance(filter, Mapping):
        raise ValueError(f"filter is {shown(filter)}, wanted a mapping with a name")
    name = filter.get("name", "")
    check_one_of("filter name", name, (*_CUTOFFS, "notch"))
    wanted = {"name", *(_NOTCH_KEYS if name == "notch" else (*_CUTOFFS[name], *_BUTTERWORTH_KEYS))}
    if "edges" in filter:
        wanted.add("edges")
        edges = TWO_WAY_EDGES if filter.get("zero_phase") is True else EDGES
        check_one_of(f"filter {name}: edges", filter["edges"], edges)
    if name == "notch" and "harmonics" in filter:
        wanted.add("harmonics")
        check_bool("filter notch: harmonics", filter["harmonics"])
    if set(filter) != wanted:
        missing, unknown = sorted(wanted - set(filter)), sorted(map(str, set(filter) - wanted))
        raise ValueError(f"filter {name}: missing {missing}, unknown {unknown}; it takes {sorted(wanted)}")
    check_one_of(f"filter {name}: form", filter["form"], FORMS)
    check_bool(f"filter {name}: zero_phase", filter["zero_phase"])
    if filter.get("edges") == GUST and filter["form"] != "ba":
        raise ValueError(f"filter {name}: edges {GUST} is known of the form 'ba' alone, found {filter['form']!r}")
    for key in wanted - {"name", "form", "zero_phase", "edges", "harmonics"}:
        check_positive(f"filter {name}: {key}", filter[key])
    if name != "notch" and int(filter["order"]) != filter["order"]:
        raise ValueError(f"filter {name}: order is {filter['order']!r}, wanted a whole number")
    if name != "notch" and filter["order"] > HIGHEST_ORDER:
        raise ValueError(f"filter {name}: order is {filter['order']!r}, wanted at most {HIGHEST_ORDER}")
    if name == "bandpass" and filter["low_hz"] >= filter["high_hz"]:
        raise ValueError(f"filter bandpass: low_hz {filter['low_hz']} is not below high_hz {filter['high_hz']}")


def apply_filter(signals: np.ndarray, sampling_rate: float, filter: Mapping) -> np.ndarray:
    """The signals filtered by scipy.

    Order and cut-offs are those of one pass: with `zero_phase` the filter runs forward and backward (`filtfilt`,
    `sosfiltfilt` with scipy's odd padding), so the gain at a cut-off is -6 dB. For fidelity to originals `edges`
    "constant" pads with the end values, and "gust" does not pad (`filtfilt(method="gust")`): half of a steady offset
    then stays at both ends of a high-pass. A notch with `harmonics` also removes each multiple of `frequency_hz` up to
    half the sampling rate. Without `zero_phase`, one causal pass that begins as if the first sample had always been
    there; with `edges` "zero" it starts from rest, as plain `sosfilt` and `lfilter` do, for fidelity to originals. Of
    a record at -4.5 mV through 0.5 to 40 Hz of order 3 that leaves 4.6 mV at its beginning, the first way 0.06
    (medians of 40 leads; as recorded 0.07 and 0.06). `form` "ba" too is for fidelity: of order 5 from 0.67 Hz it is
    off by 5 microvolts at 500 Hz. A constant lead stays constant, but for "zero" and "gust".

    Args:
        signals: (..., samples).
        sampling_rate: hertz.
        filter: see `validate_filter`.

    Raises:
        ValueError: a filter that is not valid, a cut-off at or above half the sampling rate, a "ba" filter that
            rounding makes unstable, a record that is not longer than the padding of the two-way pass, NaN or infinite
            samples.
    """
    validate_filter(filter)
    sampling_rate = check_rate("sampling_rate", sampling_rate)
    signals, dtype = as_double(signals)
    check_no_missing(signals, f"filter {filter['name']}")
    nyquist = sampling_rate / 2
    for key in ("low_hz", "high_hz", "frequency_hz"):
        if key in filter and filter[key] >= nyquist:
            raise ValueError(
                f"filter {filter['name']}: {key} {filter[key]} Hz is not below half the sampling rate ({nyquist} Hz)"
            )
    level = signals[..., :1]
    constant = (signals == level).all(axis=-1) if filter.get("edges") not in (ZERO, GUST) else np.zeros(0, bool)
    for coefficients in _designs(sampling_rate, filter):
        signals = _passed(signals, coefficients, filter)
    if constant.any():
        # rounding errors would be a signal to what divides by their range, or looks for flat leads
        signals[constant] = level[constant] if filter["name"] in ("lowpass", "notch") else 0.0
    return signals.astype(dtype, copy=False)


def _passed(signals: np.ndarray, coefficients: tuple, filter: Mapping) -> np.ndarray:
    """One filter's pass, or its two."""
    from scipy import signal as scipy_signal

    sections = filter["form"] == "sos"
    if not filter["zero_phase"]:
        run = scipy_signal.sosfilt if sections else scipy_signal.lfilter
        if filter.get("edges") == ZERO:
            return run(*coefficients, signals, axis=-1)
        steady = scipy_signal.sosfilt_zi if sections else scipy_signal.lfilter_zi
        # scipy wants (sections, ..., 2) or (..., state): those of a constant 1, times the first sample of each lead
        state = steady(*coefficients)
        shape = (len(state), *[1] * (signals.ndim - 1), 2) if sections else (*[1] * (signals.ndim - 1), len(state))
        return run(*coefficients, signals, axis=-1, zi=state.reshape(shape) * signals[..., :1])[0]
    padding = _padding(coefficients, sections)
    if signals.shape[-1] <= padding:
        raise ValueError(
            f"filter {filter['name']}: the record has {signals.shape[-1]} samples, a two-way pass needs more than"
            f" {padding}"
        )
    edges = filter.get("edges", ODD)
    if edges == GUST:
        return scipy_signal.filtfilt(*coefficients, signals, axis=-1, method="gust")
    run = scipy_signal.sosfiltfilt if sections else scipy_signal.filtfilt
    return run(*coefficients, signals, axis=-1, padtype=edges)


def _designs(sampling_rate: float, filter: Mapping) -> list[tuple]:
    """The filters to run one after the other: one, or a notch for each harmonic up to half the sampling rate."""
    if not filter.get("harmonics"):
        return [_design(sampling_rate, filter)]
    alone = {key: value for key, value in filter.items() if key != "harmonics"}
    number = int(sampling_rate / 2 / filter["frequency_hz"] + 1e-9)
    multiples = (min(filter["frequency_hz"] * place, sampling_rate / 2) for place in range(1, number + 1))
    return [_design(sampling_rate, alone | {"frequency_hz": frequency}) for frequency in multiples]


def _design(sampling_rate: float, filter: Mapping) -> tuple:
    return _designed(float(sampling_rate), tuple(sorted(filter.items())))


@lru_cache(maxsize=64)
def _designed(sampling_rate: float, items: tuple) -> tuple:
    from scipy import signal as scipy_signal

    filter = dict(items)
    if filter["name"] == "notch":
        numerator, denominator = scipy_signal.iirnotch(filter["frequency_hz"], filter["quality"], fs=sampling_rate)
        if filter["frequency_hz"] == sampling_rate / 2:
            # a zero cancels a pole there, at -1; lengths stay, which the padding of two-way passes goes by
            numerator, denominator = (np.append(np.polydiv(part, (1, 1))[0], 0) for part in (numerator, denominator))
    else:
        cutoffs = [filter[key] for key in _CUTOFFS[filter["name"]]]
        order, cutoffs = int(filter["order"]), cutoffs if len(cutoffs) > 1 else cutoffs[0]
        if filter["form"] == "sos":
            return (scipy_signal.butter(order, cutoffs, btype=filter["name"], fs=sampling_rate, output="sos"),)
        numerator, denominator = scipy_signal.butter(order, cutoffs, btype=filter["name"], fs=sampling_rate)
    if filter["form"] == "sos":
        return (scipy_signal.tf2sos(numerator, denominator),)
    # order 5 from 0.05 Hz at 500 Hz, as polynomials, has poles outside the unit circle and returns 10^4 mV
    furthest = np.abs(np.roots(denominator)).max()
    if not furthest < 1:
        raise ValueError(
            f"filter {filter['name']}: as polynomials (form ba) at {sampling_rate:g} Hz it is unstable, with a pole at"
            f" distance {furthest:.6g} from zero; use the form sos"
        )
    return numerator, denominator


def _padding(coefficients, sections: bool) -> int:
    """scipy's default padding of filtfilt and sosfiltfilt."""
    if not sections:
        return 3 * max(len(part) for part in coefficients)
    (sos,) = coefficients
    taps = 2 * len(sos) + 1 - min((sos[:, 2] == 0).sum(), (sos[:, 5] == 0).sum())
    return 3 * int(taps)
