"""Published checkpoints as models of this package.

python -m hf_ecg.convert SOURCE FILE OUT
"""

import argparse
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import ModelCardData
from transformers import PreTrainedModel

from .cards import CARD_NAME, model_kind, render_card
from .command_line import run_command
from .models.ecg_resnet.convert_ecg_resnet import convert_merl_resnet
from .models.ecg_resnext.convert_ecg_resnext import convert_clef, convert_ecgfounder
from .processing import ECGFeatureExtractor
from .processing.describe import describe_input
from .version import __version__


@dataclass(frozen=True)
class Origin:
    """Who published a checkpoint, and under which terms.

    `convert` is handed the source's name and the checkpoint; `commit` is the state of the repository that the
    conversion was written from; `caveats` are what a user of the weights must know. The page of facts in
    `model_cards/` says more.
    """

    convert: Callable[[str, object], tuple[PreTrainedModel, ECGFeatureExtractor]]
    repository: str
    commit: str
    paper: str
    licence: str
    caveats: tuple[str, ...]


MERL = Origin(
    convert=convert_merl_resnet,
    repository="https://github.com/cheliu-computation/MERL-ICML2024",
    commit="38799b7deb1c9958f41badcfacc6a95192787cc4",
    paper="Liu et al., Zero-Shot ECG Classification with Multimodal Learning and Test-time Clinical Knowledge"
    " Enhancement, ICML 2024 (arXiv 2403.06659)",
    licence="mit",
    caveats=(
        "Input is scaled to 0..1 over the whole record: the voltage is not visible to the model.",
        "Leads stand in the order of MIMIC-IV-ECG's files, aVF before aVL; the extractor sees to it.",
        "The trunk only: the joint embedding works on 5,000 samples alone and needs MedCPT, whose weights are their"
        " authors'.",
        "Pretrained on MIMIC-IV-ECG with a random split by record, so patients are on both sides of it.",
    ),
)

CLEF = Origin(
    convert=convert_clef,
    repository="https://github.com/Nokia-Bell-Labs/ecg-foundation-model",
    commit="0a1156edd082f6ce56e6edc2948b38ec98cfa6e6",
    paper="CLEF: Clinically-Guided Contrastive Learning for Electrocardiogram Foundation Models (arXiv 2512.02180)",
    licence="bsd-3-clause-clear",
    caveats=(
        "The licence grants no patent rights.",
        'One lead a record: say which by `lead="I"` when a record has several of the twelve.',
        "Each lead is scaled to unit variance: the voltage is not visible to the model.",
        "Pretrained on MIMIC-IV-ECG, one record a patient; its test figures elsewhere were computed on lead II.",
    ),
)

ECGFOUNDER = Origin(
    convert=convert_ecgfounder,
    repository="https://github.com/PKUDigitalHealth/ECGFounder",
    commit="04edac702b61c91face519774ddcc0cd712fef23",
    paper="Li et al., An Electrocardiogram Foundation Model Built on over 10 Million Recordings, NEJM AI 2025"
    " (arXiv 2410.04133)",
    licence="mit",
    caveats=(
        "A classifier of 150 statements, multi-label: `AutoModelForECGClassification` gives its logits, `id2label`"
        " their names; `AutoModel` the encoder alone.",
        "10 s at 500 Hz. The original stretches other durations to 5,000 samples; the extractor refuses them.",
        "The published 150-class evaluation applies no filter, against its own README, and picks its thresholds on the"
        " test records.",
        "One scale for all leads, that of the record: the leads keep their proportions, the voltage is not visible.",
    ),
)

# The one table: every source that can be converted.
SOURCES: dict[str, Origin] = {
    "merl-resnet18": MERL,
    "merl-resnet34": MERL,
    "merl-resnet50": MERL,
    "clef-small": CLEF,
    "clef-medium": CLEF,
    "clef-large": CLEF,
    "ecgfounder-12lead": ECGFOUNDER,
    "ecgfounder-1lead": ECGFOUNDER,
}


def convert_checkpoint(source: str, checkpoint) -> tuple[PreTrainedModel, ECGFeatureExtractor]:
    """A published checkpoint as a model, with the preprocessing that it needs.

    Every key of the checkpoint is used, or known and unused for a stated reason.

    Args:
        source: a name of `SOURCES`, such as "merl-resnet18".
        checkpoint: a path (.pt, .pth, .ckpt, .bin, .safetensors), or the state dict.

    Returns:
        The model in evaluation mode, and its `ECGFeatureExtractor`.

    Raises:
        ValueError: an unknown source, missing or unknown keys (both lists), a file that holds more than tensors.
        OSError: the file is not there.

    Example:
        >>> from hf_ecg.convert import convert_checkpoint
        >>> model, extractor = convert_checkpoint("merl-resnet18", "res18_best_ckpt.pth")  # a file that you downloaded
        >>> type(model).__name__, extractor.sampling_rate, extractor.num_samples
        ('ECGResNetModel', 500, 5000)
    """
    if source not in SOURCES:
        raise ValueError(f"source is {source!r}, wanted one of {', '.join(SOURCES)}")
    return SOURCES[source].convert(source, checkpoint)


def write_converted(source: str, checkpoint, output_dir) -> Path:
    """Convert, and save model, extractor and card. The folder appears when all of them are written.

    Raises:
        ValueError, OSError: see `convert_checkpoint`; the folder is there and not empty.
    """
    output_dir = Path(output_dir)
    if output_dir.exists() and (not output_dir.is_dir() or any(output_dir.iterdir())):
        raise FileExistsError(f"{output_dir} is there and not empty: choose another folder")
    model, feature_extractor = convert_checkpoint(source, checkpoint)
    temporary = output_dir.with_name(f".{output_dir.name}.incomplete")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    model.save_pretrained(temporary)
    feature_extractor.save_pretrained(temporary)
    (temporary / CARD_NAME).write_text(card(source, model, feature_extractor), encoding="utf-8")
    # takes the place of an empty folder, and of no other
    os.rename(temporary, output_dir)
    return output_dir


def card(source: str, model: PreTrainedModel, feature_extractor: ECGFeatureExtractor) -> str:
    """Model card of a converted checkpoint."""
    origin = SOURCES[source]
    front = ModelCardData(
        license=origin.licence,
        library_name="hf_ecg",
        tags=["ecg", "electrocardiogram", "hf_ecg", model.config.model_type],
        pipeline_tag="feature-extraction",
    )
    return render_card(
        "converted.md.jinja",
        front,
        title=source,
        kind=model_kind(type(model).__name__),
        has_encoder=False,
        classes=[model.config.id2label[number] for number in sorted(model.config.id2label)],
        input=describe_input(feature_extractor),
        origin=origin,
        version=__version__,
    )


def main(arguments: list[str] | None = None) -> None:
    """Command line: `python -m hf_ecg.convert SOURCE FILE OUT`."""
    parser = argparse.ArgumentParser(prog="python -m hf_ecg.convert", description=__doc__.partition("\n")[0])
    parser.add_argument("source", choices=list(SOURCES))
    parser.add_argument("file", help="the published checkpoint")
    parser.add_argument("output", help="folder to make")
    options = parser.parse_args(arguments)
    folder = write_converted(options.source, options.file, options.output)
    sys.stdout.write(f"{folder}\n")


if __name__ == "__main__":
    run_command(main)
