"""Filters: equal to the plain scipy call, and clear about what cannot be done."""

import numpy as np
import pytest
from scipy import signal as scipy_signal

from hf_ecg.signals import apply_filter, validate_filter

BANDPASS = {"name": "bandpass", "low_hz": 0.67, "high_hz": 40.0, "order": 5, "form": "ba", "zero_phase": True}
HIGHPASS = {"name": "highpass", "low_hz": 0.5, "order": 2, "form": "sos", "zero_phase": True}
LOWPASS = {"name": "lowpass", "high_hz": 30.0, "order": 3, "form": "sos", "zero_phase": False}
NOTCH = {"name": "notch", "frequency_hz": 50.0, "quality": 30.0, "form": "ba", "zero_phase": True}


KINDS = {
    "bandpass": {"low_hz": 0.67, "high_hz": 40.0, "order": 3},
    "highpass": {"low_hz": 0.5, "order": 2},
    "lowpass": {"high_hz": 30.0, "order": 4},
    "notch": {"frequency_hz": 50.0, "quality": 30.0},
}


def plainly(signals, rate, filter):
    """The same filter by scipy alone, one lead at a time."""
    if filter["name"] == "notch":
        pair = scipy_signal.iirnotch(filter["frequency_hz"], filter["quality"], fs=rate)
        sos = scipy_signal.tf2sos(*pair)
    else:
        cutoffs = [filter[key] for key in ("low_hz", "high_hz") if key in filter]
        arguments = (filter["order"], cutoffs if len(cutoffs) == 2 else cutoffs[0], filter["name"])
        pair, sos = (scipy_signal.butter(*arguments, fs=rate, output=output) for output in ("ba", "sos"))
    if filter["form"] == "sos":
        run = scipy_signal.sosfiltfilt if filter["zero_phase"] else scipy_signal.sosfilt
        return np.apply_along_axis(lambda lead: run(sos, lead), -1, signals)
    run = scipy_signal.filtfilt if filter["zero_phase"] else scipy_signal.lfilter
    return np.apply_along_axis(lambda lead: run(*pair, lead), -1, signals)


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("form", ["sos", "ba"])
@pytest.mark.parametrize("zero_phase", [True, False])
def test_filters_equal_the_plain_call(signals, name, form, zero_phase):
    filter = {"name": name, "form": form, "zero_phase": zero_phase} | KINDS[name]
    if not zero_phase:
        filter["edges"] = "zero"
    ours = apply_filter(signals, 500, filter)
    assert ours.dtype == np.float64
    np.testing.assert_array_equal(ours, plainly(signals, 500, filter))


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("form", ["sos", "ba"])
def test_a_causal_pass_begins_at_the_level_of_the_first_sample(signals, name, form):
    filter = {"name": name, "form": form, "zero_phase": False} | KINDS[name]
    lasting = np.concatenate([np.repeat(signals[..., :1], 20_000, axis=-1), signals], axis=-1)
    expected = apply_filter(lasting, 500, filter | {"edges": "zero"})[..., 20_000:]
    np.testing.assert_allclose(apply_filter(signals, 500, filter), expected, atol=1e-6)
    lead = apply_filter(signals[0, 0], 500, filter | {"edges": "level"})
    np.testing.assert_array_equal(lead, apply_filter(signals, 500, filter)[0, 0])


def test_one_pass_and_two_have_their_own_edges():
    with pytest.raises(ValueError, match="edges is 'odd', wanted one of level, zero"):
        validate_filter(LOWPASS | {"edges": "odd"})
    with pytest.raises(ValueError, match="edges is 'zero', wanted one of odd, constant, gust"):
        validate_filter(HIGHPASS | {"edges": "zero"})
    with pytest.raises(ValueError, match="edges gust is known of the form 'ba' alone, found 'sos'"):
        validate_filter(HIGHPASS | {"edges": "gust"})


@pytest.mark.parametrize("edges", ["odd", "constant", "gust"])
def test_edges_of_two_ways_are_scipys(signals, edges):
    ours = apply_filter(signals, 500, BANDPASS | {"order": 3, "edges": edges})
    pair = scipy_signal.butter(3, (0.67, 40.0), "bandpass", fs=500)
    options = {"method": "gust"} if edges == "gust" else {"padtype": edges}
    np.testing.assert_allclose(ours, scipy_signal.filtfilt(*pair, signals, **options), atol=1e-12)
    odd = apply_filter(signals, 500, BANDPASS | {"order": 3})
    assert (np.abs(ours - odd).max() > 1e-3) == (edges != "odd")


def test_a_notch_of_all_harmonics_reaches_half_the_rate_and_not_beyond(signals):
    every = NOTCH | {"harmonics": True}
    wanted = signals
    for frequency in (50.0, 100.0, 150.0, 200.0, 250.0):
        wanted = scipy_signal.filtfilt(*scipy_signal.iirnotch(frequency, 30, fs=500), wanted)
    np.testing.assert_allclose(apply_filter(signals, 500, every), wanted, atol=1e-9)
    time = np.arange(5000) / 360
    for frequency, share in ((50, 0.01), (150, 0.01), (170, 0.99)):
        wave = np.sin(2 * np.pi * frequency * time)
        kept = apply_filter(wave, 360, every)[1000:-1000].std() / wave.std()
        assert kept < share if share < 0.5 else kept > share
    np.testing.assert_array_equal(
        apply_filter(signals, 500, NOTCH | {"harmonics": False}), apply_filter(signals, 500, NOTCH)
    )
    # 3 * 0.1 is above half of 0.6 by a rounding
    assert np.isfinite(apply_filter(signals, 0.6, every | {"frequency_hz": 0.1})).all()
    with pytest.raises(ValueError, match="harmonics is 1, wanted true or false"):
        validate_filter(NOTCH | {"harmonics": 1})
    with pytest.raises(ValueError, match="unknown .'harmonics'"):
        validate_filter(HIGHPASS | {"harmonics": True})


def test_order_and_cutoff_are_those_of_one_pass():
    for zero_phase, gain in ((False, 2**-0.5), (True, 0.5)):
        wave = np.sin(2 * np.pi * 30 * np.arange(20_000) / 500)
        filter = {"name": "lowpass", "high_hz": 30.0, "order": 4, "form": "sos", "zero_phase": zero_phase}
        ours = apply_filter(wave, 500, filter)[5000:-5000]
        np.testing.assert_allclose(ours.std() * 2**0.5, gain, rtol=1e-3)


def test_filters_are_computed_in_double_precision(signals):
    single = apply_filter(signals.astype(np.float32), 500, BANDPASS)
    double = apply_filter(signals.astype(np.float32).astype(np.float64), 500, BANDPASS)
    assert single.dtype == np.float32
    np.testing.assert_array_equal(single, double.astype(np.float32))


@pytest.mark.parametrize("filter", [BANDPASS, HIGHPASS, NOTCH])
def test_a_record_shorter_than_the_padding_is_refused(filter):
    short = np.random.default_rng(0).standard_normal((1, 200))
    shortest = next(n for n in range(2, 200) if _passes(short[:, :n], filter))
    assert shortest > 2
    with pytest.raises(ValueError, match=f"{shortest - 1} samples, a two-way pass needs more than {shortest - 1}"):
        apply_filter(short[:, : shortest - 1], 500, filter)


def _passes(signals, filter):
    try:
        apply_filter(signals, 500, filter)
    except ValueError:
        return False
    return True


def test_a_causal_filter_takes_any_length(signals):
    np.testing.assert_array_equal(
        apply_filter(signals[..., :3], 500, LOWPASS), apply_filter(signals, 500, LOWPASS)[..., :3]
    )


@pytest.mark.parametrize(
    ("filter", "rate", "message"),
    [
        (BANDPASS, 80, "high_hz 40.0 Hz is not below half the sampling rate"),
        (NOTCH, 100, "frequency_hz 50.0 Hz is not below half"),
    ],
)
def test_a_cutoff_at_half_the_rate_is_refused(signals, filter, rate, message):
    with pytest.raises(ValueError, match=message):
        apply_filter(signals, rate, filter)


@pytest.mark.parametrize("rate", [0, -500, float("nan"), float("inf")])
def test_a_rate_that_is_none_is_refused(signals, rate):
    with pytest.raises(ValueError, match="sampling_rate is"):
        apply_filter(signals, rate, LOWPASS)


def test_polynomials_that_rounding_makes_unstable_are_refused(signals):
    unstable = BANDPASS | {"low_hz": 0.05}
    with pytest.raises(ValueError, match="unstable.*use the form sos"):
        apply_filter(signals, 500, unstable)
    assert np.abs(apply_filter(signals, 500, unstable | {"form": "sos"})).max() < 2 * np.abs(signals).max()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"form": None}, "form is None"),
        ({"order": 2.5}, "order is 2.5"),
        ({"order": 0}, "order is 0"),
        ({"order": True}, "order is True"),
        ({"low_hz": float("nan")}, "low_hz is nan"),
        ({"low_hz": "0.5"}, "low_hz is '0.5'"),
        ({"low_hz": 50.0}, "not below high_hz"),
        ({"zero_phase": 1}, "zero_phase is 1"),
        ({"name": "median"}, "name is 'median'"),
        ({"quality": 3.0}, "unknown \\['quality'\\]"),
    ],
)
def test_a_filter_that_is_not_complete_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        validate_filter(BANDPASS | changes)
    with pytest.raises(ValueError, match="missing \\['form'\\]"):
        validate_filter({key: value for key, value in BANDPASS.items() if key != "form"})


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_samples_that_are_not_finite_are_refused(signals, value):
    signals[1, 2, 7] = value
    with pytest.raises(ValueError, match=r"lead \(1, 2\) has NaN or infinite"):
        apply_filter(signals, 500, HIGHPASS)


@pytest.mark.parametrize(("filter", "level"), [(BANDPASS, 0), (HIGHPASS, 0), (LOWPASS, -4.5), (NOTCH, -4.5)])
@pytest.mark.parametrize("zero_phase", [True, False])
def test_a_flat_lead_stays_flat_without_rounding_errors(signals, filter, level, zero_phase):
    """Which would be a signal to what looks for flat leads, ranks samples or divides by their range."""
    signals[0, 1] = -4.5
    found = apply_filter(signals, 500, filter | {"zero_phase": zero_phase})
    assert (found[0, 1] == level).all() and np.ptp(found[0, 0]) > 0
