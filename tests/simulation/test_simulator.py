import warnings

import numpy as np
import pytest
import wfdb

from hf_ecg.signals import read
from hf_ecg.signals.leads import STANDARD_LEADS
from hf_ecg.signals.quality import check_quality
from hf_ecg.simulation import CONDITIONS, simulate_ecg, write_wfdb
from hf_ecg.simulation.__main__ import main


def test_equal_seeds_give_equal_bits_and_others_do_not():
    first, again, other = (simulate_ecg("sinus_rhythm", 250, seed=seed) for seed in (3, 3, 4))
    assert first.signal.tobytes() == again.signal.tobytes()
    assert (first.signal != other.signal).any()


def test_noise_moves_no_beat():
    quiet, noisy = (simulate_ecg("atrial_fibrillation", 250, seed=1, noise=noise) for noise in (0.0, 2.0))
    np.testing.assert_array_equal(quiet.beats.qrs_onset, noisy.beats.qrs_onset)
    assert quiet.parameters == noisy.parameters
    assert np.std(noisy.signal - quiet.signal) > 0.02


@pytest.mark.parametrize("rate", [100, 500])
def test_limb_leads_are_exact_in_millivolts_too(rate):
    ecg = simulate_ecg("sinus_rhythm", rate, seed=5)
    assert ecg.signal.shape == (12, 10 * rate) and ecg.signal.dtype == np.float32 and ecg.leads == STANDARD_LEADS
    one, two, three, right, left, foot = ecg.signal[:6]
    # counts are a power of two per millivolt: no tolerance is needed
    np.testing.assert_array_equal(three, two - one)
    np.testing.assert_array_equal(right, -(one + two) / 2)
    np.testing.assert_array_equal(left, one - two / 2)
    np.testing.assert_array_equal(foot, two - one / 2)
    np.testing.assert_array_equal(ecg.counts, ecg.signal * 1024)


def test_two_recordings_of_one_patient_share_age_sex_and_heart():
    first, second = (simulate_ecg("sinus_rhythm", 100, seed=seed, patient_seed=9) for seed in (1, 2))
    assert (first.age, first.sex) == (second.age, second.sex)
    assert (first.signal != second.signal).any()
    assert simulate_ecg("sinus_rhythm", 100, age=30, sex="male").age == 30


@pytest.mark.parametrize("rate", [100, 500])
def test_noisy_records_of_every_condition_pass_the_quality_gate(rate):
    signals = np.stack([simulate_ecg(name, rate, seed=seed).signal for name in CONDITIONS for seed in range(3)])
    passed = check_quality(signals, rate, STANDARD_LEADS).record_passed
    assert passed.mean() >= 0.95


def test_a_rate_names_the_rhythm():
    assert simulate_ecg("inferior_infarction", heart_rate=50).conditions[0] == "sinus_bradycardia"
    assert simulate_ecg((), heart_rate=120).conditions == ("sinus_tachycardia",)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"conditions": "flutter"}, "unknown conditions"),
        ({"conditions": ["sinus_rhythm", "atrial_fibrillation"]}, "2 rhythms"),
        ({"conditions": ["left_bundle_branch_block", "right_bundle_branch_block"]}, "hide each other"),
        ({"conditions": "atrial_fibrillation", "pr_ms": 150}, "no PR interval"),
        ({"conditions": "sinus_bradycardia", "heart_rate": 80}, "heart_rate is 80"),
        ({"conditions": "left_bundle_branch_block", "qrs_ms": 100}, "qrs_ms is 100"),
        ({"conditions": "sinus_tachycardia", "heart_rate": 150, "qt_ms": 500}, "from beat to beat"),
        ({"sampling_rate": 10}, "sampling_rate is 10"),
        ({"sampling_rate": float("nan")}, "sampling_rate is nan"),
        ({"seed": -1}, "seed is -1"),
        ({"age": 5}, "age is 5"),
        ({"noise": -1}, "noise is -1"),
    ],
)
def test_impossible_wishes_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        simulate_ecg(**arguments)


def test_a_wfdb_file_holds_the_same_counts(tmp_path, capsys):
    ecg = simulate_ecg("right_bundle_branch_block", 250, seed=2)
    header = write_wfdb(ecg, tmp_path / "new" / "rbbb")
    record = read(header)
    np.testing.assert_array_equal(record.counts, ecg.counts)
    np.testing.assert_array_equal(record.to_millivolts(), ecg.signal)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        np.testing.assert_array_equal(wfdb.rdrecord(str(header)[:-4]).p_signal.T, ecg.signal)
    main(["right_bundle_branch_block", "--sampling_rate", "250", "--seed", "2", "--output", str(tmp_path / "again")])
    assert capsys.readouterr().out.startswith(f"made: {tmp_path / 'again.hea'} (a simulated record")
    np.testing.assert_array_equal(read(tmp_path / "again.hea").counts, ecg.counts)
    with pytest.raises(ValueError, match="name"):
        write_wfdb(ecg, tmp_path / "two words")
