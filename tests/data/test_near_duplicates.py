import numpy as np
import pytest

from hf_ecg.data import near_duplicates
from hf_ecg.data.near_duplicates import find_near_duplicates
from hf_ecg.signals import read, resample
from hf_ecg.signals.fingerprint import fingerprint


@pytest.fixture(scope="module")
def records(shared_data_dir):
    paths = sorted((shared_data_dir / "cinc2021").glob("HR0600*.hea"))
    return [read(path) for path in paths]


@pytest.fixture(scope="module")
def prints(records):
    return [fingerprint(record.to_millivolts(), 500, record.leads) for record in records]


@pytest.mark.parametrize("block", [512, 2])
def test_versions_are_found_across_lists_whatever_the_blocks(records, prints, monkeypatch, block):
    monkeypatch.setattr(near_duplicates, "BLOCK", block)
    changed = [
        fingerprint(resample(record.to_millivolts()[:, 500:], 500, 100, "polyphase"), 100, record.leads)
        for record in records[::-1]
    ]
    found = find_near_duplicates(prints, changed)
    assert sorted((pair.first, pair.second) for pair in found) == [(i, 8 - i) for i in range(9)]
    assert [pair.lag_seconds for pair in found] == pytest.approx([-1.0] * 9, abs=0.01)


@pytest.mark.parametrize("block", [512, 2])
def test_within_one_list_no_record_pairs_with_itself(prints, monkeypatch, block):
    monkeypatch.setattr(near_duplicates, "BLOCK", block)
    assert find_near_duplicates(prints) == []
    found = find_near_duplicates([*prints, prints[4]])
    assert [(pair.first, pair.second, pair.num_leads) for pair in found] == [(4, 9, 8)]


def test_what_cannot_be_compared_is_never_in_a_pair(prints):
    found = find_near_duplicates([None, prints[0], None], [None, None, prints[0]])
    assert [(pair.first, pair.second) for pair in found] == [(1, 2)]
    assert find_near_duplicates([None], [None]) == []


def test_pairs_need_enough_leads(records, prints):
    record = records[0]
    two = [fingerprint(record.to_millivolts()[:2], 500, record.leads[:2])]
    assert find_near_duplicates(prints, two) == []
    assert [(pair.first, pair.num_leads) for pair in find_near_duplicates(prints, two, least_leads=2)] == [(0, 2)]
    chest = [fingerprint(record.to_millivolts()[6:], 500, record.leads[6:])]
    assert find_near_duplicates(two, chest, least_leads=1) == []


def test_impossible_settings_are_refused():
    with pytest.raises(ValueError, match="threshold is 1.5"):
        find_near_duplicates([], threshold=1.5)
    with pytest.raises(ValueError, match="least_leads is 0"):
        find_near_duplicates([], least_leads=0)
    assert np.all(near_duplicates.CANDIDATE < near_duplicates.THRESHOLD)
