"""Training sees one row of a record, where the feature extractor makes several to be averaged."""

from collections.abc import Sequence

from ...processing import ECGFeatureExtractor
from ...processing.steps.sample_steps import RECORD_INDEX
from ...processing.steps.step_table import build_step

CROP = "random_crop"


def one_row_a_record(
    extractor: ECGFeatureExtractor, views: Sequence[dict], rows: int = 1
) -> tuple[ECGFeatureExtractor, list[dict]]:
    """The extractor and the views of a training; as they are when the extractor makes one row of each record.

    The step that makes several rows of a record (`multi_crop`, `segments`) gives way to a random crop of their length,
    the first view, in its place; without any view to the first crop.

    Args:
        extractor: the model's own.
        views: of the training.
        rows: how many of the extractor's rows a record is to be long, from its start: 2 for two segments of it, which
            the collator cuts.

    Raises:
        ValueError: views that act in another place than that step.
    """
    steps, views = [dict(step) for step in extractor.steps], list(views)
    place = next((i for i, step in enumerate(steps) if RECORD_INDEX in build_step(step).outputs), None)
    if place is None:
        return extractor, views
    length = steps[place].get("num_samples", extractor.num_samples)
    steps[place] = {"name": "crop", "num_samples": rows * length}
    if rows == 1 and views:
        if any(step["name"] == "views" for step in steps):
            raise ValueError(f"steps has views beside {extractor.steps[place]['name']}, in whose place views act")
        steps[place] = {"name": "views"}
        if views[0].get("name") != CROP:
            views.insert(0, {"name": CROP, "num_samples": length})
    whole = None if extractor.num_samples is None else rows * extractor.num_samples
    return ECGFeatureExtractor(extractor.sampling_rate, extractor.leads, whole, steps), views
