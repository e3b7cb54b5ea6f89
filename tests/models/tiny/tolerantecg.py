import torch

from hf_ecg import TolerantECGConfig, TolerantECGForPreTraining
from tests.models.tiny.ecg_convnextv2 import ecg_convnextv2_config
from tests.models.tiny.inputs import NUM_SAMPLES, bert_config, pairs


def tolerantecg_config(**options):
    sizes = {"projection_dim": 16, "distillation_hidden_size": 6, "distillation_size": 10}
    towers = {"ecg_config": ecg_convnextv2_config(), "text_config": bert_config()}
    return TolerantECGConfig(**towers | sizes | options)


def with_views(rows, generator, views=3):
    leads = torch.rand(rows, 2, views, 12, generator=generator) < 0.7
    leads[..., 0] = True
    values = torch.randn(rows, 2, views, 12, NUM_SAMPLES, generator=generator)
    return pairs(rows, generator) | {"view_input_values": values, "view_lead_mask": leads}


CASES = {
    "tolerantecg": (TolerantECGForPreTraining, tolerantecg_config, with_views, "ecg_embeds"),
    "tolerantecg, trained temperatures": (
        TolerantECGForPreTraining,
        lambda: tolerantecg_config(compat_trained_temperatures=True),
        with_views,
        "ecg_embeds",
    ),
    "tolerantecg, texts alone": (
        TolerantECGForPreTraining,
        lambda: tolerantecg_config(teachers=[]),
        pairs,
        "ecg_embeds",
    ),
}
