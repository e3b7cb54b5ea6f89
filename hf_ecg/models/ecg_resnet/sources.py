"""MERL's published trunks."""

from ..shared.family import Source
from .convert_ecg_resnet import VARIANTS, convert_merl_resnet

SOURCES = tuple(
    Source(
        name=name,
        convert=convert_merl_resnet,
        repository="https://github.com/cheliu-computation/MERL-ICML2024",
        commit="38799b7deb1c9958f41badcfacc6a95192787cc4",
        paper="Liu et al., Zero-Shot ECG Classification with Multimodal Learning and Test-time Clinical Knowledge"
        " Enhancement, ICML 2024 (arXiv 2403.06659)",
        licence="mit",
        caveats=(
            "Input is scaled to 0..1 over the whole record: the voltage is not visible to the model.",
            "Leads stand in the order of MIMIC-IV-ECG's files, aVF before aVL; the extractor sees to it.",
            "The trunk only: the joint embedding works on 5,000 samples alone and needs MedCPT, whose weights are"
            " their authors'.",
            "Pretrained on MIMIC-IV-ECG with a random split by record, so patients are on both sides of it.",
        ),
    )
    for name in VARIANTS
)
