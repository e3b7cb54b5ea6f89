"""A model as an ONNX file in a folder of its own, beside its recipe, its configuration and a card."""

import json
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from transformers import AutoConfig, AutoFeatureExtractor, AutoProcessor, PreTrainedModel

from ..checks import check_bool, shown
from ..extras import install_words
from ..files import atomic_folder
from ..locks import output_lock
from ..models.ecg_text.text_tower import limit_texts
from ..models.shared.finite_weights import check_weights
from ..models.shared.roles import ecg_encoder, is_dual_encoder, model_role
from ..pretrained_models import model_source
from ..saved_models import saved_class
from ..version import __version__
from .exported_model import (
    FACTS_NAME,
    INPUTS,
    INT8_NAME,
    MODEL_NAME,
    SIGMOID,
    SOFTMAX,
    TEXTS_NAME,
    VALUES,
    ExportedModel,
    largest_difference,
)
from .int8 import quantise

# role -> what the graph gives
OUTPUTS = {
    "classifier": ("logits",),
    "survival model": ("logits",),
    "dual encoder": ("embeddings",),
    "delineation": ("frame_logits", "beat_logits", "rhythm_logits"),
}
OF_AN_ENCODER = ("pooler_output", "last_hidden_state")
# a file of protocol buffers ends at 2 GiB; weights beyond this stand in a file of their own
_ONE_FILE = 1_500_000_000
SHORTEST, LONGEST = 40, 1_000_000
CARD = """---
license: other
library_name: onnx
tags: [ecg, electrocardiogram, onnx, hf_ecg]
---
# {name} as ONNX

Made by `hf-ecg export` of hf_ecg {version} from `{source}`, {role}. The licence is that model's, and so is what it was
trained on; see its card.

| file | what it is |
| --- | --- |
| `model.onnx` | the network: {inputs} in, {outputs} out; {axes} |
{int8}| `preprocessor_config.json` | the steps from a recording to the network's input |
| `export.json` | labels, how outputs become scores, and how far the file's numbers are from torch's |

Against torch on {compared_on}: {parity}. For research; not a medical device.
"""


class Graph(nn.Module):
    """Tensors in, tensors out: what a runtime without transformers wants."""

    def __init__(self, model: PreTrainedModel):
        super().__init__()
        self.model, self.role = model, model_role(model)
        self.outputs = OUTPUTS.get(self.role, OF_AN_ENCODER)

    def forward(self, input_values, lead_mask, sample_mask):
        """The outputs that `outputs` names, in their order."""
        given = {"lead_mask": lead_mask, "sample_mask": sample_mask}
        if self.role == "dual encoder":
            pooled = cast(Any, self.model).get_ecg_features(input_values, **given).pooler_output
            return (F.normalize(pooled.float(), dim=-1),)
        found = self.model(input_values, **given)
        return tuple(found[name] for name in self.outputs)


def export_model(
    name: str,
    output_dir,
    *,
    int8: bool = False,
    calibration: Sequence = (),
    lead: str | None = None,
    texts: Sequence[str] = (),
) -> Path:
    """Write a model as ONNX: any number of records, any length where the network takes any, with both masks.

    Args:
        name: a model's folder, the name of one in the package, or one on the Hub.
        output_dir: the folder to make.
        int8: also write `model_quantized.onnx`, of whole numbers.
        calibration: recordings; with them activations are whole numbers too, by their ranges there. Without, products
            of matrices alone are, by ranges of each call: convolutions stay as they are.
        lead: of the recordings, for a single-lead model.
        texts: of a dual encoder, the texts that an ECG is compared with.

    Returns:
        The folder; `export.json` holds how far its numbers are from torch's.

    Raises:
        ValueError: a model that reads beats in place of the waveform; texts for a model without a text tower, or a
            dual encoder without texts; texts twice or empty; calibration without int8.
        OSError: the model is not there; `output_dir` is, and is not empty.
        ImportError: onnx, onnxscript or onnxruntime is not installed.
    """
    check_bool("int8", int8)
    for what, values in (("texts", texts), ("calibration", calibration)):
        if isinstance(values, (str, bytes)):
            raise ValueError(f"{what} is {shown(values, 60)}, wanted a list")
    if not all(isinstance(one, str) and one.strip() for one in texts) or len(set(texts)) < len(texts):
        raise ValueError(f"texts are {shown(list(texts))}, wanted texts that differ, none of them empty")
    output_dir = Path(output_dir)
    if output_dir.exists() and (not output_dir.is_dir() or any(output_dir.iterdir())):
        raise FileExistsError(f"{output_dir} is there and not empty: choose another folder")
    if len(calibration) and not int8:
        raise ValueError("recordings for calibration were given without int8")
    source = model_source(str(name))
    model, processor = _loaded(source)
    dual = is_dual_encoder(model)
    if dual != bool(len(texts)):
        raise ValueError(f"{name} is {model_role(model)}: texts are wanted of a dual encoder, and of no other model")
    extractor = processor.feature_extractor if dual else processor
    config = ecg_encoder(model).config
    if set(extractor.model_input_names) - {"record_index"} != set(INPUTS):
        raise ValueError(f"{name} reads {extractor.model_input_names}: only models of the waveform are exported")
    graph = Graph(model).eval()

    def write(folder: Path) -> None:
        axes = _write_graph(graph, config, folder / MODEL_NAME)
        facts = _facts(model, config, axes)
        model.config.save_pretrained(folder)
        extractor.save_pretrained(folder)
        if dual:
            np.savez(folder / TEXTS_NAME, embeddings=_embedded(model, processor.tokenizer, texts))
            facts |= {"labels": list(texts)}
        _save(folder, facts)
        exported = ExportedModel(folder)
        rows = [exported.inputs(one, lead=lead) for one in calibration]
        inputs = _example(config, 3, config.num_samples)
        if rows:
            inputs = tuple(torch.from_numpy(rows[0][name]) for name in INPUTS)
        wanted = _outputs(graph, inputs)
        arrays = {key: value.numpy() for key, value in zip(INPUTS, inputs, strict=True)}
        facts["compared_on"] = "the first recording of the calibration" if rows else "made waveforms, with masks"
        facts["parity"] = {MODEL_NAME: largest_difference(exported.run(arrays), wanted)}
        if int8:
            quantise(folder / MODEL_NAME, folder / INT8_NAME, rows)
            found = ExportedModel(folder, int8=True).run(arrays)
            facts["parity"][INT8_NAME] = largest_difference(found, wanted)
        _save(folder, facts)
        (folder / "README.md").write_text(_card(str(name), facts, graph, int8), encoding="utf-8")

    with output_lock(output_dir):
        atomic_folder(output_dir, write, replace=False)
    return output_dir


def _loaded(source: str):
    model = saved_class(AutoConfig.from_pretrained(source)).from_pretrained(source, dtype=torch.float32)
    check_weights(model, source)
    if model_role(model) in ("pretraining", "lead reconstruction"):
        model = ecg_encoder(model)
    kind = AutoProcessor if is_dual_encoder(model) else AutoFeatureExtractor
    return model.eval(), kind.from_pretrained(source)


def _example(config, rows: int, samples: int) -> tuple[torch.Tensor, ...]:
    """Made waveforms with an absent last lead and an end of padding in some rows."""
    values = torch.randn(rows, config.num_leads, samples, generator=torch.Generator().manual_seed(0))
    lead_mask = torch.ones(rows, config.num_leads, dtype=torch.bool)
    sample_mask = torch.ones(rows, samples, dtype=torch.bool)
    if config.num_leads > 1:
        lead_mask[0, -1] = False
    sample_mask[-1, samples - samples // 4 :] = False
    return values * lead_mask[:, :, None] * sample_mask[:, None], lead_mask, sample_mask


def _outputs(graph: Graph, inputs) -> dict[str, np.ndarray]:
    with torch.no_grad():
        return {key: value.numpy() for key, value in zip(graph.outputs, graph(*inputs), strict=True)}


def _takes_any_length(graph: Graph, config) -> bool:
    """A network whose positions have weights of their own takes no more than it was made for."""
    try:
        _outputs(graph, _example(config, 2, 2 * config.num_samples + 5))
    except ValueError:
        return False
    return True


def _write_graph(graph: Graph, config, path: Path) -> str:
    """Writes the file, and says which of its axes may have another size."""
    shapes: dict[str, dict[int, Any]] = {name: {0: torch.export.Dim("batch")} for name in INPUTS}
    any_length = _takes_any_length(graph, config)
    if any_length:
        length = torch.export.Dim("samples", min=SHORTEST, max=LONGEST)
        shapes["input_values"][2] = shapes["sample_mask"][1] = length
    size = sum(value.numel() * value.element_size() for value in graph.state_dict().values())
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                graph,
                _example(config, 2, config.num_samples),
                str(path),
                dynamo=True,
                dynamic_shapes=shapes,
                input_names=list(INPUTS),
                output_names=list(graph.outputs),
                external_data=size > _ONE_FILE,
                verbose=False,
            )
    except ImportError as error:
        raise ImportError(f"an export needs more packages: {install_words('onnx onnxscript', 'onnx')}") from error
    return f"any number of records of {'any length' if any_length else f'{config.num_samples} samples'}"


def _facts(model: PreTrainedModel, config, axes: str) -> dict[str, Any]:
    role, settings = model_role(model), cast(Any, model.config)
    facts = {"hf_ecg_version": __version__, "role": role, "axes": axes, "labels": None, "scores": VALUES}
    if role == "classifier":
        scores = {"regression": VALUES, "single_label_classification": SOFTMAX}
        labels = [settings.id2label[number] for number in sorted(settings.id2label)]
        return facts | {"labels": labels, "scores": scores.get(settings.problem_type, SIGMOID)}
    if role == "dual encoder":
        scale = float(cast(Any, model).logit_scale.detach().exp())
        odds = settings.gives_probabilities
        bias = float(cast(Any, model).logit_bias.detach()) if odds else 0.0
        return facts | {"scores": SIGMOID if odds else SOFTMAX, "scale": scale, "bias": bias}
    return facts


def _embedded(model, tokenizer, texts: Sequence[str]) -> np.ndarray:
    """float32 (texts, projection_dim), of unit length."""
    limit_texts(tokenizer, model.max_text_tokens)
    tokens = tokenizer(list(texts), padding=True, truncation=True, return_tensors="pt")
    with torch.no_grad():
        pooled = model.get_text_features(**tokens).pooler_output
    return F.normalize(pooled.float(), dim=-1).numpy()


def _save(folder: Path, facts: dict) -> None:
    (folder / FACTS_NAME).write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")


def _card(name: str, facts: dict, graph: Graph, int8: bool) -> str:
    parity = "; ".join(
        f"`{file}` {key} {values['difference']:.1e} at most, cosine {values['cosine']:.5f} at least"
        for file, told in facts["parity"].items()
        for key, values in told.items()
    )
    return CARD.format(
        name=Path(name).name,
        version=__version__,
        source=Path(name).name,
        role=facts["role"],
        inputs=", ".join(INPUTS),
        outputs=", ".join(graph.outputs),
        axes=facts["axes"],
        int8=f"| `{INT8_NAME}` | the same in whole numbers |\n" if int8 else "",
        parity=parity,
        compared_on=facts["compared_on"],
    )
