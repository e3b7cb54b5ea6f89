"""ECG-FM's published weights."""

from functools import partial
from typing import Any

from ..shared.family import Source
from .convert_ecg_fm import FINETUNED, PRETRAINED, UNUSED, convert_ecg_fm, ecg_fm_config, ecg_fm_feature_extractor
from .modeling_ecg_fm import ECGFMForECGClassification
from .pretraining_ecg_fm import ECGFMForPreTraining

_OWN: dict[str, dict[str, Any]] = {
    PRETRAINED: {
        "model": ECGFMForPreTraining,
        "summary": "ECG-FM with all that its pretraining needs",
        "file": "mimic_iv_ecg_physionet_pretrained.pt",
    },
    FINETUNED: {
        "model": ECGFMForECGClassification,
        "summary": "ECG-FM fine-tuned to 17 findings of MIMIC-IV-ECG's reports",
        "file": "mimic_iv_ecg_finetuned.pt",
    },
}

SOURCES = tuple(
    Source(
        name=name,
        title="ECG-FM",
        convert=convert_ecg_fm,
        config=partial(ecg_fm_config, name),
        feature_extractor=ecg_fm_feature_extractor,
        repository="https://github.com/bowang-lab/ECG-FM",
        commit="9cc0d3f",
        paper="McKeen et al., ECG-FM: An Open Electrocardiogram Foundation Model (arXiv 2408.05178)",
        licence="mit",
        weights="https://huggingface.co/wanglab/ecg-fm",
        network="wav2vec 2.0 on twelve leads. Four convolutions of 2 samples, each halving the rate, make a frame of"
        " 16 samples (32 ms); the first one's channels are normalised over time. A linear layer, a convolution over"
        " 128 frames for the positions, and 12 post-norm blocks follow. `pooler_output` is the mean over frames. The"
        " pretraining adds two codebooks of 320 codes, and a projection of outputs and targets.",
        preparation="Each lead of the whole record by its own mean and standard deviation, then segments of 5 s; of a"
        " record of 7 s the last 2 are left out. The original combines the segments' probabilities for each label, by"
        " their mean, or their maximum for rare findings. Here embeddings or logits are averaged; pipelines and"
        " `embed --crops max` take the largest.",
        unused=UNUSED,
        caveats=(
            "The first convolution's channels are normalised over time, lead by lead normalisation aside: voltage"
            " leaves no trace, and the same beats give other numbers in a longer record. Keep to segments of 5 s.",
            "Linear interpolation, as the original resamples, lets frequencies above half the new rate fold back.",
            "The released weights are not the model of the paper's first version, which had 312 million parameters.",
            "Of missing leads the original's quick start says nothing and computes with what lies in the memory. Here"
            " they are zero, as the pretraining leaves leads out at random.",
            "Missing samples are refused; the recipe of a training may fill them.",
            "A training that goes on from the pretrained file draws its codes at the first temperature again: the file"
            " does not say how far it had come.",
        ),
        **_OWN[name],
    )
    for name in (PRETRAINED, FINETUNED)
)
