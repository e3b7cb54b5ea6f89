"""Beats and rhythms are those of the wfdb package, in both ways of writing them, and a cut file is refused."""

import shutil

import numpy as np
import pytest
import wfdb

from hf_ecg.signals.annotations import Rhythm, read_annotations
from hf_ecg.signals.formats.wfdb_annotation_file import SYMBOLS


@pytest.fixture(scope="module")
def mitdb(shared_data_dir):
    return shared_data_dir / "mitdb"


def header(folder, name="001", rate=200, length=10_000):
    (folder / f"{name}.hea").write_text(f"{name} 1 {rate} {length}\n{name}.dat 16 200(0)/mV 16 0 0 0 0 ECG1\n")


def write(folder, samples, symbols, notes, rate=200, name="001"):
    wfdb.wrann(name, "atr", np.array(samples), list(symbols), aux_note=notes, fs=rate, write_dir=str(folder))


@pytest.mark.parametrize("name", ["104", "108", "201", "207", "219", "233"])
def test_real_entries_are_those_of_the_wfdb_package(mitdb, name):
    found, wanted = read_annotations(mitdb / name), wfdb.rdann(str(mitdb / name), "atr")
    np.testing.assert_array_equal(found.samples, wanted.sample)
    assert found.symbols.tolist() == wanted.symbol and found.layout == "marks"
    assert list(found.notes) == [note.rstrip("\0") for note in wanted.aux_note]
    assert (found.sampling_rate, found.first, found.end) == (360, 0, 650_000)
    # what is no beat: rhythm and quality marks, comments, flutter waves, blocked P waves
    assert set(found.symbols) - set(found.beats.symbols) <= set('+~"!x|[]') and len(found.beats.samples) > 1400


def test_codes_are_those_of_the_wfdb_package():
    from wfdb.io.annotation import ann_labels

    assert {one.label_store: one.symbol for one in ann_labels if one.label_store} == SYMBOLS


def test_a_rhythm_lasts_to_the_next_mark_and_the_last_to_the_end(mitdb):
    found = read_annotations(mitdb / "201")
    assert found.rhythms[:2] == (Rhythm(60, 136226, "AFIB"), Rhythm(136226, 138552, "NOD"))
    assert found.rhythms[-1].end == 650_000
    assert all(one.end == other.start for one, other in zip(found.rhythms, found.rhythms[1:], strict=False))
    assert found.rhythm_codes([0, 60, 136225, 136226, 649_999]).tolist()[:4] == ["", "AFIB", "AFIB", "NOD"]


def test_a_part_has_its_beats_and_the_rhythm_that_began_before_it(mitdb):
    whole, part = read_annotations(mitdb / "201"), read_annotations(mitdb / "201", first=100_000, end=137_000)
    assert part.rhythms == (Rhythm(100_000, 136226, "AFIB"), Rhythm(136226, 137_000, "NOD"))
    inside = (whole.beats.samples >= 100_000) & (whole.beats.samples < 137_000)
    np.testing.assert_array_equal(part.beats.samples, whole.beats.samples[inside])
    assert part.cut(136_226, 136_300).rhythms == (Rhythm(136_226, 136_300, "NOD"),)
    with pytest.raises(ValueError, match="samples 0 to 700000 of .*201.hea were asked for, which has 0 to 650000"):
        read_annotations(mitdb / "201", end=700_000)
    with pytest.raises(ValueError, match="samples 0 to 5 of the annotations were asked for"):
        part.cut(0, 5)


def test_rhythms_in_the_first_of_comments_that_are_beats(tmp_path):
    """As SHDB-AF writes them."""
    header(tmp_path)
    beats = list(range(100, 10_000, 180))
    notes = {0: "(AFIB", 20: "(N", 40: "(AFL"}
    write(tmp_path, beats, ['"'] * len(beats), [notes.get(place, "") for place in range(len(beats))])
    found = read_annotations(tmp_path / "001")
    assert found.layout == "comments" and found.beats.samples.tolist() == beats
    assert found.rhythms == (Rhythm(100, 3700, "AFIB"), Rhythm(3700, 7300, "N"), Rhythm(7300, 10_000, "AFL"))
    assert len(read_annotations(tmp_path / "001", layout="marks").beats.samples) == 0
    with pytest.raises(ValueError, match="layout is 'words'"):
        read_annotations(tmp_path / "001", layout="words")


def test_a_comment_among_typed_beats_is_neither_a_beat_nor_a_rhythm(tmp_path):
    header(tmp_path)
    write(tmp_path, [10, 300, 500, 900], ["+", "N", '"', "V"], ["(N", "", "(AFIB", ""])
    found = read_annotations(tmp_path / "001")
    assert found.beats.symbols.tolist() == ["N", "V"] and found.rhythms == (Rhythm(10, 10_000, "N"),)
    write(tmp_path, [300], ["N"], [""])
    alone = read_annotations(tmp_path / "001")
    assert alone.rhythms == () and alone.rhythm_codes([300]).tolist() == [""]


def test_a_cut_file_is_refused_wherever_it_is_cut(mitdb, tmp_path):
    shutil.copy(mitdb / "106.hea", tmp_path)
    content = (mitdb / "106.atr").read_bytes()
    # some cuts leave two zero bytes at the end, of the note "(N", as a whole file has them
    cuts = [end for end in range(len(content)) if content[:end].endswith(b"\0\0")] + [0, 1, 1000, len(content) - 1]
    assert len(cuts) > 4
    for end in cuts:
        (tmp_path / "106.atr").write_bytes(content[:end])
        with pytest.raises(ValueError, match=r"106.atr has \d+ bytes and does not end as an annotation file"):
            read_annotations(tmp_path / "106")
    (tmp_path / "106.atr").write_bytes(content + b"\x01\x04")
    with pytest.raises(ValueError, match="106.atr goes on behind its end at byte"):
        read_annotations(tmp_path / "106")


def test_what_is_not_of_the_record_is_told(tmp_path):
    with pytest.raises(OSError, match="001.hea is not there"):
        read_annotations(tmp_path / "001")
    header(tmp_path, length=500)
    with pytest.raises(OSError, match="001.atr is not there: the beats of 001 are not known"):
        read_annotations(tmp_path / "001")
    write(tmp_path, [10, 600], "NN", ["", ""])
    with pytest.raises(ValueError, match=r"entries from sample 10 to 600, .*001.hea has 500 samples"):
        read_annotations(tmp_path / "001")
    write(tmp_path, [10, 400], "NN", ["", ""], rate=250)
    with pytest.raises(ValueError, match="001.atr counts in 250 Hz, .*001.hea in 200 Hz"):
        read_annotations(tmp_path / "001")
    (tmp_path / "001.atr").write_bytes(bytes([5, 50 << 2, 0, 0]))
    with pytest.raises(ValueError, match="code 50 at byte 0, which annot"):
        read_annotations(tmp_path / "001")
    write(tmp_path, [10], "N", [""])
    header(tmp_path, length=0)
    with pytest.raises(ValueError, match="001.hea does not say how many samples"):
        read_annotations(tmp_path / "001")
    header(tmp_path)
    with pytest.raises(ValueError, match="leaves the folder"):
        read_annotations(tmp_path / "001", root=tmp_path / "other")
