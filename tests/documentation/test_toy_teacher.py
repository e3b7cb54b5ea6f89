# ruff: noqa: F811
"""The steps of docs/how_to/add_a_model.md, followed for BYOL in small: an encoder taught by its own moving average.

Bootstrap Your Own Latent (arXiv 2006.07733): a student predicts what a momentum teacher says of another view. The
teacher is moved in `after_step`, which the engine calls after every update.
"""

from dataclasses import dataclass

import pytest
import torch
from huggingface_hub.dataclasses import strict
from torch import nn
from torch.nn import functional as F
from transformers import AutoConfig, AutoModel, AutoModelForPreTraining
from transformers.configuration_utils import PreTrainedConfig, SubConfigSpec
from transformers.utils import ModelOutput

from hf_ecg.auto import register_family
from hf_ecg.models.shared.configuration_tower import ECGTowerConfig
from hf_ecg.models.shared.family import Family
from hf_ecg.models.shared.modeling_ecg import ECGTowerModel
from hf_ecg.training import pretrain
from hf_ecg.training.build import build_parts
from hf_ecg.training.log_file import read_log
from tests.training_fixtures import (  # noqa: F401
    corpus,
    empty_datasets_cache,
    fresh_accelerate_state,
    recipe_of,
    text_recipe,
    text_tower,
)


@strict
class ToyTeacherConfig(ECGTowerConfig):
    model_type = "toy_teacher"
    sub_configs_defaults = {"ecg_config": SubConfigSpec(config_class=AutoConfig, model_type="ecg_resnext")}

    ecg_config: dict | PreTrainedConfig | None = None
    momentum: float = 0.9


@dataclass
class ToyTeacherOutput(ModelOutput):
    loss: torch.FloatTensor | None = None


class ToyTeacherForPreTraining(ECGTowerModel):
    config: ToyTeacherConfig
    base_model_prefix = "toy_teacher"

    def __init__(self, config: ToyTeacherConfig):
        super().__init__(config)
        self.ecg_model = AutoModel.from_config(config.ecg_config)
        self.predictor = nn.Linear(config.ecg_config.hidden_size, config.ecg_config.hidden_size)
        self.teacher = AutoModel.from_config(config.ecg_config).requires_grad_(False)
        self.post_init()

    def forward(
        self,
        input_values,
        lead_mask=None,
        sample_mask=None,
        second_input_values=None,
        second_lead_mask=None,
        second_sample_mask=None,
        return_loss=None,
        **kwargs,
    ):
        first = (input_values, lead_mask, sample_mask)
        second = (second_input_values, second_lead_mask, second_sample_mask)
        loss = torch.zeros((), device=input_values.device)
        for own, other in ((first, second), (second, first)):
            predicted = self.predictor(self.ecg_model(*own).pooler_output)
            with torch.no_grad():
                target = self.teacher(*other).pooler_output
            loss = loss + 1 - F.cosine_similarity(predicted, target, dim=-1).mean()
        return ToyTeacherOutput(loss=loss)

    @torch.no_grad()
    def after_step(self, step: int) -> None:
        for own, taught in zip(self.teacher.parameters(), self.ecg_model.parameters(), strict=True):
            own.lerp_(taught, 1 - self.config.momentum)


register_family(Family(ToyTeacherConfig, ToyTeacherForPreTraining, pretraining=ToyTeacherForPreTraining))


@pytest.fixture
def teacher_recipe(text_recipe) -> dict:
    encoder = {"num_leads": 12, "num_samples": 100, "sampling_rate": 100, "widths": [8, 16], "depths": [1, 1]}
    encoder |= {"model_type": "ecg_resnext", "group_width": 4, "kernel_size": 6}
    text_recipe["model"] = {
        "class": "AutoModelForPreTraining",
        "config": {"model_type": "toy_teacher", "ecg_config": encoder},
    }
    del text_recipe["processor"]["tokenizer"]
    text_recipe["method"] = {"name": "view_pairs", "options": {"views": [{"name": "gaussian_noise", "rms": 0.2}]}}
    text_recipe["run"] |= {"epochs": 3, "num_workers": 0}
    return text_recipe


def test_the_teacher_follows_the_student_and_is_not_trained(teacher_recipe, recipe_of, tmp_path):
    begun = build_parts(recipe_of(teacher_recipe)).model
    assert all(not parameter.requires_grad for parameter in begun.teacher.parameters())
    pretrain(recipe_of(teacher_recipe), tmp_path / "out")
    losses = [line["loss"] for line in read_log(tmp_path / "out") if line["kind"] == "train"]
    assert sum(losses[-5:]) < sum(losses[:5])
    model = AutoModelForPreTraining.from_pretrained(tmp_path / "out")
    own, taught = (torch.cat([p.flatten() for p in part.parameters()]) for part in (model.teacher, model.ecg_model))
    assert 0 < (own - taught).norm() < 0.5 * taught.norm()
    encoder = AutoModel.from_pretrained(tmp_path / "out" / "encoder").state_dict()
    assert all(torch.equal(value, encoder[name]) for name, value in model.ecg_model.state_dict().items())


def test_a_resumed_teacher_stands_where_it_stood(teacher_recipe, recipe_of, tmp_path, monkeypatch):
    pretrain(recipe_of(teacher_recipe), tmp_path / "whole")
    real = ToyTeacherForPreTraining.after_step

    def die(self, step):
        real(self, step)
        if step == 16:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(ToyTeacherForPreTraining, "after_step", die)
        pretrain(recipe_of(teacher_recipe), tmp_path / "cut")
    pretrain(recipe_of(teacher_recipe), tmp_path / "cut", resume=True)
    whole, cut = ((tmp_path / name / "model.safetensors").read_bytes() for name in ("whole", "cut"))
    assert whole == cut
