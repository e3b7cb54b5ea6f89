"""The published encoders as their descriptions have them, one operation after the other, on the weights of ours.

Channels before samples, queries, keys and values from one product, attention by its formula: the benchmark compares
time with it, and checks that the numbers are the same.
"""

import torch
from torch.nn import functional as F


def resnet(model, ecg: torch.Tensor) -> torch.Tensor:
    """MERL's and ECG-CLIP's ResNets of basic or bottleneck blocks: (batch, leads, samples) to (batch, hidden_size)."""
    x = F.relu(_norm(model.stem.norm, _convolution(model.stem.convolution, ecg)))
    if model.stem.pooling:
        x = F.max_pool1d(x, 3, 2, 1)
    for block in (block for stage in model.stages for block in stage.blocks):
        y, last = x, len(block.convolutions) - 1
        for number, (layer, norm) in enumerate(zip(block.convolutions, block.norms, strict=True)):
            y = _norm(norm, _convolution(layer, y))
            y = F.relu(y) if number < last else y
        shortcut = block.shortcut
        x = F.relu(y + (x if shortcut is None else _norm(block.shortcut_norm, _convolution(shortcut, x))))
    return x.mean(dim=-1)


def vit(model, ecg: torch.Tensor) -> torch.Tensor:
    """MERL's vision transformers: patches of all leads."""
    batch, leads, _ = ecg.shape
    patches = ecg.view(batch, leads, -1, model.config.patch_size).permute(0, 2, 1, 3).flatten(2)
    x = F.linear(patches, model.embeddings.projection.weight) + model.embeddings.positions
    for layer in model.layers:
        x = _pre_norm(layer, x, model.config.num_attention_heads)
    return model.norm(x.mean(dim=1))


def st_mem(model, ecg: torch.Tensor) -> torch.Tensor:
    """ST-MEM: patches of single leads, each lead between two separators."""
    embeddings, positions = model.embeddings, model.embeddings.positions
    tokens = ecg.unflatten(-1, (-1, model.config.patch_size))
    tokens = embeddings.norm(embeddings.projection(embeddings.patch_norm(tokens))) + positions[1:-1]
    ends = [(embeddings.separator + positions[end]).expand(*tokens.shape[:2], 1, -1) for end in (0, -1)]
    x = (torch.cat([ends[0], tokens, ends[1]], dim=2) + embeddings.leads[:, None]).flatten(1, 2)
    for layer in model.layers:
        x = _pre_norm(layer, x, model.config.num_attention_heads)
    return model.norm(x.unflatten(1, (ecg.shape[1], -1))[:, :, 1:-1].flatten(1, 2).mean(dim=1))


def ecg_fm(model, ecg: torch.Tensor) -> torch.Tensor:
    """ECG-FM: convolutions to frames, positions by one long convolution, post-norm blocks."""
    return _frames(model, ecg).mean(dim=1)


def melp(model, ecg: torch.Tensor) -> torch.Tensor:
    """MELP: learned queries look at the frames of ECG-FM's body, some for beats and some for captions."""
    frames = _frames(model.body_model, ecg)
    heads = model.config.num_pooling_heads
    beats = model.beat_norm(_query_pooling(model.beat_pooling, frames, heads))
    model.caption_norm(_query_pooling(model.caption_pooling, frames, heads))
    beats @ model.beat_projection
    return beats.mean(dim=1)


def ecg_convnextv2(model, ecg: torch.Tensor) -> torch.Tensor:
    """TolerantECG's ConvNeXt V2: channels before samples for convolutions, behind them for linear layers."""

    def last(norm, x):
        return norm(x.transpose(1, 2)).transpose(1, 2)

    patches = model.stem.patches
    x = last(model.stem.norm, F.conv1d(ecg, patches.convolution.weight, patches.convolution.bias, patches.size))
    for stage in model.stages:
        if stage.downsample is not None:
            layer = stage.downsample.convolution
            x = F.conv1d(last(stage.norm, x), layer.weight, layer.bias, stage.downsample.size)
        for block in stage.blocks:
            inner = block.norm(_convolution(block.convolution, x).transpose(1, 2))
            inner = F.gelu(block.expand(inner))
            size = inner.norm(dim=1, keepdim=True)
            relative = size / (size.mean(dim=-1, keepdim=True) + block.response_norm.eps)
            inner = block.response_norm.weight * (inner * relative) + block.response_norm.bias + inner
            x = x + block.contract(inner).transpose(1, 2)
    pooled = model.norm(x.mean(dim=-1))
    return pooled if model.projection is None else model.projection(pooled)


def clear(model, beats: torch.Tensor) -> torch.Tensor:
    """CLEAR: beats with both neighbours of their lead, class tokens that see their own lead, post-norm blocks."""
    config, embeddings, places = model.config, model.embeddings, torch.arange(beats.shape[1])
    leads = places // (beats.shape[1] // config.num_leads)
    weight = embeddings.beats.projection.weight.unflatten(1, (config.embedding_kernel_size, -1)).transpose(1, 2)
    per_lead = beats.unflatten(1, (config.num_leads, -1)).flatten(0, 1).transpose(1, 2)
    tokens = F.conv1d(per_lead, weight, padding="same").transpose(1, 2).unflatten(0, (len(beats), -1)).flatten(1, 2)
    tokens = tokens + embeddings.beats.leads[leads + 1] + embeddings.beats.times[0]
    numbers = config.num_leads + leads * config.num_beats + places % (beats.shape[1] // config.num_leads)
    tokens = tokens + embeddings.positions[numbers]
    of_class = embeddings.class_tokens + embeddings.positions[: config.num_leads]
    x = torch.cat([of_class.expand(len(beats), -1, -1), tokens], dim=1)
    own = leads == torch.arange(config.num_leads)[:, None]
    seen = torch.cat([torch.eye(config.num_leads, dtype=torch.bool), own], dim=1)
    blocked = torch.cat([~seen, torch.zeros(len(places), x.shape[1], dtype=torch.bool)])
    for layer in model.layers:
        attended = _attention(layer.attention, x, config.num_attention_heads, blocked)
        x = layer.attention_norm(x + attended)
        x = layer.feed_forward_norm(x + _feed_forward(layer.feed_forward, x))
    return model.norm(x)[:, : config.num_leads].mean(dim=1)


def heartlang(model, beats: torch.Tensor) -> torch.Tensor:
    """HeartLang: beats with both neighbours behind a class token, pre-norm blocks over all of them."""
    model, config = model.transformer, model.config
    weight = model.beats.projection.weight.unflatten(1, (config.embedding_kernel_size, -1)).transpose(1, 2)
    tokens = F.conv1d(beats.transpose(1, 2), weight, padding="same").transpose(1, 2)
    x = torch.cat([model.class_token.expand(len(beats), 1, -1), tokens], dim=1)
    x = x + model.positions[: x.shape[1]]
    for layer in model.layers:
        x = _pre_norm(layer, x, config.num_attention_heads)
    return model.norm(x)[:, 0]


def _frames(model, ecg):
    x = ecg
    for layer in model.convolutions.layers:
        x = F.conv1d(x, layer.convolution.weight, stride=layer.stride)
        if layer.norm is not None:
            x = F.group_norm(x, x.shape[1], layer.norm.weight, layer.norm.bias, layer.norm.eps)
        x = F.gelu(x)
    x, positions = model.projection(model.frame_norm(x.transpose(1, 2))), model.positions
    weight = positions.direction * (positions.magnitude / positions.direction.norm(dim=(0, 1), keepdim=True))
    options = {"padding": positions.kernel_size // 2, "groups": positions.groups}
    mixed = F.conv1d(x.transpose(1, 2), weight, positions.bias, **options)[..., :-1]
    x = model.norm(x + F.gelu(mixed).transpose(1, 2))
    for layer in model.layers:
        x = layer.attention_norm(x + _attention(layer.attention, x, model.config.num_attention_heads))
        x = layer.feed_forward_norm(x + _feed_forward(layer.feed_forward, x))
    return x


def _query_pooling(pooling, frames, heads):
    queries = pooling.query_norm(pooling.queries).expand(len(frames), -1, -1)
    context, attention = pooling.context_norm(frames), pooling.attention
    parts = [attention.query(queries), attention.key(context), attention.value(context)]
    query, key, value = (part.unflatten(-1, (heads, -1)).transpose(1, 2) for part in parts)
    return attention.output(_weighed(query, key, value))


# model_type -> the network, written plainly: of a model and what `INPUTS` makes for it, the pooled output
PLAIN = {
    "clear": clear,
    "ecg_convnextv2": ecg_convnextv2,
    "ecg_fm": ecg_fm,
    "ecg_resnet": resnet,
    "ecg_vit": vit,
    "heartlang": heartlang,
    "melp": melp,
    "st_mem": st_mem,
}


def waveforms(config, batch: int) -> dict[str, torch.Tensor]:
    """Random records of the model's length."""
    return {"input_values": torch.randn(batch, config.num_leads, config.num_samples)}


def heartbeats(config, batch: int) -> dict[str, torch.Tensor]:
    """Random beats in all places."""
    return {"beat_tokens": torch.randn(batch, config.num_tokens, config.beat_samples)}


# model_type -> what a model that reads beats is given, by configuration and batch size; others read waveforms
INPUTS = {"clear": heartbeats, "heartlang": heartbeats}


def _convolution(layer, x):
    return F.conv1d(x, layer.weight, layer.bias, layer.stride, layer.padding, groups=layer.groups)


def _norm(norm, x):
    values = (norm.running_mean, norm.running_var, norm.weight, norm.bias)
    return F.batch_norm(x, *values, eps=norm.eps)


def _pre_norm(layer, x, heads):
    x = x + _attention(layer.attention, layer.attention_norm(x), heads)
    return x + _feed_forward(layer.feed_forward, layer.feed_forward_norm(x))


def _feed_forward(inner, x):
    return inner.contract(inner.activation(inner.expand(x)))


def _attention(attention, x, heads, blocked=None):
    parts = (attention.query, attention.key, attention.value)
    bias = None if attention.query.bias is None else torch.cat([part.bias for part in parts])
    joint = F.linear(x, torch.cat([part.weight for part in parts]), bias)
    query, key, value = joint.unflatten(-1, (3, heads, -1)).permute(2, 0, 3, 1, 4)
    return attention.output(_weighed(query, key, value, blocked))


def _weighed(query, key, value, blocked=None):
    scores = query @ key.transpose(-1, -2) * query.shape[-1] ** -0.5
    weights = F.softmax(scores if blocked is None else scores.masked_fill(blocked, -torch.inf), dim=-1)
    return (weights @ value).transpose(1, 2).flatten(2)
