"""The codec of the package openecg."""

from ..shared.family import Source
from .convert_openecg_codec import UNUSED, codec_config, codec_feature_extractor, convert_openecg_codec
from .modeling_openecg_codec import OpenECGCodecForECGDelineation

SOURCES = (
    Source(
        name="openecg-codec-v6",
        title="openecg codec",
        summary="openecg's codec: wave, beat and rhythm of every sample",
        convert=convert_openecg_codec,
        model=OpenECGCodecForECGDelineation,
        config=codec_config,
        feature_extractor=codec_feature_extractor,
        repository="https://pypi.org/project/openecg/0.11.0",
        commit="version 0.11.0",
        paper="none; the model card in the package, `openecg/models/codec_v6_MODEL_CARD.md`",
        licence="apache-2.0",
        weights="in the package openecg 0.11.0, `openecg/models/codec_v6.pt`",
        file="codec_v6.pt",
        sha256="4caf710737c4b9024b5b2b79b897af04c13f82f4f8e5f29b7dc4c8309e487a58",
        network="A convolution of 20 samples with stride 10 makes tokens, sines and cosines say their places. Four"
        " convolutions of 7 tokens with residuals, GELU and norms; four pre-norm transformer blocks of 4 heads. Then"
        " each sample takes its token's state, and two convolutions of 5 samples refine it. Three linear layers say"
        " something of every sample. The wave is other, P, QRS or T. The beat is none, sinus, vpc, paced, fusion or"
        " unknown. The rhythm is sinus, avb, paced, afib, bbb or ventricular. 1,159,572 parameters with the layer"
        " that is not used. The network was derived from the state dict and the ONNX graph.",
        preparation="Ten seconds of one lead at 500 Hz; each sample becomes its rank among them, from -1 to 1, equal"
        " samples the mean of theirs. The original was trained on several leads and reads lead II by default. Records"
        " shorter than 10 s are ranked alone, and the padding is masked. `tracks` sets beats to none outside QRS, as"
        " the original's library does.",
        unused=UNUSED,
        caveats=(
            "Trained on LUDB, QTDB, ISP, MIT-BIH DS1, vitaldb and Lydus: a figure on LUDB or on MIT-BIH DS1 is not a"
            " test.",
            "The authors say that the rhythm paced is not to be relied on, and that bbb is called too often. The beats"
            " fusion and paced are weak, they say.",
            "The card's own figures are the authors' and were not measured again.",
            "`pooler_output` is the mean over samples of the state before the heads: our own choice, no paper's"
            " embedding.",
            "Ranks take the voltage away, and a polarity that is turned turns the ranks.",
        ),
    ),
)
