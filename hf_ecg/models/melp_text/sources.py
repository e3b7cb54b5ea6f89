"""MELP's whole model, as its training leaves it."""

from ..melp.convert_melp import melp_feature_extractor
from ..melp.origin import CAVEATS, ENCODER, ORIGIN
from ..shared.family import Source
from .convert_melp_text import SOURCE, TOKENIZER, UNUSED, convert_melp_text, melp_text_config
from .modeling_melp_text import MELPTextModel

SOURCES = (
    Source(
        name=SOURCE,
        title="MELP with text",
        summary="MELP whole: it compares ECGs with texts and writes reports",
        convert=convert_melp_text,
        model=MELPTextModel,
        config=melp_text_config,
        feature_extractor=melp_feature_extractor,
        tokenizer=TOKENIZER,
        weights="nowhere: a training by the released code leaves such a Lightning checkpoint; published is the ECG"
        " encoder alone (`melp`)",
        file="your_melp.ckpt",
        network=f"{ENCODER} The text tower is BERT's base size and reads from left to right. Two layers with GELU"
        " project its state at a token behind each report, one layer the means of its states over sentences. Six pairs"
        " of blocks over its states, one over the report so far and one over the ECG's 128 tokens, foretell the"
        " next token.",
        unused=UNUSED,
        caveats=(
            "Texts go through MedCPT's tokenizer with a token `[BOS]` behind its vocabulary, which the training"
            f" adds: `{TOKENIZER}` of the Hub has none. The model puts it in the place of `[CLS]` by itself; add it"
            " to the tokenizer only to read it.",
            "In the released code the token that stands for a report is behind its padding, which moves it"
            " (`compat_cls_after_padding`): pad texts to 127 tokens as there, or set it to false and train on.",
            "The original's zero-shot script ends in an error for its own text model. So these weights have no"
            " zero-shot figures to compare with.",
            *CAVEATS,
        ),
        **ORIGIN,
    ),
)
