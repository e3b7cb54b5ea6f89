"""CLOCS' encoder, of which no weights are published."""

from ..shared.family import Source
from .configuration_clocs import CLOCSConfig
from .convert_clocs import clocs_feature_extractor, convert_clocs
from .modeling_clocs import CLOCSModel

SOURCES = (
    Source(
        name="clocs",
        title="CLOCS",
        summary="CLOCS' encoder",
        convert=convert_clocs,
        model=CLOCSModel,
        config=CLOCSConfig,
        feature_extractor=clocs_feature_extractor,
        repository="https://github.com/danikiyasseh/CLOCS",
        commit="e58fb4f0369b086735169d781a9513730fa157d0",
        paper="Kiyasseh et al., CLOCS: Contrastive Learning of Cardiac Signals Across Space, Time, and Patients, ICML"
        " 2021 (arXiv 2005.13249)",
        licence="cc-by-nc-sa-4.0",
        weights="none are published: the source is for a state dict that you trained with the original code",
        file="your_clocs.pth",
        network="Three convolutions of 7 samples with stride 3 and 4, 16 and 32 channels, each with BatchNorm, ReLU, a"
        " max-pool of 2 and dropout. 2,500 samples of one lead give 10 positions; a linear layer over all of them"
        " gives the embedding, of 128 dimensions or as many as the file has. 45,304 parameters.",
        preparation="The first 5 s of one lead, from its smallest value, 0, to its largest, 1. The original does this"
        " for each view in all of its corpora but PhysioNet 2016 and 2017 and Cardiology, which it leaves as they are."
        " Longer records: cut them, and average the embeddings.",
        caveats=(
            "The original's code is for non-commercial use (CC BY-NC-SA 4.0; its LICENSE file says the exact terms)."
            " This package holds none of it, and no weights: the conversion runs on your machine, and what it writes"
            " stays under the terms of your file.",
            "Its training with more than two views (CMLC, CMSMLC) keeps the loss of the last pair of views alone, an"
            " assignment in place of a sum. Here the pairs are added; `compat_last_pair=True` of"
            " `ECGContrastiveConfig` is the released arithmetic.",
            "The embedding has weights for every position. Records of more than 2,500 samples are refused, shorter"
            " ones are filled up by zeros at their end; the original takes 2,500 samples alone.",
            "The range from 0 to 1 takes the voltage away.",
        ),
    ),
)
