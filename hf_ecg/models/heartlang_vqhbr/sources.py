"""HeartLang's published vocabulary."""

from ..shared.family import Source
from .convert_heartlang_vqhbr import UNUSED, convert_heartlang_vqhbr, heartlang_vqhbr_config
from .modeling_heartlang_vqhbr import HeartLangVQHBRForPreTraining
from .preparation_heartlang import heartlang_feature_extractor

SOURCES = (
    Source(
        name="heartlang-vqhbr",
        title="HeartLang vocabulary",
        summary="HeartLang's vocabulary of 8,192 heartbeats (VQ-HBR)",
        convert=convert_heartlang_vqhbr,
        model=HeartLangVQHBRForPreTraining,
        config=heartlang_vqhbr_config,
        feature_extractor=heartlang_feature_extractor,
        repository="https://github.com/PKUDigitalHealth/HeartLang",
        commit="a08afd8117e813fee212a1ac283db4a7140a4669",
        paper="Jin et al., Reading Your Heart: Learning ECG Words and Sentences via Pre-training ECG Language Model,"
        " ICLR 2025 (arXiv 2502.10707)",
        licence="mit",
        weights="https://huggingface.co/PKUDigitalHealth/HeartLang, `vqhbr/MIMIC-IV/checkpoint-100.pth`",
        file="checkpoint-100.pth",
        network="An autoencoder of heartbeats. Each beat of each lead is 96 samples at 100 Hz around its R peak. Four"
        " pre-norm blocks make a unit vector of 128 numbers of it, whose nearest of 8,192 is its word; two more draw"
        " the beat again from the word. The words follow the beats by moving averages and began as clusters of the"
        " first batch.",
        preparation="The beats that wfdb's xqrs finds in the first lead are cut out of all leads. With more than 21"
        " beats in 10 s the released truncation loses the last leads; for weights of your own, leave the two"
        " `compat_` parameters of the step `beat_tokens` out.",
        unused=UNUSED,
        caveats=(
            "Places without a beat are looked at and have words, as in the released code"
            " (`compat_visible_padding`). Weights that you train here do not look at them.",
            "A noisy lead I ruins the beats of all leads: the released tokeniser searches that one alone.",
            "The released code draws every heartbeat with matplotlib in each forward pass, and its evaluation changes"
            " the counts of the words. Neither happens here.",
        ),
    ),
)
