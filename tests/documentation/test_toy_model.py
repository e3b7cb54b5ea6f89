"""The steps of docs/how_to/add_a_model.md, followed for a toy: two convolutions."""

import inspect
import itertools

import pytest
import torch
from huggingface_hub.dataclasses import strict
from transformers import AutoFeatureExtractor, AutoModel
from transformers.modeling_layers import GradientCheckpointingLayer
from transformers.modeling_outputs import BaseModelOutputWithPooling
from transformers.utils.output_capturing import capture_outputs

from hf_ecg import ECGFeatureExtractor, Family, register_family
from hf_ecg.models.shared.configuration_ecg import ECGConfig
from hf_ecg.models.shared.convolution import ECGConv1d
from hf_ecg.models.shared.modeling_ecg import ECGPreTrainedModel, check_inputs
from hf_ecg.models.shared.padding import halve, mean_over_time, without_padding, zero_padding
from tests.embed.made_records import write_record
from tests.models import test_contract, test_contract_padding, test_contract_training
from tests.models.tiny import CASES
from tests.models.tiny.inputs import NUM_SAMPLES, waveforms


@strict
class ECGToyConfig(ECGConfig):
    model_type = "ecg_toy"
    num_leads: int = 12
    num_samples: int = NUM_SAMPLES
    sampling_rate: float | int = 100
    hidden_size: int = 8


class ECGToyLayer(GradientCheckpointingLayer):
    def __init__(self, config):
        super().__init__()
        self.convolution = ECGConv1d(config.hidden_size, config.hidden_size, 3, padding=1)

    def forward(self, hidden_states, mask=None):
        return zero_padding(self.convolution(hidden_states.transpose(1, 2)).relu().transpose(1, 2), mask)


class ECGToyModel(ECGPreTrainedModel):
    config: ECGToyConfig
    input_layer = "stem"
    _can_record_outputs = {"hidden_states": ECGToyLayer}

    def __init__(self, config):
        super().__init__(config)
        self.stem = ECGConv1d(config.num_leads, config.hidden_size, 5, stride=2, padding=2)
        self.layer = ECGToyLayer(config)
        self.gradient_checkpointing = False
        self.post_init()

    @capture_outputs
    def forward(self, input_values, lead_mask=None, sample_mask=None, **kwargs):
        input_values = check_inputs(self.config, input_values, lead_mask, sample_mask)
        input_values, mask = without_padding(input_values, sample_mask)
        mask = halve(mask)  # as the stem's stride halves the rate
        hidden_states = zero_padding(self.stem(input_values.to(self.dtype)).transpose(1, 2), mask)
        hidden_states = self.layer(hidden_states, mask)
        return BaseModelOutputWithPooling(
            last_hidden_state=hidden_states, pooler_output=mean_over_time(hidden_states, mask)
        )


FAMILY = Family(config=ECGToyConfig, model=ECGToyModel)
CHECKS = {
    name: check
    for module in (test_contract, test_contract_padding, test_contract_training)
    for name, check in vars(module).items()
    if name.startswith("test_")
}


@pytest.mark.parametrize("check", CHECKS)
def test_it_keeps_the_contract(check, tmp_path, monkeypatch):
    register_family(FAMILY)
    monkeypatch.setitem(CASES, "toy", (ECGToyModel, ECGToyConfig, waveforms, "pooler_output"))
    given = {"name": "toy", "tmp_path": tmp_path}
    wanted = inspect.signature(CHECKS[check]).parameters
    marks = [mark.args for mark in getattr(CHECKS[check], "pytestmark", []) if mark.name == "parametrize"]
    marks = [(name, values) for name, values in marks if name != "name"]
    for values in itertools.product(*(values for _, values in marks)):
        more = given | dict(zip([name for name, _ in marks], values, strict=True))
        CHECKS[check](**{name: value for name, value in more.items() if name in wanted})


def test_a_file_becomes_an_embedding(tmp_path):
    register_family(FAMILY)
    ECGToyModel(ECGToyConfig()).save_pretrained(tmp_path / "toy")
    ECGFeatureExtractor(sampling_rate=100, num_samples=NUM_SAMPLES).save_pretrained(tmp_path / "toy")
    record = write_record(tmp_path, "record", seconds=2, rate=250)
    model, extractor = (auto.from_pretrained(tmp_path / "toy") for auto in (AutoModel, AutoFeatureExtractor))
    with torch.no_grad():
        embedding = model(**extractor(str(record), return_tensors="pt")).pooler_output
    assert isinstance(model, ECGToyModel) and embedding.shape == (1, 8) and embedding.isfinite().all()
