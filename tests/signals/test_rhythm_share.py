"""Shares of rhythms, of MIT-BIH's own annotations and of the same in SHDB-AF's layout."""

import numpy as np
import pytest

from hf_ecg.signals.annotations import read_annotations
from hf_ecg.signals.rhythm_share import rhythm_intervals, rhythm_share, unexplained_codes
from tests.data.made_shdb_af import write_annotations, write_values


def test_shares_are_those_of_a_plain_count(shared_data_dir):
    found = read_annotations(shared_data_dir / "mitdb" / "222")
    codes = found.rhythm_codes(np.arange(650_000))
    for first, end in ((0, 650_000), (200_000, 210_800), (0, 20)):
        part = codes[first:end]
        share, annotated = rhythm_share(found, first, end, {"AFIB", "AFL"})
        assert annotated == (part != "").sum()
        inside = np.isin(part, ["AFIB", "AFL"]).sum()
        assert share is None if not annotated else share == pytest.approx(inside / annotated)
    # what atrial bigeminy is, MIT-BIH says
    assert rhythm_share(found, 0, 650_000, {"AB"})[0] > 0.04


def test_intervals_that_touch_are_one(shared_data_dir):
    found = read_annotations(shared_data_dir / "mitdb" / "222")
    together = rhythm_intervals(found, {"AFIB", "AFL"})
    apart = rhythm_intervals(found, {"AFIB"}) + rhythm_intervals(found, {"AFL"})
    assert len(together) < len(apart)
    assert sum(end - start for start, end in together) == sum(end - start for start, end in apart)


def test_comments_at_beats_and_a_code_that_nobody_explains(tmp_path):
    write_values(tmp_path, "001", np.random.default_rng(0).normal(size=(4000, 2)))
    beats = np.arange(100, 4000, 150)
    write_annotations(tmp_path, "001", beats, [(1000, "(AFIB"), (2000, "(AB"), (3000, "(N")])
    found = read_annotations(tmp_path / "001")
    first, second, third = (int(beats[np.searchsorted(beats, mark)]) for mark in (1000, 2000, 3000))
    share, annotated = rhythm_share(found, 0, 4000, {"AFIB"})
    assert annotated == second - first + 4000 - third
    assert share == pytest.approx((second - first) / annotated)
    assert rhythm_share(found, 0, first, {"AFIB"}) == (None, 0)
    assert rhythm_share(found, second, third, {"AB"}) == (None, 0)


def test_a_code_that_is_misspelt_is_not_the_absence_of_af(tmp_path):
    write_values(tmp_path, "001", np.random.default_rng(0).normal(size=(4000, 2)))
    write_annotations(tmp_path, "001", np.arange(0, 4000, 100), [(0, "(N"), (2000, "(afib")])
    found = read_annotations(tmp_path / "001")
    assert unexplained_codes(found, {"AFIB"}) == {"afib"}
    assert rhythm_share(found, 0, 4000, {"AFIB"}) == (0, 2000)
    assert rhythm_share(found, 0, 4000, {"afib"}) == (0.5, 4000)
