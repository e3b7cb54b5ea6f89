from hf_ecg import ECGTextConfig, ECGTextModel
from tests.models.tiny.ecg_resnet import resnet_config
from tests.models.tiny.inputs import bert_config, pairs


def text_config(**options):
    options = {"ecg_config": resnet_config(), "text_config": bert_config(), "projection_dim": 16} | options
    return ECGTextConfig(**options)


CASES = {
    "ecg text": (ECGTextModel, text_config, pairs, "ecg_embeds"),
    "ecg text, standardised": (
        ECGTextModel,
        lambda: text_config(standardise_text=True, text_whitening=0.7, projection_hidden_size=20, text_pooling="mean"),
        pairs,
        "text_embeds",
    ),
}
