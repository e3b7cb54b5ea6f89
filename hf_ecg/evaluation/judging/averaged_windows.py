"""What a report says of rows that are longer than a model takes at once."""

from collections import Counter
from collections.abc import Iterable

from datasets import Dataset
from transformers import AutoFeatureExtractor

from ...processing.record_windows import LARGEST_LOSS, window_plan
from ..loading import checked_source, extractor_of
from ..options import MEAN

_COLUMNS = ["num_samples", "sampling_rate"]


def averaged_windows_notes(models: Iterable[str], rows: Dataset, crops: str = MEAN) -> list[str]:
    """A sentence for each way in which the rows fall into windows, with counts; none where each row is one.

    Args:
        models: folders, packaged names or Hub ids.
        rows: that they were asked about, of whole windows as `PreparedRows` makes them by default.
        crops: how the windows of a row count, "mean" or "max".
    """
    columns = rows.select_columns(_COLUMNS).with_format(None)
    lengths = Counter(zip(*(columns[name][:] for name in _COLUMNS), strict=True))
    notes = []
    for model in models:
        extractor = extractor_of(AutoFeatureExtractor.from_pretrained(checked_source(model)))
        # as an extractor that is called with rows cuts them
        plan = window_plan(extractor, leaves_out=LARGEST_LOSS)
        long = windows = 0
        for (samples, rate), number in lengths.items():
            try:
                own = len(plan.spans(samples, rate, "a row"))
            except ValueError:  # such rows are refused, and another note says so
                continue
            long, windows = long + number * (own > 1), windows + number * own * (own > 1)
        if long:
            how = "averaged" if crops == MEAN else "taken together by the largest of each number"
            notes.append(
                f"rows longer than the model takes at once were read as windows, whose outputs were {how}:"
                f" {long} of {len(rows)} rows, {windows} windows"
            )
    return list(dict.fromkeys(notes))
