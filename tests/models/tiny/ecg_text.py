import math

from hf_ecg import ECGTextConfig, ECGTextModel
from tests.models.published_merl import merl_state
from tests.models.tiny.ecg_resnet import resnet_config
from tests.models.tiny.ecg_vit import vit_config
from tests.models.tiny.inputs import bert_config, pairs


def text_config(**options):
    options = {
        "ecg_config": resnet_config(depths=[1, 1], widths=[4, 8]),
        "text_config": bert_config(),
        "projection_dim": 16,
    } | options
    return ECGTextConfig(**options)


def merl_config(**options):
    """What the losses and projections of MERL are made of; places of pooling are stretched."""
    options = {"projection_hidden_size": 20, "text_pooling": "pooler", "loss_type": "softmax"} | options
    fixed = {"train_logit_scale": False, "view_loss_weight": 1.0, "view_dropout": 0.0}
    return text_config(logit_scale_init_value=math.log(1 / 0.07), **fixed | options)


CASES = {
    "ecg text": (ECGTextModel, text_config, pairs, "ecg_embeds"),
    "ecg text, standardised": (
        ECGTextModel,
        lambda: text_config(standardise_text=True, text_whitening=0.7, projection_hidden_size=20, text_pooling="mean"),
        pairs,
        "text_embeds",
    ),
    "ecg text, batch norm": (
        ECGTextModel,
        lambda: merl_config(ecg_config=vit_config(), ecg_projection_type="batch_norm"),
        pairs,
        "first_view_embeds",
    ),
    "ecg text, attention": (
        ECGTextModel,
        lambda: merl_config(ecg_projection_type="attention", interpolate_positions=True),
        pairs,
        "ecg_embeds",
    ),
}

PUBLISHED = {"merl_best_ckpt.pth": merl_state}


def narrow(monkeypatch):
    """The converter reads all sizes from the file."""
