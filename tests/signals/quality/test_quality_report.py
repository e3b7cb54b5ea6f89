"""Each flag on hand-made damage and on real records; what is clean must not have it."""

import csv
import json

import numpy as np
import pytest

from hf_ecg.signals import STANDARD_LEADS, check_quality, read
from hf_ecg.signals.quality import DAMAGE, FLAGS, MAX_MAINS_MV, MAX_WANDER_MV, SUSPICIONS

RATE = 500


def beats(rate=RATE, seconds=10, seed=0):
    """Twelve leads (12, samples) of one made heart: I and II of their own, the other limb leads by Einthoven."""
    generator = np.random.default_rng(seed)
    time = np.arange(int(rate * seconds)) / rate
    wave = np.zeros((8, len(time)))
    # widths in seconds; R, S, T of I, II, V1..V6
    heights = np.array(
        [[0.8, 1.1, 0.3, 0.6, 1.0, 1.6, 1.4, 1.0], [0.1, 0.2, 1.2, 1.4, 0.8, 0.4, 0.2, 0.1], [0.25] * 8]
    )
    for beat in np.arange(0.4, seconds, 0.8) + generator.normal(0, 0.02, len(np.arange(0.4, seconds, 0.8))):
        size = generator.normal(1, 0.05)
        for height, offset, width, sign in zip(heights, (0, 0.04, 0.3), (0.012, 0.012, 0.05), (1, -1, 1), strict=True):
            wave += sign * size * height[:, None] * np.exp(-(((time - beat - offset) / width) ** 2) / 2)
    wave += generator.normal(0, 0.005, wave.shape)
    one, two = wave[:2]
    return np.concatenate([[one, two, two - one, -(one + two) / 2, one - two / 2, two - one / 2], wave[2:]])


def flagged(signals, rate=RATE, leads=STANDARD_LEADS):
    """Flag -> names of the leads that have it, without flags that nobody has."""
    report = check_quality(signals, rate, leads)
    return {name: [report.leads[i] for i in np.flatnonzero(flag)] for name, flag in report.flags.items() if flag.any()}


def sine(hertz, rate=RATE, seconds=10):
    return np.sin(2 * np.pi * (hertz * np.arange(int(rate * seconds)) / rate + 0.1))


@pytest.mark.parametrize("rate", [100, 250, 500])
def test_a_clean_record_passes(rate):
    report = check_quality(beats(rate), rate, STANDARD_LEADS)
    assert report.record_passed and report.passed.shape == (12,)
    assert set(report.flags) == set(FLAGS) == {*DAMAGE, *SUSPICIONS}


def test_missing():
    signals = beats()
    signals[7, :40] = np.nan
    assert flagged(signals) == {}
    signals[7, 1000:1060], signals[8, 5:200], signals[9] = np.nan, np.inf, np.nan
    report = check_quality(signals, RATE, STANDARD_LEADS)
    assert flagged(signals) == {"missing": ["V2", "V3", "V4"]}
    assert report.missing_share[[6, 7, 8, 9]] == pytest.approx([0, 0.02, 0.039, 1])
    assert np.isnan(report.range_mv[9]) and np.isfinite(report.wander_mv).all()


def test_a_gap_hides_no_contradiction_and_makes_none():
    signals = beats()
    signals[0, :100] = np.nan
    assert flagged(signals) == {"missing": ["I"]}
    signals[3, 3000:3100] += 0.5
    assert flagged(signals)["einthoven"] == ["aVR"]


@pytest.mark.parametrize("start", [0, 1, 777, 4500])
def test_flat_stretches_wherever_they_start(start):
    signals = beats()
    signals[6, start : start + 300] = 0.123
    report = check_quality(signals, RATE, STANDARD_LEADS)
    assert flagged(signals)["flat"] == ["V1"]
    assert report.flat_share[6] == pytest.approx(min(300, 5000 - start) / 5000)
    short = beats()
    short[6, start : start + 240] = 0.123
    assert check_quality(short, RATE, STANDARD_LEADS).flat_share[6] == 0


def test_several_flat_stretches_add_up():
    signals = beats()
    for start, length in ((10, 260), (2000, 249), (3000, 250)):
        signals[6, start : start + length] = start
    assert check_quality(signals, RATE, STANDARD_LEADS).flat_share[6] == pytest.approx(510 / 5000)


def test_a_flat_lead():
    signals = beats()
    signals[6], signals[7] = 0.0, np.random.default_rng(0).normal(0, 0.002, 5000)
    assert flagged(signals)["flat"] == ["V1", "V2"]


@pytest.mark.parametrize("sign", [1, -1])
def test_clipped(sign):
    signals = beats()
    signals[9] = sign * np.minimum(signals[9], 1.0)
    report = check_quality(signals, RATE, STANDARD_LEADS)
    assert flagged(signals) == {"clipped": ["V4"]}
    assert report.clipped_runs[9] >= 10 and report.clipped_seconds[9] > 0.05


def test_coarse_steps_are_no_rail():
    signals = beats()
    assert not check_quality(np.round(signals / 0.005) * 0.005, RATE, STANDARD_LEADS).flags["clipped"].any()


def test_the_zero_line_is_no_rail():
    signals = beats()
    signals[9] = np.maximum(signals[9], 0.0)
    assert "clipped" not in flagged(signals)


@pytest.mark.parametrize("hertz", [50, 60])
def test_mains(hertz):
    signals = beats()
    signals[10] += 0.2 * sine(hertz)
    report = check_quality(signals, RATE, STANDARD_LEADS)
    assert flagged(signals) == {"mains": ["V5"]}
    assert report.mains_mv[10] == pytest.approx(0.2, rel=0.03)
    assert report.mains_mv[11] < MAX_MAINS_MV / 5


def test_noise_is_no_hum():
    signals = beats()
    signals[10] += np.random.default_rng(1).normal(0, 0.5, 5000)
    assert "mains" not in flagged(signals)


def test_what_the_rate_or_the_length_does_not_allow_is_said():
    report = check_quality(beats(100), 100, STANDARD_LEADS)
    assert "wanted at least 110 Hz" in report.unchecked["mains 50 Hz"]
    assert "wanted at least 130 Hz" in report.unchecked["mains 60 Hz"]
    assert np.isnan(report.mains_mv).all() and not report.flags["mains"].any()
    assert list(check_quality(beats(125), 125, STANDARD_LEADS).unchecked) == ["mains 60 Hz"]
    short = check_quality(beats()[:, :900], RATE, STANDARD_LEADS).unchecked
    assert set(short) == {"mains 50 Hz", "mains 60 Hz", "wander", "arm_reversal", "leg_reversal"}
    assert set(check_quality(beats()[6:8], RATE, ["V1", "V2"]).unchecked) == {
        "einthoven",
        "arm_reversal",
        "leg_reversal",
    }
    assert check_quality(beats(), RATE, STANDARD_LEADS).unchecked == {}


def test_wander():
    signals = beats()
    signals[8] += 2 * sine(0.3)
    signals[9] += 2 * sine(0.8)
    report = check_quality(signals, RATE, STANDARD_LEADS)
    assert flagged(signals) == {"wander": ["V3"]}
    assert report.wander_mv[8] == pytest.approx(4, rel=0.05) and report.wander_mv[7] < MAX_WANDER_MV / 10


def test_amplitude():
    signals = beats()
    signals[11] *= 1000
    assert flagged(signals)["amplitude"] == ["V6"]
    assert flagged(beats() / 1000)["flat"] == list(STANDARD_LEADS)


@pytest.mark.parametrize("lead", STANDARD_LEADS[:6])
def test_the_one_limb_lead_that_contradicts_the_others_is_named(lead):
    signals = beats()
    signals[STANDARD_LEADS.index(lead)] *= -1
    assert flagged(signals)["einthoven"] == [lead]


def test_three_limb_leads_cannot_say_which_one_is_wrong():
    signals = beats()
    signals[2] *= -1
    assert flagged(signals[:3], leads=["I", "II", "III"])["einthoven"] == ["I", "II", "III"]
    assert flagged(signals[[0, 1, 4]], leads=["I", "II", "aVL"]) == {}
    assert flagged(signals[[2, 1, 0, 4]], leads=["III", "II", "I", "aVL"])["einthoven"] == ["III", "II", "I", "aVL"]


def swap_arms(signals):
    one, two, three, avr, avl, avf = np.moveaxis(signals[..., :6, :], -2, 0)
    limb = np.stack([-one, three, two, avl, avr, avf], axis=-2)
    return np.concatenate([limb, signals[..., 6:, :]], axis=-2)


def test_swapped_arms():
    report = check_quality(swap_arms(beats()), RATE, STANDARD_LEADS)
    assert flagged(swap_arms(beats())) == {"arm_reversal": list(STANDARD_LEADS[:6])}
    assert report.arm_correlation < -0.9
    # dextrocardia: the chest leads are mirrored too
    mirrored = swap_arms(beats())
    mirrored[6:] *= -1
    assert flagged(mirrored) == {}
    without_v6 = [*range(11)]
    assert "arm_reversal" in flagged(swap_arms(beats())[without_v6], leads=STANDARD_LEADS[:11])


@pytest.mark.parametrize("arm", ["right", "left"])
def test_an_arm_swapped_with_the_right_leg(arm):
    signals = beats()
    noise = np.random.default_rng(2).normal(0, 0.002, 5000)
    if arm == "right":
        one, two = -signals[2], noise
    else:
        one, two = signals[1] - noise, signals[1]
    signals[:6] = [one, two, two - one, -(one + two) / 2, one - two / 2, two - one / 2]
    assert flagged(signals)["leg_reversal"] == list(STANDARD_LEADS[:6])


def test_leading_axes_and_records_do_not_mix():
    stack = np.stack([beats(seed=seed) for seed in range(6)])
    stack[2, 6], stack[3, 7, :500] = 0.0, np.nan
    stack[4] = swap_arms(stack[4])
    report = check_quality(stack.reshape(3, 2, 12, -1).astype(np.float32), RATE, STANDARD_LEADS)
    assert report.passed.shape == (3, 2, 12) and report.arm_correlation.shape == (3, 2)
    assert report.record_passed.tolist() == [[True, True], [False, False], [False, True]]
    for number, record in enumerate(stack):
        alone, index = check_quality(record, RATE, STANDARD_LEADS), np.unravel_index(number, (3, 2))
        for name in FLAGS:
            np.testing.assert_array_equal(report.flags[name][index], alone.flags[name])
        np.testing.assert_allclose(report.wander_mv[index], alone.wander_mv, atol=1e-5)
    summary = report.summary()
    assert (summary["records"], summary["records_passed"], summary["leads"]) == (6, 3, 72)
    assert summary["leads_passed"] == 72 - 8
    assert summary["flags"]["flat"] == {"records": 1, "leads": 1}
    assert summary["flags"]["arm_reversal"] == {"records": 1, "leads": 6}


def test_the_report_becomes_json():
    signals = beats(100)
    signals[3] = np.nan
    report = check_quality(signals, 100, STANDARD_LEADS)
    read = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert read["leads"] == list(STANDARD_LEADS) and read["flags"]["missing"][3] is True
    assert read["range_mv"][3] is None and read["mains_mv"] == [None] * 12
    assert read["record_passed"] is False and "mains 50 Hz" in read["unchecked"]


@pytest.mark.parametrize(
    ("signals", "rate", "leads", "message"),
    [
        (np.zeros((2, 9)), 0, ["I", "II"], "sampling_rate"),
        (np.zeros((2, 9)), float("nan"), ["I", "II"], "sampling_rate"),
        (np.zeros((2, 0)), 100, ["I", "II"], "no samples"),
        (np.zeros((3, 9)), 100, ["I", "II"], "wanted"),
        (np.zeros((2, 9)), 100, ["I", "Q9"], "unknown lead"),
        (np.array([["a"]]), 100, ["I"], "numbers"),
    ],
)
def test_wrong_input(signals, rate, leads, message):
    with pytest.raises(ValueError, match=message):
        check_quality(signals, rate, leads)


def test_flags_that_count():
    signals = swap_arms(beats())
    report = check_quality(signals, RATE, STANDARD_LEADS)
    assert report.passed_but(DAMAGE).all() and not report.passed.all()
    assert report.passed_but([]).all()
    with pytest.raises(ValueError, match="unknown flags \\['hum'\\]"):
        report.passed_but(["hum"])


@pytest.mark.parametrize("length", [1, 2, 3, 7, 50, 211])
def test_very_short_records(length):
    report = check_quality(beats(100)[:, :length], 100, STANDARD_LEADS)
    assert report.passed.shape == (12,)


@pytest.fixture(scope="module")
def every_seventh(ptb_xl_dir):
    with open(ptb_xl_dir / "ptbxl_database.csv", encoding="utf-8") as file:
        files = [row["filename_lr"] for row in csv.DictReader(file)][::7]
    return np.stack([read(ptb_xl_dir / file).to_millivolts() for file in files])


def test_real_records_pass(every_seventh):
    report = check_quality(every_seventh, 100, STANDARD_LEADS)
    assert report.record_passed.mean() >= 0.97
    assert report.flags["arm_reversal"].any(-1).mean() < 0.01


def test_real_records_damaged_are_caught(every_seventh):
    records = every_seventh[:100]
    assert check_quality(swap_arms(records), 100, STANDARD_LEADS).flags["arm_reversal"].any(-1).mean() > 0.8
    beyond = np.count_nonzero(np.abs(records) > 1, axis=-1) >= 20
    clipped = check_quality(np.clip(records, -1, 1), 100, STANDARD_LEADS).flags["clipped"]
    assert beyond.sum() > 100 and clipped[beyond].mean() > 0.95
    inverted = records.copy()
    inverted[:, 4] *= -1
    flags = check_quality(inverted, 100, STANDARD_LEADS).flags["einthoven"]
    assert flags[:, 4].all() and not flags[:, [0, 1, 2, 3, 5]].any()


def test_ptb_xl_162_contradicts_itself(ptb_xl_dir):
    """Its aVR and aVF differ by 0.64 mV from what I and II make of them."""
    record = read(ptb_xl_dir / "records100/00000/00162_lr")
    report = check_quality(record.to_millivolts(), record.sampling_rate, record.leads)
    leads = [report.leads[i] for i in np.flatnonzero(report.flags["einthoven"])]
    assert sorted(leads) == ["aVF", "aVR"] and np.nanmax(report.einthoven_mv) == pytest.approx(0.644, abs=0.002)
