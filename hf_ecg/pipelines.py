"""Pipelines: embeddings, classes and prompts from a WFDB path, an array or a row in one call.

    import hf_ecg
    from transformers import pipeline

    classify = pipeline("zero-shot-ecg-classification")  # or model=: a folder, a Hub id
    classify("record.hea", candidate_labels=["sinus rhythm", "atrial fibrillation"])

An ECG is a WFDB path; an array `(leads, samples)` with `sampling_rate=`, `leads=` and `units=`; a dict with these and
`array`; or a row of a prepared corpus. A list of them, or an array `(records, leads, samples)`, gives a list; a
`datasets.Dataset`, streamed or not, a `KeyDataset`, a generator and any other iterable give an iterator. One pipeline
may be called from several threads. `batch_size=` and `device=` are those of every pipeline, `lead=` is for models of a
single lead. Of a file `leads=` chooses, and `rename=` says which lead a channel is (`rename={"ECG": "I"}`). Several
crops of a record count as their mean (`crops="max"`: the largest of each number, for rare findings), and so do its
windows, into which a record is cut that is longer than the model takes; `window=` says otherwise ("all", "first",
"recipe", or seconds; see `ECGFeatureExtractor`), and "windows" in the answers how many. A classifier with covariates
wants them: `covariates={"age": 61, "sex": None}`, None where not known; a row has them in its columns, a dict may.
Without `model=` it is "ecg-text-small", which lies inside the package.
"""

import inspect
from collections.abc import Mapping, Sequence
from functools import partial
from os import PathLike

import torch
import transformers
from torch import nn
from transformers import Pipeline
from transformers.pipelines import PIPELINE_REGISTRY
from transformers.pipelines.base import no_collate_fn
from transformers.pipelines.pt_utils import PipelineDataset, PipelineIterator
from transformers.utils import logging

from .checks import check_one_of, nearest
from .models.shared.finite_weights import check_weights
from .models.shared.roles import ecg_encoder, is_dual_encoder
from .models.shared.task_names import CLASSES, FEATURES, RECONSTRUCTION, ZERO_SHOT
from .pipeline_calibration import CalibratedMixin, classifier_tasks
from .pipeline_covariates import OUTPUT, CovariateInputMixin
from .pipeline_inputs import as_base_class_takes_them
from .pipeline_labels import highest, labelled
from .pipeline_parts import (
    WITHOUT_DEFAULT,
    DualEncoder,
    ECGModel,
    Reconstructor,
    TrainedClassifier,
    origin_of,
    parts_of_processor,
    task_of,
    usable_extractor,
    usable_model,
    usable_tokenizer,
)
from .pipeline_windows import collate, pooled_outputs, record_inputs
from .pretrained_models import model_source, pretrained, pretrained_names
from .processing import ECGTextProcessor
from .trained_on import tell_trained_on

logger = logging.get_logger(__name__)

# of a pipeline that names none; it classifies by words, and has no labels of its own
DEFAULT_MODEL = "ecg-text-small"

_OF_ARRAYS = ("sampling_rate", "leads", "units")
_OF_ARRAY_DICTS = ("array", *_OF_ARRAYS, "lead")
_INPUT_OPTIONS = (*_OF_ARRAYS, "lead", "rename", "window")


class ECGPipeline(Pipeline):
    """What all have in common: reading ECGs and making batches of them.

    Subclasses give `task_name`, `model_outputs(inputs, **options)`, a tensor (crops, size), and `postprocess`, whose
    keyword arguments are their options; those of `model_outputs` are theirs too.
    """

    _load_processor = False
    _load_image_processor = False
    # by `pipeline_parts`, after the model has been looked at
    _load_feature_extractor = False
    _load_tokenizer = False
    _reads_text = False
    task_name: str
    input_options: tuple[str, ...] = _INPUT_OPTIONS
    # columns told beside the waveform
    covariates: Sequence[str] = ()

    def __init__(self, model, tokenizer=None, feature_extractor=None, processor=None, **kwargs):
        """See `transformers.Pipeline`; `processor` stands for both of its parts.

        Raises:
            ValueError: a model that the task cannot use, another feature extractor than an `ECGFeatureExtractor`.
            OSError: files of the model or its processor are absent or damaged.
        """
        model = usable_model(self.task_name, model)
        parts = parts_of_processor(processor)
        feature_extractor = feature_extractor or parts.get("feature_extractor")
        tokenizer = tokenizer or parts.get("tokenizer")
        feature_extractor = usable_extractor(self.task_name, feature_extractor, model)
        tokenizer = usable_tokenizer(tokenizer, model) if self._reads_text else None
        super().__init__(model, tokenizer=tokenizer, feature_extractor=feature_extractor, **kwargs)
        tell_trained_on(*origin_of(self.model))
        try:
            check_weights(self.model, self.model.name_or_path)
            self._weights_checked = True
        except ValueError as error:
            # a pipeline may be made to look at what is in it; it gives no answer
            logger.warning("%s", error)
            self._weights_checked = False

    def __call__(self, inputs, **options):
        """See the page of this module.

        Raises:
            ValueError: an ECG that the feature extractor refuses, no ECG at all, or an unknown option; a model whose
                weights or outputs are NaN or infinite.
            OSError: a WFDB file is absent or damaged.
        """
        if not self._weights_checked:
            check_weights(self.model, self.model.name_or_path)
        inputs = as_base_class_takes_them(inputs, self.covariates)
        if isinstance(inputs, list) and not inputs:
            raise ValueError("the list of ECGs is empty, wanted at least one")
        return super().__call__(inputs, **options)

    def _sanitize_parameters(self, **options):
        forward = [*_keywords(self.model_outputs), "crops"]
        after = _keywords(self.postprocess)
        known = [*self.input_options, *forward, *after]
        for key in options:
            if key not in known:
                raise ValueError(f"unknown option {key!r}{nearest(key, known)}; {self.task} knows {', '.join(known)}")
        return tuple(
            {key: value for key, value in options.items() if key in names}
            for names in (self.input_options, forward, after)
        )

    def preprocess(self, ecg, **options):
        if isinstance(ecg, Mapping) and "array" in ecg:
            unknown = sorted(set(ecg) - set(_OF_ARRAY_DICTS))
            if unknown:
                raise ValueError(f"a dict with `array` holds {unknown}, wanted {', '.join(_OF_ARRAY_DICTS)}")
            options = options | {key: ecg[key] for key in _INPUT_OPTIONS if key in ecg}
            ecg = ecg["array"]
        elif isinstance(ecg, Mapping):
            # a row says itself what it holds
            options = {key: value for key, value in options.items() if key in ("lead", "rename", "window")}
        return record_inputs(ecg, self.feature_extractor, self.model, **options)

    def get_iterator(self, inputs, num_workers, batch_size, preprocess_params, forward_params, postprocess_params):
        """As the base class does it; records of several lengths are padded under their masks."""
        from .data.batch_loader import BatchLoader

        if hasattr(inputs, "__len__"):
            prepared = PipelineDataset(inputs, self.preprocess, preprocess_params)
        else:
            prepared, num_workers = PipelineIterator(inputs, self.preprocess, preprocess_params), min(num_workers, 1)
        stacked = [*self.feature_extractor.outputs, *([OUTPUT] if self.covariates else [])]
        put_together = no_collate_fn if batch_size == 1 else partial(collate, outputs=stacked)
        batches = BatchLoader(prepared, num_workers=num_workers, batch_size=batch_size, collate_fn=put_together)
        outputs = PipelineIterator(batches, self.forward, forward_params, loader_batch_size=batch_size)
        return PipelineIterator(outputs, self.postprocess, postprocess_params)

    def save_pretrained(self, save_directory, **kwargs):
        """Model and processor, as folders of this package hold them.

        The pipelines' code stays in the package; the base class would copy a part of it beside the weights.
        """
        if self.tokenizer is None:
            parts = (self.model, self.feature_extractor)
        else:
            parts = (self.model, ECGTextProcessor(self.feature_extractor, self.tokenizer))
        for part in parts:
            part.save_pretrained(save_directory, **kwargs)

    def _outputs(self, inputs, **options) -> torch.Tensor:
        """What is averaged over the crops of a record."""
        return self.model_outputs(inputs, **options)

    def _forward(self, inputs, crops: str = "mean", **options):
        check_one_of("crops", crops, ("mean", "max"))

        def forward(batch):
            return self._outputs(self._ensure_tensor_on_device(batch, device=self.device), **options)

        values, windows = pooled_outputs(forward, inputs, self.feature_extractor, crops)
        if not values.isfinite().all():
            raise ValueError(f"{type(self.model).__name__} gives NaN or infinite values for an ECG without them")
        return {"values": values, "windows": windows}


class ECGFeatureExtractionPipeline(ECGPipeline):
    """Task "ecg-feature-extraction": the embedding of an ECG, a list of hidden_size numbers.

    Options: `projected=True` gives a dual encoder's unit-length embedding in the space it shares with texts, instead
    of the pooled output of its ECG tower; `return_tensors=True` gives float32 tensors (size,).
    """

    task_name = FEATURES

    def model_outputs(self, inputs, projected: bool = False):
        if not projected:
            return ecg_encoder(self.model)(**inputs).pooler_output
        if not is_dual_encoder(self.model):
            raise ValueError(f"projected is for dual encoders, and the model is {type(self.model).__name__}")
        return nn.functional.normalize(self.model.get_ecg_features(**inputs).pooler_output.float(), dim=-1)

    def postprocess(self, outputs, return_tensors: bool = False):
        values = outputs["values"][0].cpu()
        return values if return_tensors else values.tolist()


class ECGClassificationPipeline(CalibratedMixin, CovariateInputMixin, ECGPipeline):
    """Task "ecg-classification": `[{"label", "score"}, ...]`, the highest score first.

    Scores are probabilities, of each label by itself (multi-label) or among all (single-label); a regression model
    gives its values, in the order of its labels. Options: `top_k` (default 5, None for all), `threshold` (lowest score
    that is kept), `calibrated=False` (scores as the model gives them, see `pipeline_calibration`).
    """

    task_name = CLASSES
    input_options = (*_INPUT_OPTIONS, "covariates")

    def model_outputs(self, inputs):
        return self.model(**inputs).logits

    def postprocess(
        self, outputs, top_k: int | None = 5, threshold: float | None = None, calibrated: bool | None = None
    ):
        config, values = self.model.config, outputs["values"][0].cpu()
        if config.problem_type == "regression":
            return labelled(config.id2label, values, outputs["windows"])
        single = config.problem_type == "single_label_classification"
        found = labelled(config.id2label, values.softmax(-1) if single else values.sigmoid(), outputs["windows"])
        if self.calibration is not None and calibrated is not False:
            sure = self._sure(classifier_tasks(self.calibration, config.id2label), values.double().numpy(), outputs)
            found = [one | more for one, more in zip(found, sure, strict=True)]
        return highest(found, top_k, threshold)


def pipeline(task: str | None = None, model=None, **options) -> Pipeline:
    """A pipeline as `transformers.pipeline` makes it, of a model that is looked for first.

    Args:
        task: "ecg-feature-extraction", "ecg-classification", "zero-shot-ecg-classification" or
            "ecg-lead-reconstruction". None: the one that the model was made for. `transformers.pipeline` wants a task
            here: by itself it finds those of the Hub alone.
        model: a model inside the package (see `pretrained_names`), a folder, a Hub id, or a loaded model, which wants
            `feature_extractor=` or `processor=` too. Default: "ecg-text-small", which has no classes of its own.
        options: those of `transformers.pipeline`, such as `device` and `batch_size`.

    Raises:
        ValueError: another task, or a model that the task cannot use.
        OSError: the model is not there; see `pretrained_models.model_source`.

    Example:
        >>> import hf_ecg
        >>> classify = hf_ecg.pipeline("zero-shot-ecg-classification", "ecg-text-small")
        >>> answers = classify("record.hea", candidate_labels=["sinus rhythm", "atrial fibrillation"])
        >>> sorted(answers[0])
        ['cosine', 'label', 'score']
        >>> hf_ecg.pipeline(model="ecg-single-lead-small").task
        'ecg-feature-extraction'
    """
    if task is None:
        task = task_of(model)
    check_one_of("task", task, (FEATURES, CLASSES, ZERO_SHOT, RECONSTRUCTION))
    if model is None and task in WITHOUT_DEFAULT:
        raise ValueError(f"{task} wants model=, {WITHOUT_DEFAULT[task]}")
    if model is None:
        model = DEFAULT_MODEL
    if isinstance(model, (str, PathLike)):
        model = model_source(str(model))
    return transformers.pipeline(task, model=model, **options)


def register_pipelines() -> None:
    """Make the four tasks known to `transformers.pipeline`; `import hf_ecg` calls it."""
    from .pipeline_reconstruction import ECGLeadReconstructionPipeline
    from .pipeline_zero_shot import ZeroShotECGClassificationPipeline

    default = DEFAULT_MODEL if DEFAULT_MODEL in pretrained_names() else None
    for task, pipeline_class, model_class in (
        (FEATURES, ECGFeatureExtractionPipeline, ECGModel),
        (CLASSES, ECGClassificationPipeline, TrainedClassifier),
        (ZERO_SHOT, ZeroShotECGClassificationPipeline, DualEncoder),
        (RECONSTRUCTION, ECGLeadReconstructionPipeline, Reconstructor),
    ):
        PIPELINE_REGISTRY.register_pipeline(
            task,
            pipeline_class=pipeline_class,
            pt_model=model_class,
            # (folder, revision): without a default transformers ends in a KeyError
            default={"model": (pretrained(default), None)} if default else None,
            type="audio",
        )


def _keywords(function) -> list[str]:
    return list(inspect.signature(function).parameters)[1:]
