"""CLEAR's and CLEAR-HUG's published weights."""

from functools import partial
from typing import Any

from ..shared.family import Source
from .convert_clear import HEADS, UNUSED, clear_config, convert_clear
from .modeling_clear import CLEARForECGClassification
from .preparation_clear import clear_feature_extractor
from .pretraining_clear import CLEARForPreTraining

_OWN: dict[str, dict[str, Any]] = {
    "clear": {"file": "clear.pth", "summary": "CLEAR's pretraining model", "model": CLEARForPreTraining},
    "clear-hug": {
        "file": "your_clear_hug.pth",
        "summary": "CLEAR-HUG, fine-tuned",
        "model": CLEARForECGClassification,
    },
}

SOURCES = tuple(
    Source(
        name=name,
        title="CLEAR-HUG",
        convert=convert_clear,
        config=partial(clear_config, name),
        feature_extractor=clear_feature_extractor,
        repository="https://github.com/Ashespt/CLEAR-HUG",
        commit="3f19967565c87664c7fc4af0810eef450e2c3a4d",
        paper="Pan et al., Tracing the Heart's Pathways: ECG Representation Learning from a Cardiac Conduction"
        " Perspective, AAAI 2026 (arXiv 2512.24002)",
        licence="other",
        unused=UNUSED,
        weights="the Google Drive link of the repository's README, for the pretrained CLEAR. Fine-tuned weights, with"
        " either head, are those that you trained with the original code",
        network="A transformer over heartbeats. Each of twelve leads has a class token and up to 15 beats of 96"
        " samples, the R peak in the middle. Tables of leads, seconds and positions are added to the beats. All pass"
        " through 12 post-norm blocks. `pooler_output` is the mean of the class tokens. The pretraining keeps 35 of"
        " 180 beats, and its decoder of 4 blocks makes up the others from the same beat in other leads and their own"
        " lead's class token. HUG goes from leads to three groups of leads, to pairs of groups, to all.",
        preparation="The first 10 s at 100 Hz, filtered to 0.67 to 40 Hz, in millivolts. R peaks are those of lead II"
        " by wfdb's detector, in all leads. Without a beat there, the other leads are searched in turn; where no lead"
        " has one, 15 beats lie at equal distances.",
        caveats=(
            "The repository has no licence file: all rights are reserved. This package holds neither its code nor its"
            " weights. The conversion runs on your machine, from your download; ask the authors before you hand on"
            " what it writes.",
            "Converted models compute what the released code does. The encoder's mask blocks nothing and adds 1 to"
            " scores of other pairs than meant (`compat_additive_mask`). Beats are embedded with both neighbours in"
            " the sequence, beats that pretraining removes too (`compat_circular_convolution`). Places without a beat"
            " are looked at (`compat_unmasked_padding`). Each beat is standardised before it is embedded"
            " (`compat_standardised_input`): nothing is left of the voltage.",
            "The released code shuffles the tokens at inference too, and so gives other numbers at each call. Here"
            " their order is fixed, and two calls agree.",
            "HUG has no non-linearity as released: it is one affine map of the class tokens. `hug_activation` adds"
            " one, for a head that you train.",
            "The original drops records that are zero throughout, but not their labels. Here nothing is dropped.",
            "The split of MIMIC-IV-ECG in training and validation is by records: patients are in both.",
            "The original's `infer.py` reads records without the filter of the training, and leaves the last class"
            " out: its answers are other ones than these.",
            "A file of the original's fine-tuning of CLEAR alone converts by `clear`, into"
            " `CLEARForECGClassification`.",
            "A file of the original's CLEAR_large, 1,024 wide, converts by the same names: sizes are read from it.",
        ),
        **_OWN[name],
    )
    for name in HEADS
)
