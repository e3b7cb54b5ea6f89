from hf_ecg import MELPTextConfig, MELPTextModel
from tests.models.published_melp import original_state
from tests.models.tiny.inputs import bert_config, pairs
from tests.models.tiny.melp import melp_config


def melp_text_config(**options):
    """A full stop is token 4."""
    options = {
        "ecg_config": melp_config(),
        "text_config": bert_config(),
        "projection_dim": 16,
        "projection_hidden_size": 20,
        "decoder_num_hidden_layers": 1,
        "decoder_num_attention_heads": 2,
        "decoder_intermediate_size": 16,
        "decoder_positions": 16,
        "sentence_end_token_id": 4,
    } | options
    return MELPTextConfig(**options)


def reports(rows, generator):
    """Of three sentences each."""
    inputs = pairs(rows, generator)
    inputs["input_ids"][:, [3, 6]] = 4
    return inputs


CASES = {"melp text": (MELPTextModel, melp_text_config, reports, "ecg_embeds")}

PUBLISHED = {"your_melp.ckpt": lambda: {"state_dict": original_state(whole=True)}}


def narrow(monkeypatch):
    """Nothing: the converter reads all sizes from the file."""
