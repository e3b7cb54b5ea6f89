"""Named outputs of steps: what may be declared, how parts are stacked, and that later steps carry them along."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch

from hf_ecg.processing import ECGFeatureExtractor, Output, Step, register_step, stack_outputs
from hf_ecg.signals.leads import STANDARD_LEADS

BEATS = Output("beats", ("beats", "leads"), padding=-1.0)
BEAT_MASK = Output("beat_mask", ("beats",), dtype="bool")
COUNT = Output("count", (), dtype="int64")


@register_step("toy_derivative")
@dataclass(frozen=True)
class Derivative(Step):
    """Adds a tensor with both axes of the record, one with its leads, and a ragged list of numbers."""

    @property
    def outputs(self):
        return (
            Output("derivative", ("leads", "samples"), padding=9.0),
            Output("largest", ("leads",)),
            Output("rising", ("places",), dtype="int64", padding=-1),
        )

    def apply(self, batch):
        change = np.diff(batch.signals, axis=-1, prepend=0.0)
        batch.tensors["derivative"] = change
        batch.tensors["largest"] = batch.signals.max(-1)
        batch.tensors["rising"] = [np.flatnonzero(record[0] > 0) for record in change]


@register_step("toy_forgetful")
@dataclass(frozen=True)
class Forgetful(Step):
    @property
    def outputs(self):
        return (Output("thing", ()),)

    def apply(self, batch):
        pass


def made(*steps, num_samples=None, leads=STANDARD_LEADS):
    return ECGFeatureExtractor(sampling_rate=100, leads=leads, num_samples=num_samples, steps=list(steps))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "two words", "axes": ()}, "name of a parameter"),
        ({"name": "x", "axes": ("batch", "leads")}, "without the batch"),
        ({"name": "x", "axes": ("leads", "leads")}, "wanted a tuple"),
        ({"name": "x", "axes": (), "dtype": "float64"}, "float32, int64, bool"),
        ({"name": "x", "axes": (), "dtype": "bool", "padding": True}, "its padding is false"),
    ],
)
def test_what_no_output_can_be(arguments, message):
    with pytest.raises(ValueError, match=message):
        Output(**arguments)


def test_shorter_axes_are_filled_with_each_outputs_padding():
    first = {
        "beats": [np.ones((3, 2)), np.full((1, 2), 2.0)],
        "beat_mask": [np.ones(3, bool), np.ones(1, bool)],
        "count": np.array([3, 1]),
    }
    second = {
        "beats": np.full((1, 2, 2), 3.0),
        "beat_mask": np.ones((1, 2), bool),
        "count": np.array([2]),
        "unasked": None,
    }
    batch = stack_outputs([first, second], (BEATS, BEAT_MASK, COUNT))
    assert batch["beats"][..., 0].tolist() == [[1, 1, 1], [2, -1, -1], [3, 3, -1]]
    assert batch["beat_mask"].tolist() == [[True] * 3, [True, False, False], [True, True, False]]
    assert batch["count"].tolist() == [3, 1, 2] and set(batch) == {"beats", "beat_mask", "count"}
    assert [batch[name].dtype for name in batch] == [np.float32, bool, np.int64]
    mixed = stack_outputs([first, second], (BEATS, COUNT), rows=[np.array([2, 0]), np.array([1])])
    assert mixed["count"].tolist() == [1, 2, 3] and mixed["beats"][:, 0, 0].tolist() == [2, 3, 1]


def test_an_axis_has_one_length_in_all_outputs():
    other = Output("second_mask", ("beats",), dtype="bool")
    part = {"beats": np.zeros((1, 4, 2)), "second_mask": np.ones((1, 2), bool)}
    assert stack_outputs([part], (BEATS, other))["second_mask"].tolist() == [[True, True, False, False]]
    empty = {"beats": [np.zeros((0, 2))], "beat_mask": [np.zeros(0, bool)]}
    batch = stack_outputs([empty], (BEATS, BEAT_MASK))
    assert batch["beat_mask"].tolist() == [[False]] and batch["beats"].tolist() == [[[-1, -1]]]


def test_tensors_in_and_out():
    parts = [{"beats": torch.full((1, count, 2), float(count))} for count in (1, 2)]
    batch = stack_outputs(parts, (BEATS,), return_tensors="pt")["beats"]
    assert isinstance(batch, torch.Tensor) and batch[..., 0].tolist() == [[1, -1], [2, 2]]


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ([], "nothing to stack"),
        ([{"beats": np.zeros((1, 1, 2))}], "lacks 'beat_mask'"),
        ([{"beats": np.zeros((1, 2)), "beat_mask": np.zeros((1, 1), bool)}], r"shape \(2,\), wanted \(beats, leads\)"),
        ([{"beats": np.zeros((2, 1, 2)), "beat_mask": np.zeros((1, 1), bool)}], "differ in their number of rows"),
        (
            [{"beats": np.zeros((1, 1, leads)), "beat_mask": np.zeros((1, 1), bool)} for leads in (2, 3)],
            r"\[2, 3\] leads",
        ),
    ],
)
def test_what_cannot_be_stacked(parts, message):
    with pytest.raises(ValueError, match=message):
        stack_outputs(parts, (BEATS, BEAT_MASK))
    with pytest.raises(ValueError, match="wanted np or pt"):
        stack_outputs([{"count": np.array([1])}], (COUNT,), return_tensors="tf")


def test_later_steps_carry_tensors_along_by_their_axes(ecg):
    signals = ecg(num_samples=1000)
    whole = made({"name": "toy_derivative"})(signals, 100, STANDARD_LEADS, "mV")
    steps = [{"name": "toy_derivative"}, {"name": "crop", "num_samples": 900, "position": "end"}]
    steps += [{"name": "multi_crop", "num_samples": 400, "count": 3}, {"name": "pad", "num_samples": 500}]
    own = made(*steps)
    batch = own([signals, signals], 100, STANDARD_LEADS, "mV")
    assert own.model_input_names[3:] == ["derivative", "largest", "rising", "record_index"]
    assert batch["record_index"].tolist() == [0, 0, 0, 1, 1, 1]
    for row, start in enumerate((100, 350, 600)):
        assert np.array_equal(batch["derivative"][row, :, :400], whole["derivative"][0, :, start : start + 400])
        assert np.array_equal(batch["input_values"][row, :, :400], whole["input_values"][0, :, start : start + 400])
        assert np.array_equal(batch["largest"][row], whole["largest"][0])
        assert np.array_equal(batch["rising"][row], whole["rising"][0])
    assert (batch["derivative"][..., 400:] == 9).all() and not batch["input_values"][..., 400:].any()


def test_leads_that_are_chosen_later_are_chosen_in_what_was_added(ecg):
    signals = ecg(3)
    steps = [{"name": "toy_derivative"}, {"name": "select_leads"}]
    batch = made(*steps, leads=["V2", "I", "V1"])(signals, 100, ["V1", "V2", "V3"], "mV")
    assert batch["largest"].tolist() == [[pytest.approx(signals[1].max()), 0, pytest.approx(signals[0].max())]]
    assert batch["derivative"].shape == (1, 3, 1000) and not batch["derivative"][0, 1].any()
    amplitude = made({"name": "normalise", "method": "zscore", "return_amplitude": True}, {"name": "select_leads"})
    taken = amplitude(signals, 100, ["V1", "V2", "V3"], "mV")["amplitude"]
    assert taken.shape == (1, 12, 2) and taken[0, 6:9, 1] == pytest.approx(signals.std(-1), rel=1e-4)


def test_records_of_several_lengths_and_added_tensors(ecg):
    records = [ecg(num_samples=300, seed=1), ecg(num_samples=500, seed=2), ecg(num_samples=300, seed=3)]
    own = made({"name": "toy_derivative"})
    batch = own(records, 100, STANDARD_LEADS, "mV")
    for row, record in enumerate(records):
        alone = own(record, 100, STANDARD_LEADS, "mV")
        length = record.shape[1]
        assert np.array_equal(batch["derivative"][row, :, :length], alone["derivative"][0])
        assert (batch["derivative"][row, :, length:] == 9).all()
        found = alone["rising"].shape[1]
        assert np.array_equal(batch["rising"][row, :found], alone["rising"][0])
        assert (batch["rising"][row, found:] == -1).all()


def test_views_act_on_waveforms_and_the_leads_amplitude():
    own = made({"name": "normalise", "method": "zscore", "return_amplitude": True})
    assert [(output.name, output.axes, output.dtype) for output in own.outputs] == [
        ("input_values", ("leads", "samples"), "float32"),
        ("lead_mask", ("leads",), "bool"),
        ("sample_mask", ("samples",), "bool"),
        ("amplitude", ("leads", "offset_and_scale"), "float32"),
    ]
    assert all(output.views for output in own.outputs)
    cropped = made({"name": "multi_crop", "count": 2, "num_samples": 100}, {"name": "toy_derivative"})
    contradicted = [output.name for output in cropped.outputs_before_views if not output.views]
    assert contradicted == ["record_index", "derivative", "largest", "rising"]


def test_a_step_that_cannot_be_run():
    with pytest.raises(ValueError, match="resample behind what makes .'derivative'"):
        made({"name": "toy_derivative"}, {"name": "resample"})
    with pytest.raises(ValueError, match="makes 'derivative', which a step before it makes"):
        made({"name": "toy_derivative"}, {"name": "toy_derivative"})
    with pytest.raises(ValueError, match="toy_forgetful declares 'thing' and does not make it"):
        made({"name": "toy_forgetful"})(np.sin(np.arange(12000) / 9).reshape(12, 1000), 100, STANDARD_LEADS, "mV")
