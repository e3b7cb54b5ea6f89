"""Published checkpoints as models of this package.

python -m hf_ecg.convert SOURCE FILE OUT
"""

from pathlib import Path
from typing import Any, cast

from huggingface_hub import ModelCardData
from safetensors import SafetensorError
from transformers import AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from .auto import SOURCES
from .cards import CARD_NAME, TAGS, render_card
from .cli import script
from .files import atomic_folder, naming_the_file
from .locks import output_lock
from .models.ecg_text.text_tower import limit_texts
from .models.shared.roles import model_role
from .models.shared.task_names import TASK_OF_ROLE
from .named_sources import check_on_hub, may_be_on_hub
from .processing import ECGFeatureExtractor, ECGTextProcessor
from .processing.describe import describe_input
from .progress import progress_bar
from .version import __version__


def convert_checkpoint(source: str, checkpoint) -> tuple[PreTrainedModel, ECGFeatureExtractor]:
    """A published checkpoint as a model, with the preprocessing that it needs.

    Every key of the checkpoint is used, or known and unused for a stated reason.

    Args:
        source: a name of `SOURCES`, such as "merl-resnet18".
        checkpoint: a path (.pt, .pth, .ckpt, .bin, .safetensors, or the .safetensors.index.json of several files), or
            the state dict.

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


def write_converted(source: str, checkpoint, output_dir, tokenizer: str | Path | None = None) -> Path:
    """Convert, and save model, extractor and card. The folder appears when all of them are written.

    Args:
        source, checkpoint: see `convert_checkpoint`.
        output_dir: the folder to make.
        tokenizer: of a dual encoder, its text tower's: a folder, or a name on the Hub; by default the one that the
            source names. Model folders have it inside then, as a processor.

    Raises:
        ValueError, OSError: see `convert_checkpoint`; the folder is there and not empty; a tokenizer of a model
            without texts, or one that is not there or has more words than the model.
    """
    output_dir = Path(output_dir)
    if output_dir.exists() and (not output_dir.is_dir() or any(output_dir.iterdir())):
        raise FileExistsError(f"{output_dir} is there and not empty: choose another folder")
    with output_lock(output_dir):
        return _write_converted(source, checkpoint, output_dir, tokenizer)


def _write_converted(source: str, checkpoint, output_dir: Path, tokenizer) -> Path:
    with progress_bar(total=2, desc=f"converting {source}", unit="step") as bar:
        model, feature_extractor = convert_checkpoint(source, checkpoint)
        bar.update()
        processor = _processor(source, model, feature_extractor, tokenizer)

        def write(folder: Path) -> None:
            with naming_the_file(folder, SafetensorError):
                model.save_pretrained(folder)
            processor.save_pretrained(folder)
            (folder / CARD_NAME).write_text(card(source, model, feature_extractor), encoding="utf-8")

        # takes the place of an empty folder, and of no other
        atomic_folder(output_dir, write, replace=False)
        bar.update()
    return output_dir


def _processor(source: str, model, feature_extractor, tokenizer) -> ECGFeatureExtractor | ECGTextProcessor:
    """What is saved beside the model: of a dual encoder with a tokenizer."""
    if SOURCES[source].tokenizer is not None:
        tokenizer = load_tokenizer(tokenizer or SOURCES[source].tokenizer, model)
        return ECGTextProcessor(feature_extractor, tokenizer)
    if tokenizer is not None:
        raise ValueError(f"a tokenizer was given, {tokenizer}, and {source} reads no texts")
    return feature_extractor


def load_tokenizer(name: str | Path, model: PreTrainedModel) -> PreTrainedTokenizerBase:
    """The tokenizer of a dual encoder's text tower.

    Raises:
        OSError: there is none of this name.
        ValueError: it has more words than the text tower.
    """
    try:
        if not Path(name).is_dir():
            if not may_be_on_hub(str(name)):
                raise FileNotFoundError(f"{name} is not a folder")
            check_on_hub(str(name))
        tokenizer = AutoTokenizer.from_pretrained(name)
    except OSError as error:
        raise FileNotFoundError(
            f"the text tower's tokenizer is not there: {error}. Give its folder or its name on the Hub: --tokenizer"
        ) from error
    words, most = len(tokenizer), model.config.text_config.vocab_size
    if words > most:
        raise ValueError(f"the tokenizer {name} has {words} words, the text tower {most}: it is another model's")
    limit_texts(tokenizer, cast(Any, model).max_text_tokens)
    return tokenizer


def card(source: str, model: PreTrainedModel, feature_extractor: ECGFeatureExtractor) -> str:
    """Model card of a converted checkpoint."""
    origin = SOURCES[source]
    front = ModelCardData(
        license=origin.licence,
        library_name="hf_ecg",
        tags=[*TAGS, model.config.model_type],
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
