"""MERL's published dual encoder."""

from ..shared.family import Source
from ..shared.merl import CAVEATS, ORIGIN, merl_feature_extractor
from .convert_merl import TOKENIZER, UNUSED, convert_merl, merl_config
from .modeling_ecg_text import ECGTextModel

SOURCES = (
    Source(
        name="merl",
        title="MERL with text",
        summary="MERL's dual encoder of ECGs and reports",
        convert=convert_merl,
        model=ECGTextModel,
        config=merl_config,
        feature_extractor=merl_feature_extractor,
        tokenizer=TOKENIZER,
        weights="the Google Drive folder that the repository's README names: `*_ckpt.pth`, of the ResNet18 and of the"
        " tiny vision transformer. Sizes are read from the file",
        file="merl_best_ckpt.pth",
        network="An ECG encoder, MERL's ResNet (here the ResNet18) or vision transformer, beside MedCPT's query"
        " encoder (BERT's base size), and a projection of each to 256 numbers. Of the ResNet a linear layer makes 256"
        " of each position's channels, and a learned token with its own attention pools the 313 positions. Of the"
        " vision transformer two linear layers with batch norms follow the pooled output. Of the text two linear"
        " layers with GELU follow the pooler. Trained by the sum of two softmax losses at a fixed temperature of"
        " 0.07: between ECGs and reports, and between two views of each ECG, which are a linear layer and dropout"
        " each on the same features.",
        unused=UNUSED,
        caveats=(
            CAVEATS[0],
            "Texts go through MedCPT's tokenizer, which is not part of the file: `--tokenizer` names it, by default"
            f" `{TOKENIZER}` of the Hub. MedCPT is its authors'; look at its terms before you pass a converted model"
            " on.",
            "MERL's zero-shot figures are of CKEPE's prompts, put in lower case, one for each class; its F1 and"
            " accuracy take thresholds that were chosen on the test records.",
            "5,000 samples, or an error: the pooling has learned 313 places. `interpolate_positions=True` in the"
            " configuration stretches them over another length.",
            "The paper takes the mean of both directions of a softmax loss, the released code their sum. In the"
            " released code the text tower is never trained, though the paper trains its upper half.",
            *CAVEATS[1:],
        ),
        **ORIGIN,
    ),
)
