"""Pipelines: embeddings, classes and prompts from a WFDB path, an array or a row in one call.

    import hf_ecg
    from transformers import pipeline

    classify = pipeline("zero-shot-ecg-classification", model="out/demo/clep")
    classify("record.hea", candidate_labels=["sinus rhythm", "atrial fibrillation"])

An ECG is a WFDB path; an array `(leads, samples)` with `sampling_rate=`, `leads=` and `units=`; a dict with these and
`array`; or a row of a prepared corpus. A list of them, or an array `(records, leads, samples)`, gives a list; a
`datasets.Dataset` and a generator give an iterator. `batch_size=` and `device=` are those of every pipeline, `lead=`
is for models of a single lead. Several crops of a record count as their mean.
"""

import inspect
from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader
from transformers import AutoModel, Pipeline
from transformers.pipelines import PIPELINE_REGISTRY
from transformers.pipelines.base import no_collate_fn
from transformers.pipelines.pt_utils import PipelineDataset, PipelineIterator

from .auto import AutoModelForECGClassification
from .checks import nearest
from .models.shared.roles import ecg_encoder, is_dual_encoder
from .processing import ECGTextProcessor, Output, stack_outputs

_OF_ARRAYS = ("sampling_rate", "leads", "units")
_INPUT_OPTIONS = (*_OF_ARRAYS, "lead")


class _ECGPipeline(Pipeline):
    """What the three have in common: reading ECGs and making batches of them.

    Subclasses give `model_outputs(inputs, **options)`, a tensor (crops, size), and `postprocess`, whose keyword
    arguments are their options; those of `model_outputs` are theirs too.
    """

    _load_processor = False
    _load_image_processor = False
    _load_feature_extractor = True
    _load_tokenizer = False

    def __call__(self, inputs, **options):
        """See the page of this module.

        Raises:
            ValueError: an ECG that the feature extractor refuses, no ECG at all, or an unknown option.
            OSError: a WFDB file is absent or damaged.
        """
        if hasattr(inputs, "select_columns"):  # a datasets.Dataset; importing it here costs only those who have one
            from .data.rows import RowDataset

            inputs = RowDataset(inputs)
        elif isinstance(inputs, (np.ndarray, torch.Tensor)) and inputs.ndim == 3:
            inputs = list(inputs)
        elif isinstance(inputs, tuple):
            inputs = list(inputs)
        if isinstance(inputs, list) and not inputs:
            raise ValueError("the list of ECGs is empty, wanted at least one")
        return super().__call__(inputs, **options)

    def _sanitize_parameters(self, **options):
        forward = _keywords(self.model_outputs)
        after = _keywords(self.postprocess)
        known = [*_INPUT_OPTIONS, *forward, *after]
        for key in options:
            if key not in known:
                raise ValueError(f"unknown option {key!r}{nearest(key, known)}; {self.task} knows {', '.join(known)}")
        return tuple(
            {key: value for key, value in options.items() if key in names}
            for names in (_INPUT_OPTIONS, forward, after)
        )

    def preprocess(self, ecg, **options):
        if isinstance(ecg, Mapping) and "array" in ecg:
            unknown = sorted(set(ecg) - {"array", *_INPUT_OPTIONS})
            if unknown:
                raise ValueError(f"a dict with `array` holds {unknown}, wanted array, {', '.join(_INPUT_OPTIONS)}")
            options = options | {key: ecg[key] for key in _INPUT_OPTIONS if key in ecg}
            ecg = ecg["array"]
        elif isinstance(ecg, Mapping):
            # a row says itself what it holds
            options = {key: value for key, value in options.items() if key == "lead"}
        return dict(self.feature_extractor(ecg, **options, return_tensors="pt"))

    def get_iterator(self, inputs, num_workers, batch_size, preprocess_params, forward_params, postprocess_params):
        """As the base class does it; records of several lengths are padded under their masks."""
        if hasattr(inputs, "__len__"):
            prepared = PipelineDataset(inputs, self.preprocess, preprocess_params)
        else:
            prepared, num_workers = PipelineIterator(inputs, self.preprocess, preprocess_params), min(num_workers, 1)
        collate = no_collate_fn if batch_size == 1 else partial(_collate, outputs=self.feature_extractor.outputs)
        batches = DataLoader(prepared, num_workers=num_workers, batch_size=batch_size, collate_fn=collate)
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

    def _forward(self, inputs, **options):
        record_index = inputs.pop("record_index", None)
        values = self.model_outputs(inputs, **options).float()
        if record_index is not None:
            from .evaluation.judging.features import average_crops

            record_index = record_index.to(values.device)
            values = average_crops(values, record_index, int(record_index.max()) + 1)
        return {"values": values}


class ECGFeatureExtractionPipeline(_ECGPipeline):
    """Task "ecg-feature-extraction": the embedding of an ECG, a list of hidden_size numbers.

    Options: `projected=True` gives a dual encoder's unit-length embedding in the space it shares with texts, instead
    of the pooled output of its ECG tower; `return_tensors=True` gives float32 tensors (size,).
    """

    def model_outputs(self, inputs, projected: bool = False):
        if not projected:
            return ecg_encoder(self.model)(**inputs).pooler_output
        if not is_dual_encoder(self.model):
            raise ValueError(f"projected is for dual encoders, and the model is {type(self.model).__name__}")
        return nn.functional.normalize(self.model.get_ecg_features(**inputs).pooler_output.float(), dim=-1)

    def postprocess(self, outputs, return_tensors: bool = False):
        values = outputs["values"][0].cpu()
        return values if return_tensors else values.tolist()


class ECGClassificationPipeline(_ECGPipeline):
    """Task "ecg-classification": `[{"label", "score"}, ...]`, the highest score first.

    Scores are probabilities, of each label by itself (multi-label) or among all (single-label); a regression model
    gives its values, in the order of its labels. Options: `top_k` (default 5, None for all), `threshold` (lowest score
    that is kept).
    """

    def model_outputs(self, inputs):
        return self.model(**inputs).logits

    def postprocess(self, outputs, top_k: int | None = 5, threshold: float | None = None):
        config, values = self.model.config, outputs["values"][0].cpu()
        if config.problem_type == "regression":
            return _labelled(config.id2label, values)
        single = config.problem_type == "single_label_classification"
        found = _labelled(config.id2label, values.softmax(-1) if single else values.sigmoid())
        return _highest(found, top_k, threshold)


class ZeroShotECGClassificationPipeline(_ECGPipeline):
    """Task "zero-shot-ecg-classification": a dual encoder's `[{"label", "score", "cosine"}, ...]`, the highest first.

    Whether a label is truly zero-shot depends on the texts that the model was trained on.

    Options: `candidate_labels`, a list of texts, or a dict from label to its texts, the best of which counts;
    `hypothesis_template` (default "{}") that each text is put into; `top_k`, `threshold`. The score is the probability
    that ECG and text are a pair, for each label by itself, when the model was trained with a sigmoid loss, and the
    softmax over the labels otherwise. Texts are encoded once, not for each ECG.
    """

    _load_tokenizer = True
    _texts: tuple = ()

    def model_outputs(self, inputs):
        if not is_dual_encoder(self.model):
            raise ValueError(f"zero-shot classification wants a dual encoder, found {type(self.model).__name__}")
        return nn.functional.normalize(self.model.get_ecg_features(**inputs).pooler_output.float(), dim=-1)

    def postprocess(
        self,
        outputs,
        candidate_labels=None,
        hypothesis_template: str = "{}",
        top_k: int | None = None,
        threshold: float | None = None,
    ):
        from .evaluation.judging.label_text import class_similarities

        classes = _label_texts(candidate_labels, hypothesis_template)
        record = nn.functional.normalize(outputs["values"], dim=-1).cpu().numpy()
        cosines, probabilities = class_similarities(self.model, record, self._embedded(classes), classes)
        if probabilities is None:
            scale = float(self.model.logit_scale.detach().exp())
            probabilities = torch.from_numpy(scale * cosines).softmax(-1).numpy()
        rows = zip(classes, probabilities[0].tolist(), cosines[0].tolist(), strict=True)
        found = [{"label": label, "score": score, "cosine": cosine} for label, score, cosine in rows]
        return _highest(found, top_k, threshold)

    def _embedded(self, classes: dict[str, list[str]]) -> np.ndarray:
        from .evaluation.judging.features import ecg_text_embeddings

        texts = tuple(text for group in classes.values() for text in group)
        if texts != self._texts:
            processor = ECGTextProcessor(self.feature_extractor, self.tokenizer)
            self._text_embeds = ecg_text_embeddings(self.model, processor, texts)
            self._texts = texts
        return self._text_embeds


class _TrainedClassifier(AutoModelForECGClassification):
    """What "ecg-classification" loads: weights with their head, for a new head's scores are random numbers."""

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path, *args, **kwargs):
        model, info = super().from_pretrained(pretrained_model_name_or_path, *args, output_loading_info=True, **kwargs)
        if info["missing_keys"]:
            raise ValueError(
                f"{pretrained_model_name_or_path} has no trained head: {sorted(info['missing_keys'])} are missing. Is"
                " it an encoder? train/finetune.py makes a classifier of it"
            )
        return model


def register_pipelines() -> None:
    """Make the three tasks known to `transformers.pipeline`; `import hf_ecg` calls it."""
    for task, pipeline_class, model_class in (
        ("ecg-feature-extraction", ECGFeatureExtractionPipeline, AutoModel),
        ("ecg-classification", ECGClassificationPipeline, _TrainedClassifier),
        ("zero-shot-ecg-classification", ZeroShotECGClassificationPipeline, AutoModel),
    ):
        PIPELINE_REGISTRY.register_pipeline(task, pipeline_class=pipeline_class, pt_model=model_class, type="audio")


def _keywords(function) -> list[str]:
    return list(inspect.signature(function).parameters)[1:]


def _collate(items: list[dict], outputs: Sequence[Output]) -> dict[str, torch.Tensor]:
    """One batch of records' inputs; shorter ones are padded as their outputs say."""
    crops = torch.tensor([len(next(iter(item.values()))) for item in items])
    batch = stack_outputs(items, outputs, return_tensors="pt")
    # an index that counts through the batch, also where each record has one crop: the outputs are then one a record
    batch["record_index"] = torch.repeat_interleave(torch.arange(len(items)), crops)
    return batch


def _labelled(id2label: Mapping, values: torch.Tensor) -> list[dict]:
    return [{"label": id2label[index], "score": value} for index, value in enumerate(values.tolist())]


def _highest(found: list[dict], top_k: int | None, threshold: float | None) -> list[dict]:
    if top_k is not None and (not isinstance(top_k, int) or top_k < 1):
        raise ValueError(f"top_k is {top_k!r}, wanted a number of labels, or None for all")
    kept = [entry for entry in found if threshold is None or entry["score"] >= threshold]
    return sorted(kept, key=lambda entry: -entry["score"])[:top_k]


def _label_texts(candidate_labels, template: str) -> dict[str, list[str]]:
    if not candidate_labels or isinstance(candidate_labels, str):
        raise ValueError(
            f"candidate_labels is {candidate_labels!r}, wanted a list of texts or a dict of label to texts"
        )
    if "{}" not in template:
        raise ValueError(f"hypothesis_template is {template!r}, wanted a text with {{}} where the label goes")
    if not isinstance(candidate_labels, Mapping):
        if len(set(candidate_labels)) < len(candidate_labels):
            raise ValueError(f"candidate_labels names a text twice: {list(candidate_labels)}")
        candidate_labels = {text: text for text in candidate_labels}
    groups = {label: [texts] if isinstance(texts, str) else list(texts) for label, texts in candidate_labels.items()}
    empty = [label for label, texts in groups.items() if not texts]
    if empty:
        raise ValueError(f"candidate_labels has no texts for {empty}")
    return {label: [template.replace("{}", text) for text in texts] for label, texts in groups.items()}
