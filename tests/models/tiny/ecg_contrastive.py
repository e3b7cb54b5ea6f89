from hf_ecg import ECGContrastiveConfig, ECGForContrastivePreTraining
from tests.models.tiny.ecg_resnext import resnext_config
from tests.models.tiny.inputs import views


def contrastive_config(**options):
    return ECGContrastiveConfig(**{"ecg_config": resnext_config()} | options)


CASES = {
    "contrastive": (ECGForContrastivePreTraining, contrastive_config, views, "embeds"),
    "contrastive, projected": (
        ECGForContrastivePreTraining,
        lambda: contrastive_config(loss_type="info_nce", projection_dim=16, projection_hidden_size=20),
        views,
        "second_embeds",
    ),
    "contrastive, normed projection": (
        ECGForContrastivePreTraining,
        lambda: contrastive_config(
            loss_type="vicreg", projection_dim=16, projection_hidden_size=20, projection_norm="batch_norm"
        ),
        views,
        "second_embeds",
    ),
    "contrastive, taught": (
        ECGForContrastivePreTraining,
        lambda: contrastive_config(
            loss_type="byol",
            projection_dim=16,
            projection_hidden_size=20,
            projection_norm="batch_norm",
            predictor_hidden_size=12,
        ),
        views,
        "predicted",
    ),
    "contrastive, deep projection": (
        ECGForContrastivePreTraining,
        lambda: contrastive_config(
            ecg_config=resnext_config(widths=[8, 16], depths=[1, 1]),
            loss_type="simsiam",
            projection_dim=16,
            projection_hidden_size=20,
            projection_norm="batch_norm",
            projection_layers=3,
            projection_output_norm="batch_norm",
            predictor_hidden_size=4,
        ),
        views,
        "second_embeds",
    ),
}
