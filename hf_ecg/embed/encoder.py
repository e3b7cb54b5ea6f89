"""The model as a function from windows to embeddings, and the name of its exact weights."""

import torch
from transformers import AutoFeatureExtractor

from ..evaluation.judging.features import average_crops, frozen, signal_held
from ..evaluation.loading import checked_source, extractor_of, load_whole
from ..evaluation.options import MEAN
from ..evaluation.weights import tensors_digest
from ..lead_costs import tell_lead_costs
from ..models.shared.roles import ecg_encoder, is_dual_encoder
from ..processing import ECGFeatureExtractor
from ..processing.record_windows import WindowPlan
from ..saved_models import window_of, window_seconds


class Encoder:
    """A model with its feature extractor.

    Args:
        model: folder, Hub id, or a loaded model (which wants `feature_extractor`).
        feature_extractor: default: the model's own.
        revision: branch, tag or commit on the Hub.
        projected: the unit-length embedding that a dual encoder compares with texts, instead of the pooled output of
            its encoder.
        lead: for models of a single lead, the one they are to see.
        device: where it runs; None takes it as it is.
        crops: "mean" of a window's crops, or "max" of each number.

    Raises:
        ValueError: no encoder of ECGs, `projected` without a dual encoder, or no `ECGFeatureExtractor`.
        OSError: nothing of that name.
    """

    def __init__(
        self, model, feature_extractor=None, revision=None, projected=False, lead=None, device=None, crops=MEAN
    ):
        if isinstance(model, torch.nn.Module):
            if feature_extractor is None or revision is not None:
                raise ValueError("a loaded model wants its feature_extractor beside it, and takes no revision")
            self.origin = getattr(model.config, "_name_or_path", "")
            self.name = self.origin or type(model).__name__
        else:
            self.name = str(model)
            self.origin = source = checked_source(self.name, revision=revision)
            if feature_extractor is None:
                feature_extractor = AutoFeatureExtractor.from_pretrained(source, revision=revision)
            model = load_whole(source, revision)
        feature_extractor = extractor_of(feature_extractor)
        if not isinstance(feature_extractor, ECGFeatureExtractor):
            raise ValueError(f"{self.name} comes with {type(feature_extractor).__name__}, wanted ECGFeatureExtractor")
        self.dual = model if is_dual_encoder(model) else None
        if projected and self.dual is None:
            raise ValueError(f"{self.name} is a {type(model).__name__}: only a dual encoder has a space to project to")
        self.model = self.dual if projected else ecg_encoder(model)
        if device is not None:
            self.model = self.model.to(device)
        self.revision, self._revision = tensors_digest(model), revision
        self.feature_extractor = feature_extractor
        self.projected, self.crops = projected, crops
        self.lead = lead
        self.size = int(model.config.projection_dim if projected else self.model.config.hidden_size)

    @property
    def window_seconds(self) -> float | None:
        """See `saved_models.window_seconds`."""
        return window_seconds(self.feature_extractor, self.model)

    def plan(self, window: str, stride: float | None) -> WindowPlan:
        """How records are cut: a recipe that takes any length without a limit keeps taking them whole, up to one."""
        chosen = None if window == "all" and self.window_seconds is None else window
        return window_of(chosen, self.feature_extractor, self.model, stride=stride)

    def prepare(self, records: list) -> tuple[dict[str, torch.Tensor], list[list[bool]]]:
        """Model inputs of some windows, on the CPU, and the lead mask of each.

        Raises:
            ValueError: see `ECGFeatureExtractor`.
        """
        inputs = dict(self.feature_extractor(records, lead=self.lead, return_tensors="pt", window="recipe"))
        tell_lead_costs(self.origin, self.feature_extractor.leads, inputs["lead_mask"].tolist(), self._revision)
        inputs.setdefault("record_index", torch.arange(len(records)))
        # crops of one record have the same leads
        first = torch.searchsorted(inputs["record_index"], torch.arange(len(records)))
        return inputs, inputs["lead_mask"][first].tolist()

    def __call__(self, inputs: dict[str, torch.Tensor], number: int) -> torch.Tensor:
        """float32 (number, size) on the CPU, the mean over the crops of a window, or the largest of each number."""
        device = next(self.model.parameters()).device
        record_index, held = inputs["record_index"], signal_held(inputs)
        on_device = {key: value.to(device) for key, value in inputs.items() if key != "record_index"}
        with frozen(self.model):
            if self.projected:
                outputs = _unit(self.model.get_ecg_features(**on_device).pooler_output.float().cpu())
                outputs = _unit(average_crops(outputs, record_index, number, self.crops, held))
            else:
                outputs = self.model(**on_device).pooler_output
                if outputs is None:
                    raise ValueError(f"{self.name}: {type(self.model).__name__} gives no pooler_output")
                outputs = average_crops(outputs.float().cpu(), record_index, number, self.crops, held)
        if outputs.shape[1] != self.size:
            raise ValueError(
                f"{self.name} gives {outputs.shape[1]} values a record, its configuration says {self.size}"
            )
        return outputs


def _unit(values: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.normalize(values, dim=-1)
