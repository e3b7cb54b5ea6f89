"""The steps of docs/how_to/add_a_step.md, followed for a toy: beats in place of the waveform."""

import json
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from huggingface_hub.dataclasses import strict
from scipy.signal import find_peaks
from torch import nn
from transformers.modeling_outputs import BaseModelOutputWithPooling

from hf_ecg import ECGFeatureExtractor
from hf_ecg.checks import check_positive
from hf_ecg.models.shared.configuration_ecg import ECGConfig
from hf_ecg.models.shared.modeling_ecg import ECGPreTrainedModel
from hf_ecg.processing import Output, Step, register_step, stack_outputs
from hf_ecg.processing.steps.step_table import STEPS

LEADS = ["I", "II", "V2"]
RATE = 100


@register_step("toy_beats")
@dataclass(frozen=True)
class CutBeats(Step):
    """The file of the step: the `seconds` around each peak that is above `millivolts` in the mean of the leads."""

    seconds: float = 0.2
    millivolts: float = 0.5

    @property
    def outputs(self):
        return (
            Output("beats", ("beats", "leads", "beat_samples")),
            Output("beat_mask", ("beats",), dtype="bool"),
            Output("beat_positions", ("beats",), dtype="int64", padding=-1),
        )

    @property
    def drops(self):
        return ("input_values", "lead_mask", "sample_mask")

    def validate(self):
        check_positive("seconds", self.seconds)
        check_positive("millivolts", self.millivolts)

    def apply(self, batch):
        half = round(self.seconds * batch.sampling_rate / 2)
        around = np.arange(-half, half)
        beats, positions = [], []
        for signals, leads, recorded in zip(batch.signals, batch.lead_mask, batch.sample_mask, strict=True):
            peaks, _ = find_peaks(signals[leads].mean(0), self.millivolts, distance=2 * half)
            peaks = peaks[(peaks >= half) & (peaks <= recorded.sum() - half)]
            positions.append(peaks)
            beats.append(np.moveaxis(signals[:, peaks[:, None] + around], 1, 0))
        masks = [np.ones(len(peaks), bool) for peaks in positions]
        batch.tensors |= {"beats": beats, "beat_mask": masks, "beat_positions": positions}


@strict
class ECGBeatsConfig(ECGConfig):
    model_type = "ecg_toy_beats"
    num_leads: int = 3
    num_samples: int = 1000
    sampling_rate: float | int = RATE
    hidden_size: int = 4


class ECGBeatsModel(ECGPreTrainedModel):
    """A model that knows no waveform: `beats` and `beat_mask` are all it takes."""

    config: ECGBeatsConfig
    main_input_name = "beats"

    def __init__(self, config):
        super().__init__(config)
        self.embedding = nn.Linear(config.num_leads, config.hidden_size)
        self.post_init()

    def forward(self, beats, beat_mask):
        states = self.embedding(beats.mean(-1))
        weights = beat_mask[..., None].to(states.dtype)
        pooled = (states * weights).sum(1) / weights.sum(1).clamp(min=1)
        return BaseModelOutputWithPooling(last_hidden_state=states, pooler_output=pooled)


def record(*peaks, seconds=10):
    """Three leads with a spike of 10 ms at each of the given seconds, over a wave of breathing."""
    time = np.arange(round(seconds * RATE)) / RATE
    spikes = sum((np.exp(-(((time - peak) / 0.01) ** 2)) for peak in peaks), np.zeros_like(time))
    return np.array([[1.0], [1.5], [2.0]]) * spikes + 0.2 * np.sin(2 * np.pi * 0.3 * time)


def extractor(*steps, **kwargs):
    steps = [{"name": "pad"}, *steps, {"name": "toy_beats"}]
    return ECGFeatureExtractor(sampling_rate=RATE, leads=LEADS, num_samples=1000, steps=steps, **kwargs)


def prepared(signals, own=None):
    return (own or extractor())(signals, RATE, LEADS, "mV", return_tensors="pt")


def test_records_with_different_numbers_of_beats_are_one_batch():
    signals = [record(1, 2, 3.5), record(), record(4, 5.5, seconds=8)]
    batch = prepared(signals)
    assert extractor().model_input_names == ["beats", "beat_mask", "beat_positions"] == list(batch)
    assert batch["beats"].shape == (3, 3, 3, 20) and batch["beats"].dtype == torch.float32
    assert batch["beat_mask"].tolist() == [[True] * 3, [False] * 3, [True, True, False]]
    assert batch["beat_positions"].tolist() == [[100, 200, 350], [-1, -1, -1], [400, 550, -1]]
    np.testing.assert_array_equal(batch["beats"][0, 2], signals[0][:, 340:360].astype(np.float32))
    assert not batch["beats"][~batch["beat_mask"]].any()


def test_no_beat_is_no_error():
    batch = prepared([record(), record()])
    assert batch["beats"].shape == (2, 1, 3, 20) and not batch["beat_mask"].any()
    outputs = ECGBeatsModel(ECGBeatsConfig())(batch["beats"], batch["beat_mask"])
    assert not outputs.pooler_output.any()


def test_what_is_prepared_one_by_one_stacks_to_the_same_batch():
    signals = [record(1, 2, 3), record(), record(5)]
    parts = [dict(prepared(signal)) for signal in signals]
    stacked = stack_outputs(parts, extractor().outputs, return_tensors="pt")
    whole = prepared(signals)
    assert list(stacked) == list(whole) and all(torch.equal(stacked[name], whole[name]) for name in whole)


def test_an_absent_lead_is_zero_in_every_beat():
    signals = record(1, 2)
    signals[1] = np.nan
    own = ECGFeatureExtractor(
        sampling_rate=RATE, leads=LEADS[1:], num_samples=1000, steps=[{"name": "select_leads"}, {"name": "toy_beats"}]
    )
    batch = own(signals, RATE, ["V1", "II", "V2"], "mV")
    assert not batch["beats"][:, :, 0].any() and batch["beats"][:, :, 1].any()


def test_a_model_takes_them():
    batch = prepared([record(1, 2, 3), record(4)])
    torch.manual_seed(0)
    model = ECGBeatsModel(ECGBeatsConfig()).eval()
    inputs = {name: batch[name] for name in ("beats", "beat_mask")}
    alone = prepared(record(4))
    with torch.no_grad():
        pooled = model(**inputs).pooler_output
        # padded beats leave no trace
        torch.testing.assert_close(model(alone["beats"], alone["beat_mask"]).pooler_output, pooled[1:])


def test_it_is_saved_and_loaded_like_any_step(tmp_path):
    own = extractor()
    own.save_pretrained(tmp_path)
    saved = json.loads((tmp_path / "preprocessor_config.json").read_text())
    assert saved["steps"][-1] == {"name": "toy_beats", "seconds": 0.2, "millivolts": 0.5}
    loaded = ECGFeatureExtractor.from_pretrained(tmp_path)
    signals = [record(1, 2), record(3)]
    before, after = prepared(signals, own), prepared(signals, loaded)
    assert all(torch.equal(before[name], after[name]) for name in before) and loaded.outputs == own.outputs
    with pytest.raises(ValueError, match="did you mean 'millivolts'"):
        ECGFeatureExtractor(steps=[{"name": "toy_beats", "milivolts": 1}])


def test_views_act_before_it_or_not_at_all():
    # cut before the views, beats would show another waveform than the views leave: a collator refuses these
    assert not any(output.views for output in extractor().outputs_before_views)
    own = extractor({"name": "views"})
    batch = own.before_views([record(1, 2, 3)], RATE, LEADS, "mV")
    assert all(output.views for output in own.outputs_before_views) and "beats" not in batch
    batch["input_values"][:] = batch["input_values"].roll(-50, -1) * 2
    after = own.after_views(batch)
    assert list(after) == own.model_input_names
    assert after["beat_positions"].tolist() == [[50, 150, 250]]
    torch.testing.assert_close(after["beats"], prepared([record(1, 2, 3)])["beats"] * 2)
    with pytest.raises(ValueError, match="put views before what drops it"):
        ECGFeatureExtractor(num_samples=None, steps=[{"name": "toy_beats"}, {"name": "views"}])


def test_names_are_given_once():
    assert STEPS["toy_beats"] is CutBeats
    with pytest.raises(ValueError, match="taken by Crop"):
        register_step("crop")(CutBeats)
    with pytest.raises(ValueError, match="not a frozen dataclass"):
        register_step("toy_other")(type("Plain", (Step,), {}))
    with pytest.raises(ValueError, match="drops 'input_values', which no step before it makes"):
        ECGFeatureExtractor(num_samples=None, steps=[{"name": "toy_beats"}] * 2)
