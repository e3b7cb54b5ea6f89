"""How much of a stretch of a recording is in some rhythms, by its annotations."""

from collections.abc import Collection

from .annotations import COMMENTS, RecordAnnotations

# "AB" is atrial bigeminy in MIT-BIH; SHDB-AF has the code in two records and nobody says what it stands for there.
UNDOCUMENTED = {COMMENTS: frozenset({"AB"})}
# of annot(5), of MIT-BIH's AF databases and of SHDB-AF
CODES = frozenset("AB AFIB AFL ASYS AT B BII IVR J MISSB N NOD P PAT PREX PSE SBR SVTA T VFL VT".split())


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
        before the first mark is not, nor is a rhythm of a code that nobody explains (`unexplained_codes`).

    Example:
        >>> from hf_ecg.signals.annotations import read_annotations
        >>> from hf_ecg.signals.rhythm_share import rhythm_share
        >>> share, samples = rhythm_share(read_annotations("mitdb/201"), 0, 10_800, {"AFIB"})  # doctest: +SKIP
    """
    annotated = inside = 0
    unknown = unexplained_codes(annotations, codes)
    for start, stop, code in annotations.rhythms:
        if code in unknown:
            continue
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


def unexplained_codes(annotations: RecordAnnotations, codes: Collection[str] = ()) -> set[str]:
    """Codes of the recording's rhythms that are not known, so that nobody can say what they are not.

    Args:
        annotations: of the recording.
        codes: that are asked for; they are known, but where the corpus leaves one unexplained.
    """
    known = (CODES | set(codes)) - UNDOCUMENTED.get(annotations.layout, frozenset())
    return {rhythm.code for rhythm in annotations.rhythms} - known
