"""Inputs made once: the same batches as without a cache, made anew for other rows and steps, torn files made again."""

import os

import pytest
import torch

from hf_ecg.data.collators import ECGContrastiveCollator, ECGWaveformCollator
from hf_ecg.data.mixing import MixedRows
from hf_ecg.data.prepared import prepared_inputs
from hf_ecg.processing import ECGFeatureExtractor
from tests.data import made_rows

VIEWS = [{"name": "gaussian_noise", "rms": 0.1}]
STEPS = [{"name": "select_leads"}, {"name": "views"}, {"name": "normalise", "method": "zscore"}]


def collator(steps=STEPS, views=VIEWS, kind=ECGWaveformCollator, leads=made_rows.LEADS, prepared=None):
    extractor = ECGFeatureExtractor(sampling_rate=100, leads=leads, num_samples=None, steps=list(steps))
    return kind(extractor, views=views, seed=3, prepared=prepared)


@pytest.fixture
def dataset():
    return made_rows.dataset(12)


def batches(made, rows, epoch=0):
    return [made(rows.__getitems__([(epoch, index) for index in indices])) for indices in ([3, 0, 11], [5], range(12))]


def assert_equal(first, second):
    assert set(first) == set(second)
    for name, value in first.items():
        assert value is True or torch.equal(value, second[name]), name


@pytest.mark.parametrize("kind", [ECGWaveformCollator, ECGContrastiveCollator])
def test_batches_are_the_same_bits(dataset, tmp_path, kind):
    steps = [{"name": "pick_lead"}, *STEPS[1:]] if kind is ECGContrastiveCollator else STEPS
    plain = collator(steps, kind=kind)
    cached = collator(steps, kind=kind, prepared=prepared_inputs(tmp_path, plain, [dataset]))
    assert "signal" not in cached.columns
    for epoch in (0, 2):
        made = batches(plain, MixedRows([dataset], plain.columns), epoch)
        read = batches(cached, MixedRows([dataset], cached.columns), epoch)
        for first, second in zip(made, read, strict=True):
            assert_equal(first, second)


def test_records_of_several_lengths_are_padded_by_batch(tmp_path):
    sources = [made_rows.dataset(6, samples=200, seed=1), made_rows.dataset(5, samples=120, seed=2)]
    plain = collator()
    cached = collator(prepared=prepared_inputs(tmp_path, plain, sources))
    for indices in ([0, 8], [9, 7], [2]):
        keys = [(1, index) for index in indices]
        first = plain(MixedRows(sources, plain.columns).__getitems__(keys))
        second = cached(MixedRows(sources, cached.columns).__getitems__(keys))
        assert_equal(first, second)
    assert second["input_values"].shape[-1] == 200


def files(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*.npz")}


def test_inputs_are_made_once_and_anew_for_other_rows_steps_and_leads(dataset, tmp_path):
    prepared_inputs(tmp_path, collator(), [dataset])
    first = files(tmp_path)
    prepared_inputs(tmp_path, collator(views=[]), [dataset])  # views come behind what is kept
    after = [*STEPS[:2], {"name": "normalise", "method": "minmax"}]
    prepared_inputs(tmp_path, collator(after), [dataset])
    assert files(tmp_path) == first and len(first) == 1
    prepared_inputs(tmp_path, collator(), [dataset.select(range(6))])
    prepared_inputs(tmp_path, collator(leads=made_rows.LEADS[:6]), [dataset])
    prepared_inputs(tmp_path, collator([STEPS[0], {"name": "divide", "divisor": 2.0}, *STEPS[1:]]), [dataset])
    assert len(files(tmp_path)) == 4 and first.items() <= files(tmp_path).items()


def test_a_torn_file_is_made_again(dataset, tmp_path):
    plain = collator()
    prepared_inputs(tmp_path, plain, [dataset])
    (path,) = files(tmp_path)
    path.write_bytes(path.read_bytes()[:1000])
    cached = collator(prepared=prepared_inputs(tmp_path, plain, [dataset]))
    rows = MixedRows([dataset], plain.columns)
    assert_equal(batches(plain, rows)[0], batches(cached, MixedRows([dataset], cached.columns))[0])


def test_another_lead_of_a_model_of_one_lead_is_made_anew(dataset, tmp_path):
    extractor = collator([{"name": "pick_lead"}, *STEPS[1:]]).feature_extractor
    for lead in made_rows.LEADS[:2]:
        plain = ECGWaveformCollator(extractor, lead=lead)
        kept = prepared_inputs(tmp_path, plain, [dataset])
        cached = ECGWaveformCollator(extractor, lead=lead, prepared=kept)
        for first, second in zip(*(batches(c, MixedRows([dataset], c.columns)) for c in (plain, cached)), strict=True):
            assert_equal(first, second)
    assert len(files(tmp_path)) == 2


def test_what_no_run_begins_with_any_more_goes_when_something_is_made(dataset, tmp_path):
    first = prepared_inputs(tmp_path, collator(), [dataset]).store.folder
    second = prepared_inputs(tmp_path, collator(), [dataset.select(range(3))]).store.folder
    (tmp_path / "mine").mkdir()
    (second / "mine.txt").write_text("precious")
    for folder in (first, second, tmp_path / "mine"):
        os.utime(folder, (1, 1))
    prepared_inputs(tmp_path, collator(), [dataset])  # it is used again
    third = prepared_inputs(tmp_path, collator(), [dataset.select(range(4))]).store.folder
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([first.name, second.name, third.name, "mine"])
    assert [path.name for path in second.iterdir()] == ["mine.txt"] and files(first) and files(third)


def test_too_many_refused_rows_stop_the_same_command_again(tmp_path, monkeypatch):
    """Of three parts the first holds too few for the limit; what it holds counts when the command is repeated."""
    monkeypatch.setattr("hf_ecg.data.prepared.PART", 400)
    table = made_rows.dataset(1000, samples=20)
    bad = {10, 20, 30, *range(760, 766)}
    rows = table.map(lambda row, n: {"gain": [0.0 if n in bad else 1000.0] * len(row["gain"])}, with_indices=True)
    for _ in range(2):
        with pytest.raises(
            ValueError, match="9 of the 7.. rows looked at are refused, more than 1%: r10, r20, r30, r760"
        ):
            prepared_inputs(tmp_path, collator(), [rows])
