"""Each condition shows its signs, measured on the leads."""

import numpy as np
import pytest

from hf_ecg.simulation import simulate_ecg

RATE = 500
SEEDS = range(6)


def clean(conditions, seed, **commanded):
    return simulate_ecg(conditions, RATE, seed=seed, noise=0.0, **commanded)


def beat(ecg, lead, number=2, before=0.0, after=0.0):
    """Samples of a lead from QRS onset to QRS end (seconds beyond them), less the level at the onset."""
    signal = ecg.signal[ecg.leads.index(lead)].astype(float)
    onset, end = ecg.beats.qrs_onset[number], ecg.beats.qrs_end[number]
    level = signal[round(onset * RATE) - 2]
    return signal[round((onset - before) * RATE) : round((end + after) * RATE) + 1] - level


def runs(values, threshold):
    """Signs of the deflections beyond a threshold, in order: [1, -1, 1] is rsR'."""
    signs = np.sign(values) * (np.abs(values) > threshold)
    signs = signs[signs != 0]
    return signs[np.insert(np.diff(signs) != 0, 0, True)].tolist()


@pytest.mark.parametrize("seed", SEEDS)
def test_normal_r_wave_grows_across_the_chest_and_t_is_upright(seed):
    ecg = clean("sinus_rhythm", seed)
    ratio = [beat(ecg, lead).max() / -beat(ecg, lead).min() for lead in ("V1", "V3", "V5")]
    assert ratio[0] < 1 < ratio[2] and ratio[0] < ratio[1] < ratio[2]
    for lead in ("II", "V4", "V5"):
        part = beat(ecg, lead, after=0.25)[round(0.15 * RATE) :]
        assert part.max() > 0.05 and part.max() > -part.min()
    onset = ecg.beats.p_onset[2]
    p = ecg.signal[1, round(onset * RATE) : round((onset + 0.1) * RATE)]
    assert p.max() - p[0] > 0.05
    assert sokolow(ecg) < 3.5


def sokolow(ecg):
    return -beat(ecg, "V1").min() + max(beat(ecg, "V5").max(), beat(ecg, "V6").max())


@pytest.mark.parametrize("seed", SEEDS)
def test_hypertrophy_reaches_sokolow_and_lyon(seed):
    assert sokolow(clean("left_ventricular_hypertrophy", seed)) >= 3.5


@pytest.mark.parametrize("seed", SEEDS)
def test_left_bundle_branch_block(seed):
    ecg = clean("left_bundle_branch_block", seed)
    assert visible_qrs_ms(ecg) >= 120
    for lead in ("I", "V6"):
        values = beat(ecg, lead)
        assert runs(values, 0.1) == [1], lead
        # broad: above half its height for a third of QRS
        assert (values > values.max() / 2).mean() > 0.33
    chest = beat(ecg, "V1")
    assert chest.min() < -0.7 and chest.max() < 0.3 * -chest.min()


@pytest.mark.parametrize("seed", SEEDS)
def test_right_bundle_branch_block(seed):
    ecg = clean("right_bundle_branch_block", seed)
    assert visible_qrs_ms(ecg) >= 115
    chest = beat(ecg, "V1")
    assert runs(chest, 0.05) == [1, -1, 1]
    valley = int(chest.argmin())
    assert chest[valley:].max() > chest[:valley].max(), "R' is the taller"
    assert beat(ecg, "V6")[len(chest) // 2 :].min() < -0.1, "a broad S"


def visible_qrs_ms(ecg, steep=4.0):
    """From the first to the last sample at which some lead moves by more than `steep` mV a second."""
    onset, end = ecg.beats.qrs_onset[2], ecg.beats.qrs_end[2]
    part = ecg.signal[:, round((onset - 0.05) * RATE) : round((end + 0.05) * RATE)]
    moving = np.flatnonzero(np.abs(np.diff(part.astype(float)) * RATE).max(axis=0) > steep)
    return (moving[-1] - moving[0] + 1) / RATE * 1000


@pytest.mark.parametrize("seed", SEEDS)
def test_inferior_infarction_has_its_q_waves(seed):
    ecg = clean("inferior_infarction", seed)
    for lead in ("II", "III", "aVF"):
        values = beat(ecg, lead)
        crossing = int(np.argmax(values[int(values.argmin()) :] > 0)) + int(values.argmin())
        assert crossing / RATE >= 0.040, lead
        assert -values.min() >= 0.25 * values.max(), lead


@pytest.mark.parametrize("seed", SEEDS)
def test_st_depression_lies_below_the_line(seed):
    ecg = clean("st_depression", seed)
    for lead in ("II", "V4", "V5"):
        values = beat(ecg, lead, after=0.08)
        assert values[-round(0.02 * RATE) :].max() <= -0.1, lead


@pytest.mark.parametrize("seed", SEEDS)
def test_fibrillation_has_no_p_and_knows_no_rhythm(seed):
    ecg = clean("atrial_fibrillation", seed)
    intervals = np.diff(ecg.beats.qrs_onset)
    assert np.isnan(ecg.beats.p_onset).all() and ecg.parameters.pr_ms is None
    assert intervals.std() / intervals.mean() > 0.1
    steady = np.diff(clean("sinus_rhythm", seed).beats.qrs_onset)
    assert steady.std() / steady.mean() < 0.1
    # before QRS nothing comes back from beat to beat: the mean of the beats is small beside the waves themselves
    lead = ecg.signal[ecg.leads.index("V1")]
    before = [lead[round((t - 0.16) * RATE) : round((t - 0.02) * RATE)] for t in ecg.beats.qrs_onset[2:-1]]
    before = np.array([part - part.mean() for part in before])
    assert before.mean(axis=0).std() < 0.75 * before.std()


@pytest.mark.parametrize("seed", SEEDS)
def test_premature_beats_are_wide_early_and_followed_by_a_pause(seed):
    ecg = clean("ventricular_premature_complexes", seed, heart_rate=65)
    times, early = ecg.beats.qrs_onset, ecg.beats.ventricular
    places = [place for place in np.flatnonzero(early) if 2 <= place < len(times) - 1]
    assert places
    normal = np.median(np.diff(times))
    for place in places:
        assert times[place] - times[place - 1] < 0.88 * normal
        # fully compensatory: the beat after comes when it would have come
        assert times[place + 1] - times[place - 1] == pytest.approx(2 * normal, rel=0.12)
        assert ecg.beats.qrs_end[place] - times[place] >= 0.12 and np.isnan(ecg.beats.p_onset[place])
