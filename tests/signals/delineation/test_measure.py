"""Commanded values of simulated records come back, and real beats are found.

The simulator's truth owes nothing to the delineation; the shares at which QRS and P begin were chosen on such records
(and on real ones), so these bounds say that nothing has moved, and not how good it is on patients.
"""

import math
from pathlib import Path

import numpy as np
import pytest
import wfdb

from hf_ecg.signals import read
from hf_ecg.signals.leads import STANDARD_LEADS
from hf_ecg.simulation import simulate_ecg

pytest.importorskip("neurokit2", reason="neurokit2 comes with the extra delineation")
from hf_ecg.signals.delineation import Measurements, measure_ecg  # noqa: E402

DATA = Path(__file__).parents[4] / "shared" / "data"
COMMANDED = {
    "sinus_rhythm": {"heart_rate": 76, "pr_ms": 165, "qrs_ms": 100, "qt_ms": 380, "axis_degrees": 30},
    "first_degree_av_block": {"heart_rate": 65, "pr_ms": 265, "qrs_ms": 95, "qt_ms": 390, "axis_degrees": 60},
    "sinus_tachycardia": {"heart_rate": 118, "pr_ms": 140, "qrs_ms": 100, "qt_ms": 310, "axis_degrees": 30},
    "left_bundle_branch_block": {"heart_rate": 78, "pr_ms": 180, "qrs_ms": 150, "qt_ms": 410, "axis_degrees": 30},
    "right_bundle_branch_block": {"heart_rate": 72, "pr_ms": 165, "qrs_ms": 140, "qt_ms": 420, "axis_degrees": 85},
}


@pytest.mark.parametrize("rate", [100, 500])
@pytest.mark.parametrize("condition", COMMANDED)
def test_commanded_values_come_back(condition, rate):
    commanded = COMMANDED[condition]
    ecg = simulate_ecg(condition, rate, seed=2, noise=0.5, **commanded)
    found = measure_ecg(ecg.signal, rate, ecg.leads)
    assert found.heart_rate == pytest.approx(commanded["heart_rate"], abs=2)
    assert found.pr_ms == pytest.approx(commanded["pr_ms"], abs=22)
    # the slow end of a left block runs on into ST
    assert found.qrs_ms == pytest.approx(commanded["qrs_ms"], abs=32 if condition.startswith("left") else 16)
    assert found.qt_ms == pytest.approx(commanded["qt_ms"], abs=20)
    assert abs((found.qrs_axis - commanded["axis_degrees"] + 180) % 360 - 180) < 12
    assert found.p_waves_present == 1 and found.rr_variation < 0.1


def test_fibrillation_has_no_p_and_is_irregular():
    ecg = simulate_ecg("atrial_fibrillation", 500, seed=3)
    found = measure_ecg(ecg.signal, 500, ecg.leads)
    assert found.p_waves_present == 0 and math.isnan(found.pr_ms) and found.rr_variation > 0.1


def test_premature_beats_are_early_and_of_another_shape():
    ecg = simulate_ecg("ventricular_premature_complexes", 500, seed=4, heart_rate=65)
    found = measure_ecg(ecg.signal, 500, ecg.leads)
    assert found.premature_wide_beats >= 1 and found.wide_prematurity > 0.15
    # the median beat is a normal one
    assert found.qrs_ms < 120


def test_voltages_st_t_and_q_of_their_conditions():
    def of(condition):
        ecg = simulate_ecg(condition, 500, seed=1, noise=0.3)
        return measure_ecg(ecg.signal, 500, ecg.leads)

    normal = of("sinus_rhythm")
    assert of("left_ventricular_hypertrophy").sokolow_mv > 3.4 > normal.sokolow_mv
    assert of("st_depression").lead("V5").st_60_mv < -0.08 < normal.lead("V5").st_60_mv
    assert of("inferior_infarction").lead("III").q_ms >= 30 > normal.lead("III").q_ms
    block = of("left_bundle_branch_block")
    assert block.lead("V6").t_mv < 0 < normal.lead("V6").t_mv
    assert block.lead("V6").r_time_ms > normal.lead("V6").r_time_ms
    right = of("right_bundle_branch_block")
    assert right.lead("V1").r_prime_mv > 0.1 and right.lead("V6").s_ms > 40


def nothing(measurements):
    return measurements.beats == 0 and math.isnan(measurements.heart_rate) and not measurements.leads


@pytest.mark.parametrize(
    "signal",
    [
        np.zeros((12, 5000)), np.full((12, 5000), np.nan), np.ones((12, 5000)) * 0.7, np.zeros((12, 0)),
        np.random.default_rng(0).normal(size=(12, 400)),
    ],
    ids=["flat", "missing", "constant", "empty", "short"],
)  # fmt: skip
def test_records_without_beats_have_no_measurements(signal):
    assert nothing(measure_ecg(signal, 500, STANDARD_LEADS))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("scale", [0.02, 1.0, 50.0])
def test_noise_of_any_size_ends_without_a_warning(scale):
    for seed in range(3):
        noise = np.random.default_rng(seed).normal(size=(12, 5000)) * scale
        measure_ecg(noise, 500, STANDARD_LEADS)
        measure_ecg(np.cumsum(noise, axis=1), 500, STANDARD_LEADS)


def test_gaps_flat_and_absent_leads():
    ecg = simulate_ecg("sinus_rhythm", 500, seed=5, pr_ms=160)
    whole = measure_ecg(ecg.signal, 500, ecg.leads)
    broken = ecg.signal.copy()
    broken[:, 1000:1040] = np.nan
    broken[STANDARD_LEADS.index("V2")] = np.nan
    broken[STANDARD_LEADS.index("V3")] = 0
    found = measure_ecg(broken, 500, ecg.leads)
    assert {"V2", "V3"}.isdisjoint(found.leads) and math.isnan(found.cornell_mv)
    assert math.isnan(found.lead("V2").r_mv)
    assert found.pr_ms == pytest.approx(whole.pr_ms, abs=16)
    # two limb leads make six
    two = measure_ecg(ecg.signal[:2], 500, ["I", "II"])
    assert set(two.leads) == set(STANDARD_LEADS[:6]) and two.qrs_axis == pytest.approx(whole.qrs_axis, abs=8)
    one = measure_ecg(ecg.signal[1:2], 500, ["II"])
    assert set(one.leads) == {"II"} and math.isnan(one.qrs_axis)
    assert one.heart_rate == pytest.approx(whole.heart_rate, abs=1)


def test_three_seconds_are_enough_for_intervals():
    ecg = simulate_ecg("sinus_rhythm", 500, duration=3, seed=6, heart_rate=80, pr_ms=160)
    found = measure_ecg(ecg.signal, 500, ecg.leads)
    assert found.heart_rate == pytest.approx(80, abs=4) and found.qrs_ms > 60


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.zeros((2, 100)), 500, ["I"]), "wanted"),
        ((np.zeros(100), 500, ["I"]), "wanted"),
        ((np.zeros((1, 100)), 0, ["I"]), "sampling_rate"),
        ((np.zeros((1, 100)), 500, ["XX"]), "unknown lead"),
        ((np.full((1, 100), np.inf), 500, ["I"]), "infinite"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        measure_ecg(*arguments)


@pytest.mark.skipif(not (DATA / "mitdb").is_dir(), reason="no MIT-BIH record beside the repository")
def test_beats_of_mit_bih_100_are_those_of_its_annotators():
    name = next((DATA / "mitdb").rglob("100.hea"))
    record = read(name)
    signal = record.to_millivolts()[:, : 120 * 360]
    notes = wfdb.rdann(str(name)[:-4], "atr", sampto=120 * 360)
    beats = sum(symbol in "NLRVAaJSFejE" for symbol in notes.symbol)
    lead = [place for place, lead in enumerate(record.leads) if lead == "MLII"]
    assert measure_ecg(signal[lead], 360, ["MLII"]).beats == pytest.approx(beats, abs=2)


@pytest.mark.skipif(not (DATA / "ptb-xl").is_dir(), reason="no PTB-XL beside the repository")
def test_real_records_have_plausible_measurements():
    # a normal one, a supraventricular tachycardia, a hypertrophy; beats as counted in single leads
    for name, beats in (("00010_hr", 10), ("00020_hr", 22), ("00030_hr", 10)):
        record = read(DATA / "ptb-xl" / "records500" / "00000" / f"{name}.hea")
        found = measure_ecg(record.to_millivolts(), record.sampling_rate, record.leads)
        assert found.beats == pytest.approx(beats, abs=1) and 60 <= found.qrs_ms < 140
        assert set(found.leads) == set(STANDARD_LEADS)
        if beats == 10:
            assert 300 < found.qt_ms < 480 and found.p_waves_present == 1 and 100 < found.pr_ms < 240


def test_a_machines_numbers_and_its_sentinels():
    row = {"rr_interval": 800, "p_onset": 40, "p_end": 150, "qrs_onset": 260, "qrs_end": 350, "t_end": 660}
    found = Measurements.from_machine(row | {"qrs_axis": -45, "p_axis": 32767, "t_axis": None})
    assert (found.pr_ms, found.qrs_ms, found.qt_ms, found.heart_rate, found.qrs_axis) == (220, 90, 400, 75, -45)
    assert found.qtc_ms == pytest.approx(400 / 0.8 ** (1 / 3)) and math.isnan(found.p_axis) and not found.leads
    absent = Measurements.from_machine(row | {"p_onset": 29999, "p_end": 29999, "rr_interval": 65535})
    # not measured is not absent
    assert math.isnan(absent.p_waves_present) and math.isnan(absent.pr_ms) and math.isnan(absent.heart_rate)
    assert math.isnan(Measurements.from_machine(row | {"qrs_end": "100"}).qrs_ms)
    with pytest.raises(ValueError, match="wanted rr_interval"):
        Measurements.from_machine({"rate": 70})
    with pytest.raises(ValueError, match="p_onset is 'x'"):
        Measurements.from_machine(row | {"p_onset": "x"})
