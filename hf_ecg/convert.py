"""Published checkpoints as models of this package.

python -m hf_ecg.convert SOURCE FILE OUT
"""

from pathlib import Path

from huggingface_hub import ModelCardData
from safetensors import SafetensorError
from transformers import PreTrainedModel

from .auto import SOURCES
from .cards import CARD_NAME, render_card
from .cli import script
from .files import atomic_folder, naming_the_file
from .locks import output_lock
from .models.shared.roles import model_role
from .models.shared.task_names import TASK_OF_ROLE
from .processing import ECGFeatureExtractor
from .processing.describe import describe_input
from .progress import progress_bar
from .version import __version__


def convert_checkpoint(source: str, checkpoint) -> tuple[PreTrainedModel, ECGFeatureExtractor]:
    """A published checkpoint as a model, with the preprocessing that it needs.

    Every key of the checkpoint is used, or known and unused for a stated reason.

    Args:
        source: a name of `SOURCES`, such as "merl-resnet18".
        checkpoint: a path (.pt, .pth, .ckpt, .bin, .safetensors), or the state dict.

    Returns:
        The model in evaluation mode, and its `ECGFeatureExtractor`.

    Raises:
        ValueError: an unknown source, missing or unknown keys (both lists), a file that holds more than tensors, is
            damaged or cut off; with the name of the file that is wanted.
        OSError: the file is not there.

    Example:
        >>> from hf_ecg.convert import convert_checkpoint
        >>> model, extractor = convert_checkpoint("merl-resnet18", "res18_best_ckpt.pth")  # a file that you downloaded
        >>> type(model).__name__, extractor.sampling_rate, extractor.num_samples
        ('ECGResNetModel', 500, 5000)
    """
    if source not in SOURCES:
        raise ValueError(f"source is {source!r}, wanted one of {', '.join(SOURCES)}")
    try:
        return SOURCES[source].convert(source, checkpoint)
    except ValueError as error:
        origin = SOURCES[source]
        raise ValueError(
            f"{error}. {source} is made of {origin.file} ({origin.repository}): check that this is that file, and"
            " download it again if it is"
        ) from error


def write_converted(source: str, checkpoint, output_dir) -> Path:
    """Convert, and save model, extractor and card. The folder appears when all of them are written.

    Raises:
        ValueError, OSError: see `convert_checkpoint`; the folder is there and not empty.
    """
    output_dir = Path(output_dir)
    if output_dir.exists() and (not output_dir.is_dir() or any(output_dir.iterdir())):
        raise FileExistsError(f"{output_dir} is there and not empty: choose another folder")
    with output_lock(output_dir):
        return _write_converted(source, checkpoint, output_dir)


def _write_converted(source: str, checkpoint, output_dir: Path) -> Path:
    with progress_bar(total=2, desc=f"converting {source}", unit="step") as bar:
        model, feature_extractor = convert_checkpoint(source, checkpoint)
        bar.update()

        def write(folder: Path) -> None:
            with naming_the_file(folder, SafetensorError):
                model.save_pretrained(folder)
            feature_extractor.save_pretrained(folder)
            (folder / CARD_NAME).write_text(card(source, model, feature_extractor), encoding="utf-8")

        # takes the place of an empty folder, and of no other
        atomic_folder(output_dir, write, replace=False)
        bar.update()
    return output_dir


def card(source: str, model: PreTrainedModel, feature_extractor: ECGFeatureExtractor) -> str:
    """Model card of a converted checkpoint."""
    origin = SOURCES[source]
    front = ModelCardData(
        license=origin.licence,
        library_name="hf_ecg",
        tags=["ecg", "electrocardiogram", "hf_ecg", model.config.model_type],
        pipeline_tag=TASK_OF_ROLE[model_role(model)],
    )
    return render_card(
        "converted.md.jinja",
        front,
        title=source,
        kind=model_role(model),
        has_encoder=False,
        classes=[model.config.id2label[number] for number in sorted(model.config.id2label)],
        input=describe_input(feature_extractor),
        source=origin,
        version=__version__,
    )


main = script("convert")

if __name__ == "__main__":
    main()
