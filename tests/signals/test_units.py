"""Millivolts, and what cannot be millivolts."""

import numpy as np
import pytest

from hf_ecg import said_once
from hf_ecg.signals import check_amplitude, counts_to_millivolts, read, to_millivolts
from hf_ecg.signals.units import known_voltage, millivolts_in, split_unit


def test_units():
    signals = np.array([[1.0, -2.0]])
    assert to_millivolts(signals * 1000, "uV").tolist() == [[1.0, -2.0]]
    assert to_millivolts(signals / 1000, "V").tolist() == [[1.0, -2.0]]
    assert to_millivolts(signals.astype(np.float32), "mV").dtype == np.float32
    with pytest.raises(ValueError, match="units is 'adu', wanted one of mV"):
        to_millivolts(signals, "adu")


@pytest.mark.parametrize(
    ("spellings", "millivolts"),
    [
        (
            "mV|mv|MV|millivolt|millivolts|mVolt|Millivolts| mV "
            "|[mV]|(mV)|mV.|milli volt|MilliVolt|milivoltios|мВ|毫伏",
            1.0,
        ),
        ("uV|UV|\u00b5V|\u03bcV|\u00b5v|microvolt|microvolts|microvolt |\u03bc V|micro-volt|Mikrovolt|мкВ", 1e-3),
        # the micro sign written in one encoding and read in another, or lost
        (
            "\u00c2\u00b5V|\u00ce\u00bcV|\u00c3\u201a\u00c2\u00b5V|\u2561V|\u252c\u2561V|\u0152\u00baV|\ufffdV|?V|&micro;V",
            1e-3,
        ),
        ("MDC_DIM_MICRO_VOLT", 1e-3),
        ("nV|nanovolt|NV", 1e-6),
        ("V|v|volt|Volts", 1e3),
    ],
)
def test_every_spelling_of_a_voltage(spellings, millivolts):
    for spelling in spellings.split("|"):
        assert to_millivolts(np.array([2.0]), spelling)[0] == pytest.approx(2 * millivolts, rel=1e-12), spelling
        assert millivolts_in(spelling) == millivolts, spelling


@pytest.mark.parametrize(
    "unit",
    ["pm", "NU", "mmHg", "adu", "", "mA", "mV/s", "m V", "counts", "Ohm", "%", "mV/cm", "kV", "(V1)", "\u00b5", "[]"],
)
def test_what_is_no_voltage(unit):
    assert millivolts_in(unit) is None
    with pytest.raises(ValueError, match="wanted one of mV"):
        to_millivolts(np.ones(2), unit)


@pytest.mark.parametrize(
    ("label", "name", "unit"),
    [
        ("ecg [\u00b5V]", "ecg", "\u00b5V"),
        ("I(mV)", "I", "mV"),
        ("lead_I_uV", "lead_I", "uV"),
        ("lead I in mV", "lead I", "mV"),
        ("V1 [V]", "V1", "V"),
        *((name, name, None) for name in ("V1", "ECG V", "ecg_V", "mV", "time (s)", "II (filtered)", "")),
    ],
)
def test_a_unit_behind_a_name(label, name, unit):
    assert split_unit(label) == (name, unit)


def test_megavolts_are_millivolts_and_that_is_said_once(caplog, monkeypatch):
    monkeypatch.setattr(said_once, "_told", set())
    monkeypatch.setattr(said_once, "_shared", [])
    assert [known_voltage(unit) for unit in ("mV", "mv", "MV", " MV ", "Mv")] == ["mV"] * 5
    (said,) = [record.getMessage() for record in caplog.records]
    assert "'MV'" in said and "read as millivolt" in said


def test_counts_become_millivolts_and_missing_ones_nan():
    counts = np.array([[100, -32768, 300], [0, 1024, 2048]], dtype=np.int16)
    millivolts = counts_to_millivolts(counts, np.array([200.0, 1024.0]), np.array([100.0, 1024.0]))
    np.testing.assert_array_equal(millivolts, [[0.0, np.nan, 1.0], [-1.0, 0.0, 1.0]])
    for gain in (0.0, -1.0, np.nan):
        with pytest.raises(ValueError, match="gain"):
            counts_to_millivolts(counts, np.array([200.0, gain]), np.zeros(2))


def test_amplitudes_that_cannot_be_millivolts(ptb_xl_dir):
    record = read(ptb_xl_dir / "records100/00000/00317_lr")
    signals = record.to_millivolts()
    check_amplitude(signals)
    for wrong in (record.counts.astype(float), signals * 1000, signals / 1000):
        with pytest.raises(ValueError, match="median range"):
            check_amplitude(wrong)


def test_flat_leads_and_missing_samples_do_not_count_in_the_amplitude():
    signals = np.zeros((2, 12, 100))
    signals[0, :3] = np.sin(np.arange(100) / 3)
    signals[0, 0, :50] = np.nan
    check_amplitude(signals)


def test_every_real_record_passes_as_millivolts_and_none_as_counts(ptb_xl_dir):
    for header in sorted((ptb_xl_dir / "records100").glob("*/*.hea"))[::7]:
        record = read(header)
        check_amplitude(record.to_millivolts())
        with pytest.raises(ValueError, match="median range"):
            check_amplitude(record.counts.astype(np.float32))


def test_one_wrong_record_in_a_batch_is_found():
    batch = np.stack([np.sin(np.arange(200) / 9)] * 12)[None].repeat(3, axis=0)
    check_amplitude(batch)
    batch[1] *= 1000
    with pytest.raises(ValueError, match="median range is 2000 mV"):
        check_amplitude(batch)
    batch[1] = np.nan
    check_amplitude(batch)
    batch[2, :, 5] = np.inf
    with pytest.raises(ValueError, match="median range is inf mV"):
        check_amplitude(batch)


def test_what_are_no_numbers():
    for wrong in (np.array(["a"]), np.array([1 + 2j]), np.array([True, False])):
        with pytest.raises(ValueError, match="wanted numbers"):
            to_millivolts(wrong, "mV")
