"""TolerantECG's encoder, of which no weights are published."""

from ..shared.family import Source
from .convert_ecg_convnextv2 import UNUSED, convert_tolerantecg, tolerantecg_config, tolerantecg_feature_extractor
from .modeling_ecg_convnextv2 import ECGConvNeXtV2Model

SOURCES = (
    Source(
        name="tolerantecg",
        title="TolerantECG",
        summary="TolerantECG's encoder",
        convert=convert_tolerantecg,
        model=ECGConvNeXtV2Model,
        config=tolerantecg_config,
        feature_extractor=tolerantecg_feature_extractor,
        repository="https://github.com/Fsoft-AIC/TolerantECG",
        commit="f38ad823da11da4336d8a057cc5ff2c6f1693da8",
        paper="TolerantECG, ACM Multimedia 2025 (arXiv 2507.09887)",
        licence="other",
        weights="none are published: the source is for the file that the original's training writes,"
        " `TolerantECG_encoder.pth`, or for a whole checkpoint of it",
        file="TolerantECG_encoder.pth",
        network="ConvNeXt V2 tiny in one dimension. A convolution makes a vector of 4 samples of all leads. Four"
        " stages of 3, 3, 9 and 3 blocks follow, of 96, 192, 384 and 768 channels, each at half the rate of"
        " the one before. A block is a convolution of 7 positions for each channel alone, LayerNorm, a linear"
        " layer four times as wide, GELU, global response normalisation, and a linear layer back."
        " `pooler_output` is the LayerNorm of the mean over time. 26,814,144 parameters.",
        preparation="10 s of twelve leads at 500 Hz in millivolts, neither filtered nor scaled. Absent leads are zero,"
        " which is what the training's dropped leads are. Other rates are resampled, which the original does not do.",
        unused=UNUSED,
        caveats=(
            "The repository names no licence: ask its authors before you hand on what you convert. This package holds"
            " none of its code and no weights.",
            "The code at cabce7b has one more linear layer after the last norm, `head.weight`. A file that holds it"
            " gives a model with `pooled_projection=True`.",
            "The original trains on MIMIC-IV-ECG with leads 4 and 5 exchanged into the standard order. It has no input"
            " that says which leads are there: `lead_mask` makes absent leads zero, whatever they hold.",
            "The paper's highest figures on MIT-BIH are of a split by segments: a patient is in train and test.",
            "The original judges PTB-XL's records without a label too, as having none of the classes. Its ratio of"
            " signal to noise counts a raw record's offset and wander as signal (`--snr_rule compat_tolerantecg`).",
            "The global response normalisation takes sums over the whole record, so that a longer one has larger sums."
            " They are divided by their mean over channels, which takes the length out.",
        ),
    ),
)
