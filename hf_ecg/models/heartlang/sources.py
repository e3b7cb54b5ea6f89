"""HeartLang's published weights."""

from ..heartlang_vqhbr.preparation_heartlang import heartlang_feature_extractor
from ..shared.family import Source
from .convert_heartlang import UNUSED, convert_heartlang, heartlang_config
from .modeling_heartlang import HeartLangForPreTraining

SOURCES = (
    Source(
        name="heartlang",
        title="HeartLang",
        summary="HeartLang, pretrained to foretell masked heartbeats",
        convert=convert_heartlang,
        model=HeartLangForPreTraining,
        config=heartlang_config,
        feature_extractor=heartlang_feature_extractor,
        repository="https://github.com/PKUDigitalHealth/HeartLang",
        commit="a08afd8117e813fee212a1ac283db4a7140a4669",
        paper="Jin et al., Reading Your Heart: Learning ECG Words and Sentences via Pre-training ECG Language Model,"
        " ICLR 2025 (arXiv 2502.10707)",
        licence="mit",
        weights="https://huggingface.co/PKUDigitalHealth/HeartLang, `heartlang_base/checkpoint-200.pth`",
        file="checkpoint-200.pth",
        network="A transformer over heartbeats. Each beat of each lead is 96 samples at 100 Hz around its R"
        " peak. Up to 256 of them, lead after lead, stand behind a class token in 12 pre-norm blocks of 8 heads."
        " A convolution over three beats makes the tokens, to which vectors of the lead, the second and the place"
        " are added."
        " `pooler_output` is the class token.",
        preparation="The beats that wfdb's xqrs finds in the first lead are cut out of all leads. With more than 21"
        " beats in 10 s the released truncation loses the last leads; for weights of your own, leave the two"
        " `compat_` parameters of the step `beat_tokens` out.",
        unused=UNUSED,
        caveats=(
            "Places without a beat are looked at, as in the released code (`compat_visible_padding`): the embedding"
            " depends on how many there are. The extractor always makes 256 places.",
            "A noisy lead I ruins the beats of all leads: the released tokeniser searches that one alone.",
            "The released pretraining asked the vocabulary without leads and seconds, though it was trained with them"
            " (`compat_codes_without_positions`).",
            "The file holds no vocabulary: to pretrain on, convert `heartlang-vqhbr` too, and give its words as"
            " `labels`.",
            "Its figures for CSN are of MERL's labels, which were taken by substring.",
            "The released fine-tuning loads weights module by module and only prints what does not fit. Here a file"
            " that does not fit is refused.",
            "A file of the original's fine-tuning, which has `backbone.*`, becomes `HeartLangForECGClassification`.",
        ),
    ),
)
