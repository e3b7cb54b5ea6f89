"""ECGs beside their texts, and views of each ECG for momentum teachers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from huggingface_hub.dataclasses import strict
from transformers.utils import logging

from ...data.collators import ECGTextViewsCollator
from ...data.collators.text_views import checked_groups, listed_views
from ...data.noise_views import electrode_noise
from ...said_once import first_time
from .method import Feeding, TrainingStart
from .text_pairs import TextPairOptions, TextPairs

logger = logging.get_logger(__name__)


@strict
@dataclass
class TextViewOptions(TextPairOptions):
    """Args:
    groups: for each of the model's `teachers` a mapping with its `name`, `teacher_views` and `further_views`, see
        `hf_ecg.data.collators.ECGTextViewsCollator`.
    recordings: folder with the noise recordings bw, em and ma, for every `electrode_noise` of the groups that names
        none; null: noise is simulated, and the log says so once.
    """

    groups: list[dict] = field(default_factory=list)
    recordings: str | None = None

    def validate_groups(self):
        checked_groups(self.groups)


class TextViews(TextPairs):
    """Each record and its text, as `text_pairs`, and views of it in groups, one for each momentum teacher.

    Both kinds of views of a record are in one batch, and a step learns from all of them. TolerantECG's released code
    takes batches of either kind in turn.
    """

    name = "text_views"
    Options = TextViewOptions

    def make_collator(self, feeding: Feeding, **options) -> ECGTextViewsCollator:
        return ECGTextViewsCollator(feeding.processor, self._groups(), **self.collator_options(feeding), **options)

    def _groups(self) -> list[dict]:
        """With the folder of recordings where a noise names none."""
        groups = []
        for group in self.options.groups:
            parts = {
                key: [_heard(views, self.options.recordings) for views in listed_views(group, key)] for key in _PARTS
            }
            groups.append(dict(group) | parts)
        if self.options.recordings is None and any(map(_simulates, groups)) and first_time("simulated noise"):
            logger.warning(
                "noise of views is simulated: method.options.recordings names a folder with the recordings bw, em and"
                " ma of the MIT-BIH Noise Stress Test Database, which TolerantECG adds"
            )
        return groups

    def before_training(self, start: TrainingStart) -> None:
        wanted: Any = getattr(start.model.config, "teachers", None)
        found = [group["name"] for group in self.options.groups]
        if wanted != found:
            raise ValueError(
                f"method.options.groups are {found}, and the model's teachers are {wanted}: wanted the same in the"
                " same order"
            )
        super().before_training(start)


_PARTS = ("teacher_views", "further_views")


def _heard(views: list[dict], recordings: str | None) -> list[dict]:
    named = {"recordings": recordings}
    return [named | view if view.get("name") == electrode_noise.__name__ else view for view in views]


def _simulates(group: Mapping) -> bool:
    noises = [
        one for key in _PARTS for views in group[key] for one in views if one.get("name") == electrode_noise.__name__
    ]
    return any(one.get("recordings") is None for one in noises)
