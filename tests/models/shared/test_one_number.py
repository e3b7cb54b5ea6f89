"""`logit_scale` and `logit_bias` of shape () and (1,), each loaded from a file of the other."""

import pytest
import torch
from torch import nn
from transformers import AutoModel

from hf_ecg import ECGTextModel
from tests.models.tiny.ecg_text import text_config


class OneElement(ECGTextModel):
    """As FSDP2 wants them."""

    def __init__(self, config):
        super().__init__(config)
        for name in ("logit_scale", "logit_bias"):
            setattr(self, name, nn.Parameter(getattr(self, name).detach().reshape(1)))


@pytest.mark.parametrize(("written", "read"), [(OneElement, ECGTextModel), (ECGTextModel, OneElement)])
def test_either_shape_is_loaded_from_the_other(written, read, tmp_path):
    model = written(text_config())
    nn.init.constant_(model.logit_scale, 1.25), nn.init.constant_(model.logit_bias, -3)
    model.save_pretrained(tmp_path)
    loaded, info = read.from_pretrained(tmp_path, output_loading_info=True)
    assert not info["missing_keys"] and not info["mismatched_keys"]
    taken = read(text_config())
    assert not any(taken.load_state_dict(model.state_dict()))
    for other in (loaded, taken):
        assert other.logit_scale.shape == read(text_config()).logit_scale.shape
        assert other.logit_scale.item() == 1.25 and other.logit_bias.item() == -3 and other.logit_bias.requires_grad


def test_what_is_saved_keeps_its_shape_and_other_shapes_are_still_refused(tmp_path):
    model = OneElement(text_config())
    model.save_pretrained(tmp_path)
    assert AutoModel.from_pretrained(tmp_path).logit_scale.shape == ()
    with pytest.raises(RuntimeError, match="size mismatch for logit_scale"):
        model.load_state_dict(model.state_dict() | {"logit_scale": torch.zeros(2)})
