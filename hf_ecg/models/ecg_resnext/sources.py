"""CLEF's published encoders and ECGFounder's classifiers."""

from ..shared.family import Source
from .convert_ecg_resnext import CLEF_SIZES, ECGFOUNDER_LEADS, convert_clef, convert_ecgfounder

_CLEF = tuple(
    Source(
        name=name,
        convert=convert_clef,
        repository="https://github.com/Nokia-Bell-Labs/ecg-foundation-model",
        commit="0a1156edd082f6ce56e6edc2948b38ec98cfa6e6",
        paper="CLEF: Clinically-Guided Contrastive Learning for Electrocardiogram Foundation Models (arXiv"
        " 2512.02180)",
        licence="bsd-3-clause-clear",
        caveats=(
            "The licence grants no patent rights.",
            'One lead a record: say which by `lead="I"` when a record has several of the twelve.',
            "Each lead is scaled to unit variance: the voltage is not visible to the model.",
            "Pretrained on MIMIC-IV-ECG, one record a patient; its test figures elsewhere were computed on lead II.",
        ),
    )
    for name in CLEF_SIZES
)

_ECGFOUNDER = tuple(
    Source(
        name=name,
        convert=convert_ecgfounder,
        repository="https://github.com/PKUDigitalHealth/ECGFounder",
        commit="04edac702b61c91face519774ddcc0cd712fef23",
        paper="Li et al., An Electrocardiogram Foundation Model Built on over 10 Million Recordings, NEJM AI 2025"
        " (arXiv 2410.04133)",
        licence="mit",
        caveats=(
            "A classifier of 150 statements, multi-label: `AutoModelForECGClassification` gives its logits,"
            " `id2label` their names; `AutoModel` the encoder alone.",
            "10 s at 500 Hz. The original stretches other durations to 5,000 samples; the extractor refuses them.",
            "The published 150-class evaluation applies no filter, against its own README, and picks its thresholds"
            " on the test records.",
            "One scale for all leads, that of the record: the leads keep their proportions, the voltage is not"
            " visible.",
        ),
    )
    for name in ECGFOUNDER_LEADS
)

SOURCES = _CLEF + _ECGFOUNDER
