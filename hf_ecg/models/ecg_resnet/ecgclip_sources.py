"""Checkpoints of ECG-CLIP's released code."""

from functools import partial

from ..shared.family import Source
from .convert_ecgclip import ECGCLIP_VARIANTS, convert_ecgclip, ecgclip_config, ecgclip_feature_extractor
from .modeling_ecg_resnet import ECGResNetForECGSurvival

ECGCLIP_SOURCES = tuple(
    Source(
        name=name,
        title="ECG-CLIP",
        summary="ECG-CLIP's trunk with its survival head",
        convert=convert_ecgclip,
        model=ECGResNetForECGSurvival,
        config=partial(ecgclip_config, name),
        feature_extractor=ecgclip_feature_extractor,
        repository="https://github.com/dt-yuhui/ECG-CLIP",
        commit="8cea0fec181aa2e9ef69f0c834008fd1a7020eb5",
        paper="ECGCLIP, arXiv 2605.25446 (2026)",
        licence="mit",
        weights="nowhere: neither the pretrained weights nor the fine-tuned ones were released. The conversion reads"
        " what the repository's training writes, `{'state_dict': ...}` with the prefix `module.`; the names of files"
        " here are free",
        file=f"{name.partition('-')[2]}.pth",
        network="MERL's 1-D ResNet over eight leads: a convolution of 7 samples with stride 2, BatchNorm, ReLU, no"
        " max-pool; four stages with strides 1, 2, 2, 2. 4,096 samples give 256 positions; `pooler_output` is their"
        " mean. A linear head gives, for each of 39 intervals of an eighth of a year, the logit of the probability to"
        " outlive it. `survival_at(logits, days)` multiplies them.",
        preparation="Eight leads: the other four of the limbs are linear in I and II. At 500 Hz a Butterworth"
        " band-pass of order 3, 0.5 to 100 Hz, both ways by Gustafsson's method. A notch at 50 Hz and at each harmonic"
        " up to 250 Hz, both ways with the end values beyond the ends. Then 400 Hz, and 48 zeros on either side. The"
        " voltage stays in millivolts. The zeros count as recorded: the original's model sees and averages them."
        " Missing samples are interpolated, which the original does not know.",
        caveats=(
            "The code that was released is the prognosis of valvular disease. That the paper's other models have the"
            " same preparation and the same trunk is inferred. Pretraining code, text tower and weights are absent.",
            "The class of MERL's code is also called ECGCLIP; that is another project, see `merl-resnet18`.",
            "The 39 intervals end at day 1,779.4, not at five years: an event after it counts as none. Asked for a"
            " later day the model raises an error; the released code repeats the last value.",
            "In the released code survival before day 45.6 does not rise to 1 at day 0 but stays what it is on day"
            " 45.6. Here it rises; `compat_flat_survival_start` in the configuration gives the released curve.",
            "The released `predict.py` writes its scores beside rows of another table: where merging the two tables"
            " drops or reorders rows, its CSV pairs scores with other patients. Its plot of the concordance keeps"
            " patients with events only. Figures made with either are not comparable with ours.",
            "The filters leave their traces: 0.5 Hz shifts ST segments. A notch with a Q of 30 rings for about 0.2 s"
            " after each QRS complex. The one at 250 Hz is a low-pass of 500 Hz files. Records below 200 Hz are"
            " brought to 500 Hz first and have nothing at 100 Hz.",
        ),
    )
    for name in ECGCLIP_VARIANTS
)
