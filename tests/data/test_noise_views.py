"""Electrode noise: its size, its spectrum, its kinds, and that recordings are used as they are."""

import numpy as np
import pytest
import torch
import wfdb

from hf_ecg.data.noise_views import KINDS, check_recordings, electrode_noise
from hf_ecg.data.view_base import Waveforms
from hf_ecg.data.views import validate_views

RATE, SAMPLES = 250.0, 2500


def noise_of(kind, rows=40, leads=2, **options):
    options = {"rms": 0.1} | options
    silence = Waveforms.of(torch.zeros(rows, leads, SAMPLES))
    return electrode_noise(
        silence, torch.Generator().manual_seed(0), kinds=[kind], sampling_rate=RATE, **options
    ).input_values


def share_of_power(noise, low, high):
    power = torch.fft.rfft(noise).abs().square().mean((0, 1))
    hertz = torch.fft.rfftfreq(SAMPLES, 1 / RATE)
    return (power[(hertz >= low) & (hertz < high)].sum() / power.sum()).item()


@pytest.mark.parametrize("kind", KINDS)
def test_every_lead_has_the_size_asked_for(kind):
    sizes = noise_of(kind).square().mean(-1).sqrt()
    torch.testing.assert_close(sizes, torch.full_like(sizes, 0.0 if kind == "none" else 0.1), rtol=1e-3, atol=0)


@pytest.mark.parametrize(("kind", "low", "high"), [("baseline", 0, 1), ("electrode", 0, 12), ("motion", 12, 125)])
def test_each_kind_lies_in_its_band(kind, low, high):
    assert share_of_power(noise_of(kind), low, high) > 0.9
    assert share_of_power(noise_of("mixture"), low, high) > 0.3


def test_electrode_noise_comes_in_bursts():
    quarters = noise_of("electrode").unflatten(-1, (10, -1)).square().mean(-1)
    assert (quarters.amax(-1) > 4 * quarters.mean(-1)).float().mean() > 0.5


def test_kinds_are_drawn_evenly():
    silence = Waveforms.of(torch.zeros(1500, 1, 200))
    made = electrode_noise(silence, torch.Generator().manual_seed(0), rms=1.0, sampling_rate=20.0)
    untouched = (made.input_values == 0).all(-1).float().mean().item()
    assert untouched == pytest.approx(1 / len(KINDS), abs=0.03)


def test_of_several_kinds_together_one_is_there_at_least():
    options = {"kinds": ["baseline", "motion"], "kind_probability": 0.01, "rms": 1.0, "sampling_rate": 20.0}
    silence = Waveforms.of(torch.zeros(100, 1, 200))
    assert electrode_noise(silence, torch.Generator().manual_seed(0), **options).input_values.any(dim=-1).all()


def test_the_signal_to_noise_ratio_is_that_of_each_lead():
    values = torch.randn(20, 3, SAMPLES, generator=torch.Generator().manual_seed(1)) * torch.tensor(
        [[[1.0], [2], [3]]]
    )
    data = Waveforms.of(values + 5)
    made = electrode_noise(data, torch.Generator().manual_seed(0), kinds=["motion"], snr_db=6, sampling_rate=RATE)
    noise = (made.input_values - data.input_values).square().mean(-1)
    torch.testing.assert_close(10 * torch.log10(values.var(-1) / noise), torch.full((20, 3), 6.0), atol=0.05, rtol=0)


@pytest.fixture
def recordings(tmp_path):
    """Three WFDB records at 500 Hz in the form of the Noise Stress Test Database: two channels, a sine each."""
    seconds = np.arange(10_000) / 500
    for name, hertz in {"bw": 0.25, "em": 3.0, "ma": 40.0}.items():
        signal = np.stack([np.sin(2 * np.pi * hertz * seconds), np.cos(2 * np.pi * hertz * seconds)], axis=1)
        wfdb.wrsamp(
            name, fs=500, units=["mV"] * 2, sig_name=["noise1", "noise2"], p_signal=signal, fmt=["16"] * 2,
            write_dir=str(tmp_path),
        )  # fmt: skip
    return tmp_path


@pytest.mark.parametrize(("kind", "hertz"), [("baseline", 0.25), ("electrode", 3.0), ("motion", 40.0)])
def test_recordings_give_stretches_of_themselves_at_the_rate_of_the_waveforms(recordings, kind, hertz):
    noise = noise_of(kind, recordings=str(recordings))
    assert share_of_power(noise, hertz - 0.3, hertz + 0.3) > 0.9
    assert not torch.equal(noise[0], noise[1]), "every record has a stretch of its own"
    torch.testing.assert_close(noise.square().mean(-1).sqrt(), torch.full((40, 2), 0.1), rtol=1e-3, atol=0)


def test_recordings_that_do_not_fit_are_refused(recordings, tmp_path):
    long = Waveforms.of(torch.zeros(1, 1, 6000))
    with pytest.raises(ValueError, match="has 5000 samples, the waveforms have 6000"):
        electrode_noise(
            long, torch.Generator(), kinds=["motion"], rms=0.1, recordings=str(recordings), sampling_rate=RATE
        )
    (recordings / "em.hea").unlink()
    with pytest.raises(FileNotFoundError, match="em.hea is not there"):
        noise_of("electrode", recordings=str(recordings))
    for content, message in (
        ("", "em.hea is empty"),
        ("em 2 x\n", "is it a WFDB header"),
        ("em 0 500 0\n", "no signals"),
    ):
        (recordings / "em.hea").write_text(content)
        with pytest.raises(ValueError, match=message):
            check_recordings(recordings, ["electrode"])
    (recordings / "bw.dat").write_bytes(bytes(100))
    with pytest.raises(ValueError, match="bw.dat has 100 bytes, wanted 40000"):
        check_recordings(recordings)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "exactly one of rms and snr_db"),
        ({"rms": 0.1, "snr_db": 3}, "exactly one of rms and snr_db"),
        ({"rms": 0.1, "kinds": ["mains"]}, "wanted a list of none, baseline"),
        ({"rms": 0.1, "kinds": [["motion"]]}, "wanted a list of none, baseline"),
        ({"rms": 0.1, "recordings": "no/such/folder"}, "wanted a folder with noise recordings"),
        ({"snr_db": [6, -6]}, "low, high"),
    ],
)
def test_a_recipe_that_says_nothing_sensible_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        validate_views([{"name": "electrode_noise", **options}], sampling_rate=RATE)
    assert validate_views([{"name": "electrode_noise", "snr_db": [-6, 6]}], sampling_rate=RATE)
