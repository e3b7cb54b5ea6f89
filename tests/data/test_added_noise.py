"""Noise that tests models: its rule against the database's own record, and what it does not depend on."""

import numpy as np
import pytest

from hf_ecg.data.added_noise import COMPAT_TOLERANTECG, NSTDB, RULES, AddedNoise, noise_power, signal_power

RATE, LEADS = 100, ["I", "II", "V1"]


def heart(samples=1000, offset=0.0):
    beats = np.exp(-0.5 * ((np.arange(samples) % 90 - 45) / 2.0) ** 2)
    return np.stack([beats, 2 * beats, 0.5 * beats]) + offset


def test_the_rule_is_that_of_the_noise_stress_test_database(shared_data_dir):
    """118e_6 is record 118 with `em` at -6 dB from the fifth minute on: its makers' gain, and ours.

    They measure the first five minutes of both.
    """
    import wfdb

    def read(name, first, end):
        return wfdb.rdrecord(str(shared_data_dir / name), sampfrom=first, sampto=end).p_signal.T

    added = read("nstdb/118e_6", 108000, 115200) - read("mitdb/118", 108000, 115200)
    noise = read("nstdb/em", 108000, 115200)
    published = [np.polyfit(*pair, 1)[0] for pair in zip(noise, added, strict=True)]
    signal, disturbing = (read(name, 0, 108000) for name in ("mitdb/118", "nstdb/em"))
    ours = np.sqrt(signal_power(signal, 360) / (noise_power(disturbing, 360) * 10**-0.6))
    np.testing.assert_allclose(20 * np.log10(ours / published), 0, atol=0.3)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("kind", ["bw", "em", "ma", "mixture"])
def test_the_ratio_is_the_one_that_was_asked_for(kind, rule):
    for snr_db in (12, -6):
        added = AddedNoise(kind, snr_db, rule)(heart(), RATE, "a", LEADS) - heart()
        found = 10 * np.log10(signal_power(heart(), RATE, rule) / noise_power(added, RATE, rule))
        np.testing.assert_allclose(found, snr_db, atol=1e-9)


def test_a_loud_second_of_noise_counts_by_its_size_and_not_by_its_power():
    noise = np.sin(2 * np.pi * 5 * np.arange(200) / RATE)[None] * np.repeat([1.0, 3.0], RATE) + 7
    assert noise_power(noise, RATE)[0] == pytest.approx(((1 + 3) / 2) ** 2 / 2)
    assert noise_power(noise - 7, RATE, COMPAT_TOLERANTECG)[0] == pytest.approx((1 + 9) / 2 / 2)


def test_offset_is_signal_to_one_rule_only():
    for rule, ratio in ((NSTDB, 1.0), (COMPAT_TOLERANTECG, 400.0)):
        with_offset, without = (signal_power(heart(offset=offset), RATE, rule)[2] for offset in (2.0, 0.0))
        assert with_offset / without == pytest.approx(ratio, rel=0.7 if ratio > 1 else 1e-3)


def test_a_lead_meets_the_same_noise_whatever_stands_beside_it():
    noise = AddedNoise("em", 0, seed=3)
    whole = noise(heart(), RATE, "a", LEADS)
    np.testing.assert_array_equal(noise(heart()[[2, 0]], RATE, "a", ["v1", "I"]), whole[[2, 0]])
    louder = AddedNoise("em", -6, seed=3)(heart(), RATE, "a", LEADS)
    np.testing.assert_allclose((louder - heart()) / (whole - heart()), 10**0.3, rtol=1e-6)
    for other in (AddedNoise("em", 0, seed=4), AddedNoise("ma", 0, seed=3)):
        assert np.abs(other(heart(), RATE, "a", LEADS) - whole).max() > 0.1
    assert np.abs(noise(heart(), RATE, "b", LEADS) - whole).max() > 0.1
    # one lead's noise is not another's
    assert abs(np.corrcoef((whole - heart())[:2])[0, 1]) < 0.9


def test_flat_leads_stay_flat_and_missing_samples_missing():
    values = heart()
    values[1] = 0.3
    values[2, 100:120] = np.nan
    noisy = AddedNoise("bw", 0)(values, RATE, "a", LEADS)
    np.testing.assert_allclose(noisy[1], 0.3)
    np.testing.assert_array_equal(np.isnan(noisy), np.isnan(values))


def test_recordings_are_used_where_they_are(shared_data_dir):
    folder = str(shared_data_dir / "nstdb")
    recorded, simulated = (AddedNoise("ma", 0, recordings=each)(heart(), RATE, "a", LEADS) for each in (folder, None))
    assert np.isfinite(recorded).all() and np.abs(recorded - simulated).max() > 0.1


def test_mistakes_are_told(tmp_path):
    with pytest.raises(ValueError, match="kind is 'wander'"):
        AddedNoise("wander", 0)
    with pytest.raises(ValueError, match="rule is 'power'"):
        AddedNoise("bw", 0, "power")
    with pytest.raises(OSError, match="em.hea is not there"):
        AddedNoise("em", 0, recordings=str(tmp_path))(heart(), RATE, "a", LEADS)
