"""What a WFDB record stores, at its own rate: frames of several samples, skew, segments, counts over 16 bits."""

import random
from pathlib import Path

import numpy as np
import pytest
import wfdb

from hf_ecg.signals import read

from .wfdb_comparing import run
from .wfdb_making import Signal, write_record

RNG = random.Random(0)


def ramp(number, first=0):
    return [first + 3 * (place % 200) for place in range(number)]


def record(folder, *signals, rate="250", frames=None, **options):
    """A record `r` of signals in one file."""
    signals = [Signal(**({"file": "r.dat"} | signal)) for signal in signals]
    frames = frames or len(signals[0].counts) // signals[0].per_frame
    return write_record(folder, "r", rate, signals, frames, RNG, **options)


def test_sixty_made_records_equal_arithmetic(tmp_path):
    counts, differences = run(60, 20, tmp_path)
    assert differences == []
    assert counts["records"] == 60 and sum(kind.startswith("format") for kind in counts) == 13
    assert counts["cut"] > 5 and counts["skew"] > 5 and counts["segments"] > 3


def test_a_missing_sample_in_a_frame_is_missing_alone(tmp_path):
    counts = ramp(4000)
    counts[2001] = -32768
    header = record(
        tmp_path,
        {"name": "II", "storage": 16, "counts": counts, "per_frame": 4},
        {"name": "V1", "storage": 16, "counts": ramp(4000), "per_frame": 4},
    )
    found = read(header)
    assert found.sampling_rate == 1000 and found.values.shape == (2, 4000)
    assert np.argwhere(np.isnan(found.to_millivolts())).tolist() == [[0, 2001]]
    assert np.nanmin(found.to_millivolts()) == 0


def test_the_end_of_a_skewed_lead_is_missing(tmp_path):
    header = record(
        tmp_path,
        {"name": "II", "storage": 212, "counts": ramp(4000, 100), "per_frame": 4},
        {"name": "V1", "storage": 212, "counts": ramp(4000, 100), "per_frame": 4, "skew": 5},
    )
    found = read(header).to_millivolts()
    assert np.isnan(found[1, -20:]).all() and np.isnan(found).sum() == 20
    np.testing.assert_array_equal(found[1, :-20], found[0, 20:])


def test_damaged_samples_in_frames_with_skew(tmp_path):
    header = record(tmp_path, {"name": "II", "storage": 16, "counts": ramp(4000), "per_frame": 4, "skew": 3})
    stored = bytearray((tmp_path / "r.dat").read_bytes())
    stored[4000:4200] = b"\x55" * 200
    (tmp_path / "r.dat").write_bytes(stored)
    with pytest.raises(ValueError, match="lead II has the checksum .*damaged"):
        read(header)


@pytest.mark.parametrize(("rate", "per_frame", "hertz"), [("62.4725/999.56", 4, 249.89), ("1", 250, 250.0)])
def test_frames_keep_the_rate_of_their_samples(tmp_path, rate, per_frame, hertz):
    counts = ramp(20 * per_frame)
    header = record(tmp_path, {"name": "II", "storage": 16, "counts": counts, "per_frame": per_frame}, rate=rate)
    found = read(header)
    assert found.sampling_rate == pytest.approx(hertz, abs=1e-9)
    np.testing.assert_array_equal(found.counts[0], counts)


def test_leads_of_different_rates_are_chosen_or_refused(tmp_path):
    header = record(
        tmp_path,
        {"name": "II", "storage": 16, "counts": ramp(800), "per_frame": 4},
        {"name": "V1", "storage": 16, "counts": ramp(200)},
        {"name": "V5", "storage": 16, "counts": ramp(800, 9), "per_frame": 4},
        # what is left out may have any rate
        {"name": "ABP", "storage": 16, "counts": ramp(400), "per_frame": 2, "unit": "mmHg"},
    )
    with pytest.raises(ValueError, match="V1 at 250 Hz and II, V5 at 1000 Hz: choose leads of one rate, with leads="):
        read(header)
    found = read(header, leads=["V5", "II"])
    assert found.leads == ("V5", "II") and found.sampling_rate == 1000
    np.testing.assert_array_equal(found.counts, [ramp(800, 9), ramp(800)])
    assert read(header, leads=["V1"]).values.shape == (1, 200)
    assert read(header, rename={"V1": "III", "ABP": "I"}, leads=["III"]).leads == ("III",)


def test_counts_over_16_bits_are_millivolts(tmp_path):
    counts = [7_999_000, 8_000_500, -(2**23), 8_001_000]
    header = record(
        tmp_path, {"name": "II", "storage": 24, "counts": counts, "gain": 500.0, "baseline": 8_000_000}, rate="500"
    )
    found = read(header)
    assert found.gain is None and found.baseline is None
    np.testing.assert_array_equal(found.to_millivolts(), [[-2.0, 1.0, np.nan, 2.0]])
    # what a corpus stores are 16-bit counts of a microvolt
    stored = found.as_counts()
    assert stored.counts.tolist() == [[-2000, 1000, -32768, 2000]] and stored.gain.tolist() == [1000.0]


def test_small_counts_of_wide_formats_stay_counts(tmp_path):
    found = read(record(tmp_path, {"name": "II", "storage": 32, "counts": [5, -(2**31), -7], "gain": -2.0}))
    assert found.values.dtype == np.int16 and found.counts.tolist() == [[-5, -32768, 7]]
    assert found.to_millivolts().tolist()[0][::2] == [-2.5, 3.5]
    # -32768 is a count like others where the format has more
    found = read(record(tmp_path, {"name": "II", "storage": 32, "counts": [5, -32768], "gain": 1.0}))
    assert found.to_millivolts().tolist() == [[5.0, -32768.0]]


def test_an_initial_value_that_is_another_is_told(tmp_path, caplog):
    header = record(tmp_path, {"name": "II", "storage": 16, "counts": ramp(10, 7)}, short=True)
    assert read(header).remarks == ()
    header.write_text(header.read_text().replace(" 7 0 0 II", " -127 0 0 II"))
    assert "initial value is not the first sample: II (-127, stored 7)" in read(header).remarks[0]
    header.write_text(header.read_text().replace(" -127 0 0 II", f" -127 {sum(ramp(10, 7))} 0 II"))
    assert read(header).remarks == ()  # the checksum says that the samples are right


def segments(folder, *lines, master="m/{} 2 250 {}"):
    """A record `m` of segments a (I and II), b (II alone, another gain), and a gap."""
    options = {"storage": 212, "gain": 200.0}
    both = [Signal(lead, counts=ramp(10, place), file="a.dat", **options) for place, lead in enumerate(("I", "II"))]
    write_record(folder, "a", "250", both, 10, RNG)
    write_record(folder, "b", "250", [Signal("II", 212, ramp(5), gain=100.0, file="b.dat")], 5, RNG)
    (folder / "m_layout.hea").write_text("m_layout 2 250 0\n~ 0 1/mV 16 0 0 0 0 I\n~ 0 1/mV 16 0 0 0 0 II\n")
    (folder / "b_layout.hea").write_text("b_layout 1 250 0\n~ 0 1/mV 16 0 0 0 0 II\n")
    total = sum(int(line.split()[1]) for line in lines)
    (folder / "m.hea").write_text("\n".join([master.format(len(lines), total), *lines, ""]))
    return folder / "m.hea"


def test_segments_of_one_layout_and_gaps(tmp_path):
    found = read(segments(tmp_path, "a 10", "~ 4", "a 10"))
    assert found.leads == ("I", "II") and found.counts.shape == (2, 24) and found.name == "m"
    assert found.counts[1].tolist() == ramp(10, 1) + [-32768] * 4 + ramp(10, 1)
    assert found.gain.tolist() == [200.0, 200.0]


def test_segments_with_a_layout_have_what_they_have(tmp_path):
    found = read(segments(tmp_path, "m_layout 0", "a 10", "~ 3", "b 5"))
    assert found.gain is None and found.values.shape == (2, 18)
    millivolts = found.to_millivolts()
    np.testing.assert_array_equal(millivolts[0], np.append(np.array(ramp(10)) / 200, [np.nan] * 8))
    np.testing.assert_array_equal(millivolts[1, :10], np.array(ramp(10, 1)) / 200)
    np.testing.assert_array_equal(millivolts[1, 13:], np.array(ramp(5)) / 100)
    assert read(tmp_path / "m", leads=["I"]).gain.tolist() == [200.0]
    layout = tmp_path / "m_layout.hea"
    layout.write_text(layout.read_text().replace("1/mV", "0"))  # gains are the segments' to say
    np.testing.assert_array_equal(read(tmp_path / "m").to_millivolts(), millivolts)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["a 10", "b 5"], "segment b has the signals .'II'., the first one .'I', 'II'., and there is no layout"),
        (["~ 10"], "without samples: all of its segments are gaps"),
        (["a 9"], "a.hea says 10 samples, and .*m.hea says 9"),
        (["a 10", "m 10"], "a segment of .*m.hea, has segments itself"),
        (["a 10", "../a 10"], "line 3: the segment line cannot be read"),
        (["m_layout 0", "b 5"], "no segment has them"),
        (["b_layout 0", "a 10"], "segment a has the signals .'I'., which its layout does not list"),
        (["a 10", "~ 99999999999999"], "wanted at most 1073741824"),
    ],
)
def test_segments_that_do_not_fit(tmp_path, lines, message):
    with pytest.raises(ValueError, match=message):
        read(segments(tmp_path, *lines), leads=["I"])


def test_a_segment_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match="c.hea is not there, though .*m.hea names it as a segment"):
        read(segments(tmp_path, "a 10", "c 10"))
    with pytest.raises(ValueError, match="says 11 samples, and its segments have 10"):
        read(segments(tmp_path, "a 10", master="m/{} 2 250 11"))


ODDITIES = "corpora-samples/wfdb-oddities"


@pytest.mark.parametrize("name", ["test01_00s_frame", "test01_00s_skew", "test01_00s_skewframe", "flacformats"])
def test_oddities_equal_the_wfdb_package(shared_data_dir, name):
    path = str(shared_data_dir / ODDITIES / name)
    wanted = wfdb.rdrecord(path, smooth_frames=False)
    for place, values in enumerate(wanted.e_p_signal):
        found = read(path, rename={place: "I"}, leads=["I"])
        np.testing.assert_allclose(found.to_millivolts()[0], values, atol=1e-9)
        assert found.sampling_rate == wanted.fs * wanted.samps_per_frame[place]


def test_ten_formats_of_one_record_equal_the_wfdb_package(shared_data_dir):
    path = str(shared_data_dir / ODDITIES / "binformats")
    wanted = wfdb.rdrecord(path).p_signal.T
    for place, values in enumerate(wanted):
        np.testing.assert_allclose(read(path, rename={place: "I"}, leads=["I"]).to_millivolts()[0], values, atol=1e-9)


def test_real_segments_equal_the_wfdb_package(shared_data_dir):
    path = str(Path(shared_data_dir / ODDITIES) / "multi-segment" / "041s" / "041s")
    found = read(path)
    wanted = wfdb.rdrecord(path, smooth_frames=False, channels=[0, 1, 2]).e_p_signal
    assert found.leads == ("III", "I", "V") and found.sampling_rate == 500
    np.testing.assert_allclose(found.to_millivolts(), wanted, atol=1e-9)


def test_published_headers(shared_data_dir):
    samples = shared_data_dir / "corpora-samples"
    old, new = (read(samples / folder / "E00001") for folder in ("georgia-header-2020", "georgia"))
    np.testing.assert_array_equal(old.to_millivolts(), new.to_millivolts())
    assert old.name == new.name == "E00001" and "4880/mV" in old.remarks[0] and new.remarks == ()
    # no checksums, which is written as 0
    found = read(shared_data_dir / "cinc2017" / "training2017" / "A00001", rename={"ECG": "I"})
    assert found.leads == ("I",) and found.counts.shape == (1, 9000)


@pytest.fixture
def packed(tmp_path):
    """A record of format 212, whose code for a missing sample is -2048."""
    counts = np.random.default_rng(0).integers(-500, 500, (50, 2))
    counts[7, 1] = -2048
    options = {"fmt": ["212", "212"], "adc_gain": [200.0, 200.0], "baseline": [0, 0], "write_dir": str(tmp_path)}
    wfdb.wrsamp("rec", 100, ["mV", "mV"], ["MLII", "V5"], d_signal=counts, **options)
    return tmp_path, counts


def test_missing_samples_of_another_format(packed):
    folder, counts = packed
    millivolts = read(folder / "rec", root=folder).to_millivolts()
    assert np.argwhere(np.isnan(millivolts)).tolist() == [[1, 7]]
    np.testing.assert_allclose(millivolts[0], counts[:, 0] / 200)


def test_damage_shows_in_another_format_too(packed):
    folder, _ = packed
    stored = bytearray((folder / "rec.dat").read_bytes())
    stored[30] ^= 1
    (folder / "rec.dat").write_bytes(stored)
    with pytest.raises(ValueError, match="lead MLII has the checksum"):
        read(folder / "rec")
    (folder / "rec.dat").write_bytes(stored[:-30])
    with pytest.raises(ValueError, match="has 120 bytes, wanted 150: .*format 212; truncated"):
        read(folder / "rec")


@pytest.mark.parametrize("said", [40, 60])
def test_a_header_that_lies_about_the_length_of_another_format(packed, said):
    folder, _ = packed
    header = (folder / "rec.hea").read_text()
    assert "rec 2 100 50" in header
    (folder / "rec.hea").write_text(header.replace("rec 2 100 50", f"rec 2 100 {said}"))
    with pytest.raises(ValueError, match="rec.hea"):
        read(folder / "rec")
