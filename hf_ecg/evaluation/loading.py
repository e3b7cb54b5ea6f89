"""Model folders and corpora as the evaluation scripts need them."""

from pathlib import Path

import torch
from transformers import AutoConfig, AutoFeatureExtractor, AutoProcessor, PreTrainedModel, ProcessorMixin

from ..models.ecg_text.text_tower import limit_texts
from ..models.shared.finite_weights import check_weights
from ..models.shared.roles import ROLE_WORDS, ecg_encoder, is_dual_encoder, model_role
from ..pretrained_models import model_source
from ..saved_models import check_head, reads_ecgs, saved_class
from .protocol import TrainingFacts, check_folds, read_training_facts
from .weights import weights_digest


def pick_device(name: str | None) -> torch.device:
    """The named device, or the GPU when there is one, else the CPU."""
    try:
        return torch.device(name or ("cuda" if torch.cuda.is_available() else "cpu"))
    except RuntimeError as error:
        raise ValueError(f"device is {name!r}, wanted cpu, cuda, cuda:1 ...: {error}") from error


def load_dual_encoder(folder: str, device: torch.device):
    """`(ECGTextModel, its processor)`, float32, in evaluation mode.

    Raises:
        ValueError: the folder holds another kind of model, or weights that are NaN or infinite.
        OSError: the model is not there; see `pretrained_models.model_source`.
    """
    source = checked_source(folder, ("dual encoder",), "a dual encoder of ECGs and texts such as ECGTextModel")
    return load_model(source, device)


def load_model(folder: str, device: torch.device):
    """A dual encoder with its processor, or any other model's encoder with its feature extractor."""
    source = checked_source(folder)
    model = load_whole(source)
    kind = AutoProcessor if is_dual_encoder(model) else AutoFeatureExtractor
    processor = kind.from_pretrained(source)
    if is_dual_encoder(model):
        limit_texts(processor.tokenizer, model.max_text_tokens)
    return model.to(device), processor


def load_writer(folder: str, device: torch.device):
    """`(model that can write reports of ECGs, its processor)`, float32, in evaluation mode.

    Raises:
        ValueError: the folder holds a model whose class cannot generate, or one without a tokenizer.
        OSError: the model is not there.
    """
    source = model_source(str(folder))
    config = AutoConfig.from_pretrained(source)
    model_class = saved_class(config)
    can = issubclass(model_class, PreTrainedModel) and model_class.can_generate() and reads_ecgs(config)
    if not can:
        name = ", ".join(config.architectures or [config.model_type])
        raise ValueError(
            f"{folder} holds {name}, which cannot write reports of ECGs, wanted one such as MELPTextModel"
        )
    model = model_class.from_pretrained(source, dtype=torch.float32)
    check_weights(model, source)
    return model.to(device).eval(), AutoProcessor.from_pretrained(source)


def load_encoder(folder: str, device: torch.device):
    """`(encoder, its feature extractor)`, float32, in evaluation mode; of a dual encoder its ECG tower."""
    source = checked_source(folder)
    model = load_whole(source)
    return ecg_encoder(model).to(device), AutoFeatureExtractor.from_pretrained(source)


def load_classifier(folder: str, device: torch.device):
    """`(classifier, its feature extractor)`, float32, in evaluation mode."""
    return load_head(folder, device, "classifier")


def load_head(folder: str, device: torch.device, role: str):
    """`(model with a head, its feature extractor)`, float32, in evaluation mode.

    Args:
        folder: of the model.
        device: where it is to be.
        role: "classifier" or "survival model".

    Raises:
        ValueError: a model of another role, or one without a trained head.
        OSError: the model is not there.
    """
    from ..auto import AutoModelForECGClassification, AutoModelForECGSurvival

    heads = {"classifier": AutoModelForECGClassification, "survival model": AutoModelForECGSurvival}
    kind = heads[role].__name__.removeprefix("AutoModel")
    source = checked_source(folder, (role,), f"a {role} such as ECGResNet{kind}")
    model, info = heads[role].from_pretrained(source, dtype=torch.float32, output_loading_info=True)
    check_head(info, source)
    check_weights(model, source)
    return model.to(device).eval(), AutoFeatureExtractor.from_pretrained(source)


def load_reconstruction(folder: str, device: torch.device):
    """`(model that completes leads, its feature extractor)`, float32, in evaluation mode.

    Raises:
        ValueError: a model of another role, or weights that are NaN or infinite.
        OSError: the model is not there.
    """
    wanted = "one that completes leads such as ECGUNetForLeadReconstruction"
    source = checked_source(folder, ("lead reconstruction",), wanted)
    model = saved_class(AutoConfig.from_pretrained(source)).from_pretrained(source, dtype=torch.float32)
    check_weights(model, source)
    return model.to(device).eval(), AutoFeatureExtractor.from_pretrained(source)


def checked_source(
    folder: str,
    roles: tuple[str, ...] = tuple(ROLE_WORDS),
    wanted: str = "a model of ECGs",
    revision: str | None = None,
) -> str:
    """What `from_pretrained` takes, once the configuration tells a model of these roles: before weights are read, for
    transformers would make up what they lack.

    Raises:
        ValueError: another kind of model.
        OSError: the model is not there.
    """
    from ..auto import public_models

    source = model_source(str(folder))
    config = AutoConfig.from_pretrained(source, revision=revision)
    known = public_models()
    for name in config.architectures or []:
        role = model_role(known[name]) if name in known else "other"
        if role in roles:
            continue
        if role != "other":
            kind, instead = ROLE_WORDS[role]
            raise ValueError(f"{folder} holds {name}, {kind}, wanted {wanted}; {instead}")
        if roles != tuple(ROLE_WORDS) or not reads_ecgs(config):
            raise ValueError(f"{folder} holds {name}, which is not one of hf_ecg's models, wanted {wanted}")
    return source


def load_whole(source: str, revision: str | None = None) -> PreTrainedModel:
    """A dual encoder, or the bare encoder of any other model: float32, in evaluation mode.

    A model of this package is loaded as what it was saved, for AutoModel reports the weights of a head as strays.

    Raises:
        ValueError: weights that are NaN or infinite.
    """
    model = saved_class(AutoConfig.from_pretrained(source, revision=revision)).from_pretrained(
        source, revision=revision, dtype=torch.float32
    )
    check_weights(model, source)
    return (model if is_dual_encoder(model) else ecg_encoder(model)).eval()


def extractor_of(processor):
    """The feature extractor that a processor holds; itself when it is one."""
    return processor.feature_extractor if isinstance(processor, ProcessorMixin) else processor


def facts_for_evaluation(
    folders: list[str], config: str | None, folds: list[int], allow_training_folds: bool = False
) -> list[TrainingFacts | None]:
    """Training facts of each folder, after refusing folds that a model was trained or selected on.

    Raises:
        ValueError: such folds, or a folder given twice: a copy is not a second seed, it would only narrow the
            interval.
    """
    places = [Path(folder).resolve() for folder in folders]
    twice = sorted({folder for folder, place in zip(folders, places, strict=True) if places.count(place) > 1})
    if twice:
        raise ValueError(f"{twice} is one model given twice, wanted a folder for each seed")
    facts = [read_training_facts(folder) for folder in folders]
    if not allow_training_folds:
        for folder, entry in zip(folders, facts, strict=True):
            check_folds(folder, entry, config, folds)
    return facts


def check_label_sets(folders: list[str], facts: list[TrainingFacts | None], label_sets: list[str]) -> None:
    """Refuses classifiers of other label sets, whose classes may share names: IMI is one statement in `diagnostic`,
    and six in `subdiagnostic`.

    Raises:
        ValueError: a classifier's facts name its label sets, and a wanted one is not among them.
    """
    for folder, entry in zip(folders, facts, strict=True):
        absent = [name for name in label_sets if entry and entry.label_sets and name not in entry.label_sets]
        if absent:
            raise ValueError(f"{folder} was trained on the label sets {list(entry.label_sets)}, wanted {absent}")


def budget_notes(models: list[TrainingFacts | None], companions: list[TrainingFacts | None]) -> list[str]:
    """Why a supervised companion has not had the same data as the model, in words; empty if it has."""
    notes = []
    if not companions:
        return notes
    if len(models) != len(companions):
        notes.append(f"{len(models)} seeds of the model beside {len(companions)} of the classifier")
    if None in models or None in companions:
        notes.append("training facts are absent, so equal data is not verified")
    known = [[facts for facts in group if facts and facts.sources] for group in (models, companions)]
    for place, key in enumerate(("config", "train_folds", "validation_folds")):
        ours, theirs = (sorted({_budget(facts)[place] for facts in group}) for group in known)
        if ours and theirs and ours != theirs:
            notes.append(f"{key} differ: model {', '.join(ours)}; classifier {', '.join(theirs)}")
    return notes


def _budget(facts: TrainingFacts) -> tuple[str, str, str]:
    """Configurations, training and validation folds in words; with several configurations folds are told by each."""
    configs = sorted({str(source.config) for source in facts.sources})
    folds = []
    for split in ("train_folds", "validation_folds"):
        seen = {
            name: sorted(
                {*(fold for source in facts.sources if str(source.config) == name for fold in vars(source)[split])}
            )
            for name in configs
        }
        numbers = {name: "+".join(map(str, each)) or "none" for name, each in seen.items()}
        folds.append(numbers[configs[0]] if len(configs) == 1 else " ".join(map(": ".join, numbers.items())))
    return " and ".join(configs), *folds


def describe_seeds(folders: list[str], facts: list[TrainingFacts | None]) -> list[dict]:
    """Folder name, training seed and weights (their digest) of each model, for a report."""
    return [
        {
            "folder": "/".join(Path(folder).parts[-2 if Path(folder).name == "encoder" else -1 :]),
            "seed": None if entry is None else entry.seed,
            "weights": weights_digest(folder),
        }
        for folder, entry in zip(folders, facts, strict=True)
    ]


def describe_drawn(number: int, seed: int) -> list[dict]:
    """What a report says of encoders whose weights were drawn anew: one for each of `number` models."""
    return [{"folder": "drawn anew", "seed": seed + index} for index in range(number)]
