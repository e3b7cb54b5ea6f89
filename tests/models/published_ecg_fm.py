"""What the authors of ECG-FM publish, with two narrow blocks and random weights."""

import torch

# what fairseq-signals keeps beside the weights, of this size
CFG = {
    "model": {
        "_name": "wav2vec2_cmsc",
        "in_d": 12,
        "encoder_layers": 2,
        "encoder_embed_dim": 16,
        "encoder_ffn_embed_dim": 24,
        "encoder_attention_heads": 2,
        "layer_norm_first": False,
        "conv_feature_layers": "[(8, 2, 2)] * 2",
        "conv_pos": 4,
        "conv_pos_groups": 4,
        "latent_vars": 6,
        "latent_groups": 2,
        "final_dim": 10,
    },
    "task": {"_name": "ecg_pretraining", "enable_padding": True},
}


def original_state(finetuned=False, classes=17, old_weight_norm=False, generator=None):
    """The tensors of the pretrained file, or of the fine-tuned one, which has a prefix and a head."""
    state = {}

    def tensor(*shape):
        return torch.randn(*shape, generator=generator) / 4

    def layer(name, *shape):
        state[f"{name}.weight"], state[f"{name}.bias"] = tensor(*shape), tensor(shape[0])

    for number in range(2):
        block = f"encoder.layers.{number}"
        for part in ("k_proj", "v_proj", "q_proj", "out_proj"):
            layer(f"{block}.self_attn.{part}", 16, 16)
        layer(f"{block}.self_attn_layer_norm", 16)
        layer(f"{block}.fc1", 24, 16)
        layer(f"{block}.fc2", 16, 24)
        layer(f"{block}.final_layer_norm", 16)
    layer("encoder.layer_norm", 16)
    state["feature_extractor.conv_layers.0.0.weight"] = tensor(8, 12, 2)
    layer("feature_extractor.conv_layers.0.2", 8)
    state["feature_extractor.conv_layers.1.0.weight"] = tensor(8, 8, 2)
    layer("layer_norm", 8)
    layer("post_extract_proj", 16, 8)
    names = ("weight_g", "weight_v") if old_weight_norm else [f"parametrizations.weight.original{i}" for i in (0, 1)]
    positions = {names[0]: tensor(1, 1, 4).abs(), names[1]: tensor(16, 4, 4), "bias": tensor(16)}
    state |= {f"conv_pos.pos_conv.0.{name}": value for name, value in positions.items()}
    if finetuned:
        state = {f"encoder.{key}": value for key, value in state.items()}
        layer("proj", classes, 16)
        return state
    state["mask_emb"], state["quantizer.vars"] = tensor(16), tensor(1, 12, 5)
    layer("quantizer.weight_proj", 12, 8)
    layer("project_q", 10, 10)
    layer("final_proj", 10, 16)
    return state


def original_file(**options):
    """As fairseq-signals writes it: configuration, weights and what its optimizer keeps."""
    optimizer = {"state": {0: {"step": 3, "exp_avg": torch.zeros(2)}}, "param_groups": [{"lr": 5e-5}]}
    history = [{"criterion_name": "Wav2Vec2WithCMSCCriterion", "num_updates": 3}]
    content = {"args": None, "cfg": CFG, "model": original_state(**options), "optimizer_history": history}
    return content | {"last_optimizer_state": optimizer, "extra_state": {"epoch": 1}}
