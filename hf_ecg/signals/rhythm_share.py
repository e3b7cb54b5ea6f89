"""How much of a stretch of a recording is in some rhythms, by its annotations."""

from collections.abc import Collection, Iterator

from .annotations import COMMENTS, RecordAnnotations

# "AB" is atrial bigeminy in MIT-BIH; SHDB-AF has the code in two records and nobody says what it stands for there.
UNDOCUMENTED = {COMMENTS: frozenset({"AB"})}


def rhythm_share(
    annotations: RecordAnnotations, first: int, end: int, codes: Collection[str]
) -> tuple[float | None, int]:
    """The share of the samples `first` to before `end` that is in one of the rhythms.

    Args:
        annotations: of the recording.
        first, end: the stretch, within the recording.
        codes: of the rhythms, such as {"AFIB"}.

    Returns:
        The share of the annotated samples, None where there is none; and how many samples are annotated. What is
        before the first mark is not, nor is a rhythm of a code that the corpus does not explain (`UNDOCUMENTED`).

    Example:
        >>> from hf_ecg.signals.annotations import read_annotations
        >>> from hf_ecg.signals.rhythm_share import rhythm_share
        >>> share, samples = rhythm_share(read_annotations("mitdb/201"), 0, 10_800, {"AFIB"})  # doctest: +SKIP
    """
    annotated = inside = 0
    for start, stop, code in _documented(annotations):
        length = min(stop, end) - max(start, first)
        if length > 0:
            annotated += length
            inside += length if code in codes else 0
    return (inside / annotated if annotated else None), annotated


def rhythm_intervals(annotations: RecordAnnotations, codes: Collection[str]) -> list[tuple[int, int]]:
    """First sample and end of each stretch in one of the rhythms; neighbours that touch are one."""
    found: list[tuple[int, int]] = []
    for start, stop, code in annotations.rhythms:
        if code in codes:
            if found and found[-1][1] == start:
                start = found.pop()[0]
            found.append((start, stop))
    return found


def _documented(annotations: RecordAnnotations) -> Iterator[tuple[int, int, str]]:
    unknown = UNDOCUMENTED.get(annotations.layout, frozenset())
    return (rhythm for rhythm in annotations.rhythms if rhythm.code not in unknown)
