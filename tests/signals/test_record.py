"""A record whatever its file format: millivolts and counts, cutting, contradictions."""

from datetime import datetime, time

import numpy as np
import pytest

from hf_ecg.signals import MISSING_COUNT, Annotation, Record

COUNTS = np.arange(-10, 10, dtype=np.int16).reshape(2, 10) * 100


def counted(**changes):
    content = {"values": COUNTS, "gain": np.array([500.0, 1000.0]), "baseline": np.array([0.0, 50.0])}
    return Record(**({"name": "made", "leads": ("i", "V2"), "sampling_rate": 5.0} | content | changes))


def measured(**changes):
    return counted(values=COUNTS / 1000, gain=None, baseline=None, **changes)


def test_counts_and_millivolts():
    record = counted()
    assert record.leads == ("I", "V2") and record.lead_names == ("i", "V2")
    assert record.num_samples == 10 and record.seconds == 2.0
    np.testing.assert_allclose(record.to_millivolts(), (COUNTS - [[0], [50]]) / [[500], [1000]])
    assert record.as_counts() is record
    np.testing.assert_array_equal(measured().to_millivolts(), COUNTS / 1000)
    with pytest.raises(ValueError, match="made is stored in millivolts and has no counts"):
        _ = measured().counts


def test_counts_of_millivolts():
    values = np.array([[0.12345, np.nan], [-1.5, 32.767]])
    record = measured().cut(0, 2)
    record.values = values
    made = record.as_counts()
    assert made.counts.dtype == np.int16 and made.counts.tolist() == [[123, MISSING_COUNT], [-1500, 32767]]
    np.testing.assert_allclose(made.to_millivolts(), values, atol=0.0005)
    with pytest.raises(ValueError, match="32.768 mV exceeds 16 bits at 1000"):
        _with(record, [[32.768, 0], [0, 0]]).as_counts()
    with pytest.raises(ValueError, match="made: inf mV exceeds"):
        _with(record, [[np.inf, 0], [0, 0]]).as_counts()
    wide = counted(values=COUNTS.astype(np.int32)).as_counts()
    assert wide.counts.dtype == np.int16 and np.array_equal(wide.counts, COUNTS)
    with pytest.raises(ValueError, match="its counts, -1000000 to 900000, exceed 16 bits"):
        counted(values=COUNTS.astype(np.int32) * 1000).as_counts()


def _with(record, values):
    record.values = np.array(values, dtype=float)
    return record


def test_a_cut_takes_its_annotations_along():
    notes = [Annotation(0.0, "start"), Annotation(0.5, "noise", 1.0), Annotation(1.2, "beat"), Annotation(1.9, "end")]
    record = counted(annotations=tuple(notes), start_time=datetime(2020, 1, 1, 23, 59, 59))
    part = record.cut(5, 9)
    np.testing.assert_array_equal(part.counts, COUNTS[:, 5:9])
    assert np.shares_memory(part.counts, record.counts)
    assert [(note.text, round(note.seconds, 6)) for note in part.annotations] == [("noise", -0.5), ("beat", 0.2)]
    assert part.start_time == datetime(2020, 1, 2)
    assert counted(start_time=time(23, 59, 59)).cut(5, 9).start_time == time(0)
    assert counted().cut(8, 99).num_samples == 2 and counted().cut(5, 9).start_time is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"leads": ("I",)}, r"shape \(2, 10\).*1 leads"),
        ({"leads": ("I", "W")}, "unknown lead 'W'"),
        ({"values": COUNTS[0]}, "wanted .leads, samples"),
        ({"values": COUNTS / 1000}, "made holds millivolts with gain"),
        ({"gain": None}, "made holds counts without gain"),
        ({"baseline": None}, "counts without baseline"),
        ({"gain": np.ones(3)}, r"gain has shape \(3,\)"),
        ({"values": COUNTS.astype(complex)}, "complex128"),
    ],
)
def test_contradictions(changes, message):
    with pytest.raises(ValueError, match=message):
        counted(**changes)
