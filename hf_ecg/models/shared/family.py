"""What a family of models says of itself: its classes, and the published weights that become one of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from transformers import PreTrainedModel
from transformers.configuration_utils import PreTrainedConfig

from ...golden_cases import GoldenCase
from ...processing import ECGFeatureExtractor


@dataclass(frozen=True)
class Source:
    """A published checkpoint: who made it, under which terms, what it is, and the function that makes a model of it.

    Cards of converted models, the pages in `model_cards/` and the table in README.md are rendered from it.

    Args:
        name: what `convert_checkpoint` is asked for, such as "merl-resnet18".
        title: of the page; sources of one publication share it, and everything that is not their own.
        summary: what the model is, in a few words.
        convert: is handed the name and the checkpoint, gives the model in evaluation mode and its extractor.
        model: class that the conversion gives.
        config: makes its configuration.
        feature_extractor: makes its preprocessing.
        repository: address of the code that the weights belong to.
        commit: state of that repository that the conversion was written from.
        paper: as cited.
        licence: of the weights, as the Hub writes it ("mit").
        weights: where the authors publish them, Markdown.
        file: name of the published file, or of what a user calls it.
        network: what is inside, Markdown.
        preparation: what the recipe of the extractor does not say by itself, Markdown.
        sha256: of the published file; None where it is not known.
        tokenizer: of a dual encoder, the name of its text tower's tokenizer on the Hub.
        unused: beginnings of the file's keys that the conversion leaves out -> the reason.
        caveats: what a user of the weights must know.
    """

    name: str
    title: str
    summary: str
    convert: Callable[[str, object], tuple[PreTrainedModel, ECGFeatureExtractor]]
    model: type[PreTrainedModel]
    config: Callable[[], PreTrainedConfig]
    feature_extractor: Callable[[], ECGFeatureExtractor]
    repository: str
    commit: str
    paper: str
    licence: str
    weights: str
    file: str
    network: str
    preparation: str
    sha256: str | None = None
    tokenizer: str | None = None
    unused: Mapping[str, str] = field(default_factory=dict)
    caveats: tuple[str, ...] = ()


@dataclass(frozen=True)
class Family:
    """The classes of one `model_type`; a folder of `hf_ecg/models/` exports one as `FAMILY`.

    Args:
        config: the configuration; its `model_type` is the name in saved folders.
        model: what `AutoModel` gives: the encoder, or the whole model of a family that stands around an encoder.
        classifier: the head `XForECGClassification`.
        survival: the head `XForECGSurvival`.
        delineation: the head `XForECGDelineation`, which says something of every sample.
        pretraining: what `AutoModelForPreTraining` gives.
        processor: what `AutoProcessor` gives, of models that read more than ECGs.
        sources: published checkpoints that convert into a model of this family.
        golden: name of a golden case -> the function that gives our numbers for it, see `hf_ecg.golden_cases`.
        not_compared: name of a golden case -> {stored array: why this family gives nothing for it}.

    Example:
        >>> from hf_ecg.models.ecg_resnet import FAMILY
        >>> FAMILY.model.__name__, [source.name for source in FAMILY.sources]
        ('ECGResNetModel', ['ecgclip-resnet18', 'ecgclip-resnet34', 'merl-resnet18', 'merl-resnet34', 'merl-resnet50'])
    """

    config: type[PreTrainedConfig]
    model: type[PreTrainedModel]
    classifier: type[PreTrainedModel] | None = None
    survival: type[PreTrainedModel] | None = None
    delineation: type[PreTrainedModel] | None = None
    pretraining: type[PreTrainedModel] | None = None
    processor: type | None = None
    sources: tuple[Source, ...] = ()
    golden: Mapping[str, Callable[[GoldenCase], Mapping]] = field(default_factory=dict)
    not_compared: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def models(self) -> tuple[type[PreTrainedModel], ...]:
        """Every model class, each once."""
        found = (self.model, self.classifier, self.survival, self.delineation, self.pretraining)
        return tuple(dict.fromkeys(model for model in found if model is not None))
