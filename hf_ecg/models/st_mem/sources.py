"""ST-MEM's published weights."""

from functools import partial
from typing import Any

from ..shared.family import Source
from .convert_st_mem import (
    AUTOENCODERS,
    ENCODERS,
    UNUSED,
    convert_st_mem_autoencoder,
    convert_st_mem_encoder,
    st_mem_config,
    st_mem_feature_extractor,
)
from .modeling_st_mem import STMEMForPreTraining, STMEMModel

_OWN: dict[str, dict[str, Any]] = {
    "st-mem-vit-base": {"file": "st_mem_encoder.pth", "summary": "ST-MEM's encoder", "unused": UNUSED},
    "st-mem-vit-small": {"file": "your_st_mem_small.pth", "summary": "ST-MEM's encoder", "unused": UNUSED},
    "st-mem-mae": {"file": "st_mem_full.pth", "summary": "ST-MEM's masked autoencoder"},
}

SOURCES = tuple(
    Source(
        name=name,
        title="ST-MEM",
        convert=convert_st_mem_encoder if name in ENCODERS else convert_st_mem_autoencoder,
        model=STMEMModel if name in ENCODERS else STMEMForPreTraining,
        config=partial(st_mem_config, name),
        feature_extractor=st_mem_feature_extractor,
        repository="https://github.com/bakqui/ST-MEM",
        commit="69ec70246c01fe32b14dea810af812556c06eab0",
        paper="Na et al., Guiding Masked Representation Learning to Capture Spatio-Temporal Relationship of"
        " Electrocardiogram, ICLR 2024 (arXiv 2402.09450)",
        licence="cc-by-nc-4.0",
        weights="the two Google Drive links of the repository's README, *encoder* and *full*, of the base size; the"
        " names of files here are free. The small size is for weights that you trained with the original code",
        network="A transformer over patches of single leads. Each lead is cut into patches of 75 samples (0.3 s),"
        " which LayerNorm, a linear layer and LayerNorm make tokens. A lead stands between two separators, and a"
        " vector of its own is added to its tokens. All tokens of all leads (384 of twelve leads and 9 s) see each"
        " other in 12 pre-norm blocks. `pooler_output` is the norm of the mean over the tokens of patches. The"
        " autoencoder keeps 7 of 30 patches of each lead, drawn lead by lead, and its decoder of 4 blocks sees one"
        " lead at a time.",
        preparation="Three crops of 9 s a record, each filtered and standardised by itself; the original averages the"
        " probabilities of its classifiers over them, here the embeddings or logits are averaged. It trains on one"
        " random crop: the recipes do that by the view `random_crop` before the filters. A record with missing"
        " samples is refused, as the original drops it. Shorter records are padded, and the model does not look at"
        " the padding; the original takes none.",
        caveats=(
            "The weights are for non-commercial use (CC BY-NC 4.0; the README adds: (c) VUNO Inc., all rights"
            " reserved). This package holds none of them: the conversion runs on your machine, from your download, and"
            " what it writes stays under that licence.",
            "Twelve leads, in the order of the extractor. With fewer the original stops or, with one, computes wrongly"
            " without a word; here absent leads are masked: never seen in the pretraining, so nothing is known about"
            " the quality of such embeddings.",
            "The z-score over all leads takes the voltage away, the leads keep their proportions.",
            "Of the pretraining only a configuration for trying out is published, not the schedule of the paper.",
            "A `mask_ratio` of 0.75 removes 23 of 30 patches, 76.7 %.",
            "A file of the original's fine-tuning, which has `head.*`, becomes `STMEMForECGClassification`.",
        ),
        **_OWN[name],
    )
    for name in (*ENCODERS, *AUTOENCODERS)
)
