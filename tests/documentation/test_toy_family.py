"""A family of another package: it is registered by one call, and everything that loops over families knows it."""

import os
import runpy
import sys

from tests.processes import forked

PACKAGE = '''
"""A package that hf_ecg has never heard of: an encoder with published weights, and a masked objective around it."""
import torch
from torch import nn
from huggingface_hub.dataclasses import strict
from transformers.modeling_outputs import BaseModelOutputWithPooling
from transformers.utils import can_return_tuple

import hf_ecg
from hf_ecg.losses import masked_reconstruction_loss
from hf_ecg.models.shared.configuration_ecg import ECGConfig
from hf_ecg.models.shared.conversion import load_renamed, read_checkpoint
from hf_ecg.models.shared.family import Source
from hf_ecg.models.shared.modeling_ecg import ECGPreTrainedModel
from hf_ecg.models.shared.padding import mean_over_time
from hf_ecg.models.shared.modeling_pretraining import ECGPreTrainingOutput
from hf_ecg.models.shared.patches import to_patches


@strict
class TheirConfig(ECGConfig):
    model_type = "their_family"
    num_leads: int = 2
    num_samples: int = 40
    sampling_rate: float | int = 100
    hidden_size: int = 4


class TheirModel(ECGPreTrainedModel):
    config: TheirConfig

    def __init__(self, config):
        super().__init__(config)
        self.mix = nn.Linear(config.num_leads, config.hidden_size)
        self.post_init()

    @can_return_tuple
    def forward(self, input_values, lead_mask=None, sample_mask=None, **kwargs):
        states = self.mix(input_values.transpose(1, 2)).tanh()
        return BaseModelOutputWithPooling(last_hidden_state=states, pooler_output=mean_over_time(states, sample_mask))


class TheirForPreTraining(ECGPreTrainedModel):
    config: TheirConfig
    role = "pretraining"

    def __init__(self, config):
        super().__init__(config)
        self.encoder = TheirModel(config)
        self.head = nn.Linear(config.hidden_size, config.num_leads)
        self.steps_seen = 0
        self.post_init()

    @can_return_tuple
    def forward(self, input_values, lead_mask=None, sample_mask=None, **kwargs):
        kept = torch.arange(input_values.shape[-1]) % 10 < 5
        outputs = self.encoder(input_values * kept)
        found = to_patches(self.head(outputs.last_hidden_state).transpose(1, 2), 5)
        judged = torch.zeros(found.shape[:-1], dtype=torch.bool)
        judged[..., 1::2] = True
        loss = masked_reconstruction_loss(found, to_patches(input_values, 5), judged, normalise=False)
        return ECGPreTrainingOutput(loss=loss, ecg_model_output=outputs)

    def after_step(self, step):
        self.steps_seen = step


def extractor():
    return hf_ecg.ECGFeatureExtractor(
        sampling_rate=100, leads=["I", "II"], num_samples=40, steps=[{"name": "select_leads"}]
    )


def convert(source, checkpoint):
    model = TheirModel(TheirConfig())
    load_renamed(model, read_checkpoint(checkpoint), lambda key: f"mix.{key}", {}, source)
    return model.eval(), extractor()


SOURCE = Source(
    name="their-weights", title="Theirs", summary="their encoder", convert=convert, model=TheirModel,
    config=TheirConfig, feature_extractor=extractor, repository="https://example.org/theirs", commit="0" * 40,
    paper="Them, 2026", licence="cc0-1.0", weights="with the paper", file="theirs.pth", network="One layer.",
    preparation="None.", caveats=("It was never trained.",),
)
FAMILY = hf_ecg.Family(config=TheirConfig, model=TheirModel, pretraining=TheirForPreTraining, sources=(SOURCE,))
hf_ecg.register_family(FAMILY)
'''

USER = """
import torch
from transformers import AutoFeatureExtractor, AutoModel, AutoModelForPreTraining

import their_package
from hf_ecg.source_pages import source_pages, source_table
from hf_ecg.convert import write_converted
from hf_ecg.models.shared.roles import ecg_encoder, model_role

torch.save({"weight": torch.randn(4, 2), "bias": torch.zeros(4)}, "theirs.pth")
folder = write_converted("their-weights", "theirs.pth", "converted")
model, extractor = AutoModel.from_pretrained(folder), AutoFeatureExtractor.from_pretrained(folder)
inputs = extractor(torch.randn(2, 40).numpy(), 100, ["I", "II"], "mV", return_tensors="pt")
assert type(model) is their_package.TheirModel and model(**inputs).pooler_output.shape == (1, 4)
card = (folder / "README.md").read_text()
assert "It was never trained." in card and "license: cc0-1.0" in card and "https://example.org/theirs" in card
assert "their encoder" in source_table() and "One layer." in source_pages()["theirs.md"]

whole = AutoModelForPreTraining.from_config(their_package.TheirConfig())
assert type(whole) is their_package.TheirForPreTraining and model_role(whole) == "pretraining"
whole(**inputs).loss.backward()
assert all(parameter.grad is not None for parameter in whole.parameters())
whole.after_step(3)
assert whole.steps_seen == 3
ecg_encoder(whole).save_pretrained("encoder")
assert type(AutoModel.from_pretrained("encoder")) is their_package.TheirModel
whole.save_pretrained("whole")
assert torch.equal(AutoModel.from_pretrained("whole").mix.weight, whole.encoder.mix.weight)
"""


def use(folder):
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    runpy.run_path("user.py", run_name="__main__")


def test_everything_that_loops_over_families_knows_it(tmp_path, capfd):
    (tmp_path / "their_package.py").write_text(PACKAGE)
    (tmp_path / "user.py").write_text(USER)
    # in a process of its own: what is registered stays registered
    assert forked(use, tmp_path) == 0, capfd.readouterr().err
