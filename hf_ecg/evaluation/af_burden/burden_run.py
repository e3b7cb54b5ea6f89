"""AF burden of recordings: streamed, scored window by window, held against annotations where there are any."""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import count, islice
from pathlib import Path
from typing import Protocol

import numpy as np
from transformers.utils import logging

from ...checks import check_positive, check_positive_integer
from ...files import atomic_file
from ...progress import progress_bar
from ..metrics.bootstrap import REPLICATES
from .burden import block_seconds_of, burden_interval, find_episodes, longest
from .recordings import DEFAULT_RHYTHMS, CorpusRecording, FileRecording, find_recordings
from .window_quality import LOWEST_AGREEMENT, JudgedWindow, judge_windows

logger = logging.get_logger(__name__)

Recording = FileRecording | CorpusRecording
_AT_ONCE = 64
# the rest at the end of a recording
SHORT = "shorter than half a window"
_UNSAFE = re.compile(r"[^\w.-]+")


class Detector(Protocol):
    """What scores windows: the built-in `RRDetector`, a `ModelDetector`, or yours."""

    name: str
    threshold: float
    facts: dict

    def score(self, windows: Sequence[JudgedWindow]) -> list[tuple[float, str]]:
        """A score for each window, NaN with the reason where there is none."""
        ...


@dataclass(frozen=True)
class BurdenOptions:
    """How recordings are judged.

    Args:
        window_seconds: of a window.
        rhythms: codes of annotations that count as AF.
        lowest_agreement: of the beats of a window, below which it is noisy; see `beat_agreement`.
        block_seconds: of the bootstrap's blocks; None: a 24th of the recording, five minutes at least.
        replicates, seed: of the bootstrap.
        leads, rename: which channels of files are read, under which names; see `hf_ecg.read`.

    Raises:
        ValueError: a window under ten seconds, no rhythm, a block that is not longer than zero.
    """

    window_seconds: float = 30.0
    rhythms: tuple[str, ...] = DEFAULT_RHYTHMS
    lowest_agreement: float = LOWEST_AGREEMENT
    block_seconds: float | None = None
    replicates: int = REPLICATES
    seed: int = 0
    leads: Sequence[str] | None = None
    rename: Mapping[str | int, str] | None = None

    def __post_init__(self):
        check_positive_integer("replicates", self.replicates)
        check_positive("window_seconds", self.window_seconds)
        if self.window_seconds < 10:
            raise ValueError(f"window_seconds is {self.window_seconds}, wanted at least 10: rhythm needs some beats")
        if not self.rhythms:
            raise ValueError("rhythms is empty, wanted codes such as AFIB")
        if self.block_seconds is not None:
            check_positive("block_seconds", self.block_seconds)


@dataclass
class WindowTable:
    """What became of the windows of a recording, each list in the order of time.

    `scores` are NaN where there is none and `reasons` say why; `shares` (of AF, by annotation) NaN where nothing was
    annotated, which `annotated` tells in seconds.
    """

    starts: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    shares: list[float] = field(default_factory=list)
    flutter: list[float] = field(default_factory=list)
    annotated: list[float] = field(default_factory=list)

    def states(self, threshold: float) -> np.ndarray:
        """1 for AF, 0 for not, NaN where not judged."""
        scores = np.array(self.scores, float)
        return np.where(np.isfinite(scores), (scores >= threshold).astype(float), np.nan)


def score_windows(recording: Recording, detector: Detector, options: BurdenOptions) -> WindowTable:
    """Streams a recording: some windows are in memory at a time.

    Raises:
        ValueError, OSError: damaged samples, such as a checksum that is another one.
    """
    table = WindowTable()
    nan = float("nan")
    stream = recording.windows()
    while windows := list(islice(stream, _AT_ONCE)):
        judged = judge_windows([window.record for window in windows], options.lowest_agreement)
        answers = [(nan, one.reason) for one in judged]
        for place, one in enumerate(judged):
            if one.seconds < options.window_seconds / 2:
                answers[place] = (nan, SHORT)
        places = [place for place, (_, reason) in enumerate(answers) if not reason]
        for place, answer in zip(places, detector.score([judged[place] for place in places]), strict=True):
            answers[place] = answer
        for window, one, (score, reason) in zip(windows, judged, answers, strict=True):
            table.starts.append(window.start)
            table.seconds.append(one.seconds)
            table.scores.append(score)
            table.reasons.append(reason)
            table.shares.append(nan if window.af_share is None else window.af_share)
            table.flutter.append(nan if window.flutter_share is None else window.flutter_share)
            table.annotated.append(window.annotated)
    return table


def recording_entry(recording: Recording, table: WindowTable, threshold: float, options: BurdenOptions) -> dict:
    """What a report tells of one recording."""
    af, seconds = table.states(threshold), np.array(table.seconds)
    blocks = options.block_seconds or block_seconds_of(recording.seconds)
    interval = burden_interval(af, seconds, blocks, options.replicates, options.seed)
    reasons: dict[str, float] = {}
    for reason, length in zip(table.reasons, table.seconds, strict=True):
        if reason:
            # what a model says of a window differs from one to the next
            reason = reason.partition(":")[0]
            reasons[reason] = reasons.get(reason, 0.0) + length
    episodes = find_episodes(af, np.array(table.starts), seconds)
    counted = {"number": len(episodes), "longest_seconds": longest(episodes)}
    return {
        "record": recording.name,
        "file": str(recording.file),
        "leads": list(recording.leads),
        "sampling_rate": recording.sampling_rate,
        "seconds": recording.seconds,
        "windows": len(af),
        "judged_seconds": float(seconds[np.isfinite(af)].sum()),
        "not_judged_seconds": reasons,
        "burden": asdict(interval),
        "burden_bounds": _bounds(af, seconds),
        "block_seconds": blocks,
        "episodes": counted | {"list": [asdict(episode) for episode in episodes]},
        "truth": _truth(recording, table, af, interval.value),
    }


def _bounds(af: np.ndarray, seconds: np.ndarray) -> dict:
    """The burden of all time if none, or all, of what was not judged were AF."""
    in_af, total = float(np.nansum(af * seconds)), float(seconds.sum())
    unknown = float(seconds[~np.isfinite(af)].sum())
    return {"low": in_af / total, "high": (in_af + unknown) / total}


def _truth(recording: Recording, table: WindowTable, af: np.ndarray, burden: float | None) -> dict | None:
    """The annotated burden, and how far the answers are from it; None without annotations."""
    annotated, shares = np.array(table.annotated), np.array(table.shares)
    if not annotated.any():
        return None
    known = annotated > 0
    true = float((shares[known] * annotated[known]).sum() / annotated[known].sum())
    judged = known & np.isfinite(af)
    of_judged = float((shares[judged] * annotated[judged]).sum() / annotated[judged].sum()) if judged.any() else None
    flutter = np.array(table.flutter)
    with_flutter = known & np.isfinite(flutter)
    is_af = shares >= 0.5
    stretches = recording.true_episodes()
    return {
        "annotated_seconds": float(annotated.sum()),
        "burden": true,
        "burden_of_judged": of_judged,
        "flutter_share": _mean(flutter[with_flutter], annotated[with_flutter]),
        "error_points": None if burden is None else 100 * (burden - true),
        "sensitivity": _mean(af[judged & is_af], annotated[judged & is_af]),
        "specificity": _mean(1 - af[judged & ~is_af], annotated[judged & ~is_af]),
        "episodes": None if stretches is None else len(stretches),
        "longest_seconds": None if stretches is None else max(stretches, default=0.0),
    }


def _mean(values: np.ndarray, weights: np.ndarray) -> float | None:
    return float((values * weights).sum() / weights.sum()) if weights.sum() > 0 else None


def each_recording(
    records: Sequence[str], options: BurdenOptions, config: str | None, skipped: list[dict]
) -> Iterator[Recording]:
    """The recordings that can be opened; the others go to `skipped`."""
    found = find_recordings(records, config)
    for one in progress_bar(found, desc="AF burden"):
        if isinstance(one, CorpusRecording):
            if options.leads is not None or options.rename is not None:
                raise ValueError(f"leads and rename choose channels of files, and {one.file} is a prepared corpus")
            yield one
            continue
        try:
            yield FileRecording(one, options.window_seconds, options.rhythms, options.leads, options.rename)
        except (OSError, ValueError) as error:
            skipped.append({"record": Path(one).stem, "reason": str(error)})
            logger.warning("left out: %s", error)


def judge_burden(
    records: Sequence[str], detector: Detector, options: BurdenOptions, config: str | None, strict: bool = False
) -> Iterator[tuple[dict, WindowTable]]:
    """The entry of each recording, and its windows; one that cannot be read is an entry with a `reason` alone.

    Args:
        records: see `find_recordings`.
        detector: what scores.
        options, config: see `BurdenOptions` and `load_corpus`.
        strict: raise at the first recording that cannot be read.

    Raises:
        ValueError, OSError: nothing that is named is there; with `strict`, what cannot be read.
    """
    skipped: list[dict] = []
    for recording in each_recording(records, options, config, skipped):
        try:
            table = score_windows(recording, detector, options)
        except (OSError, ValueError) as error:
            skipped.append({"record": recording.name, "reason": str(error)})
            logger.warning("left out: %s", error)
        else:
            yield recording_entry(recording, table, detector.threshold, options), table
        if strict and skipped:
            break
    if strict and skipped:
        raise ValueError(skipped[0]["reason"])
    for entry in skipped:
        yield entry, WindowTable()


def summarise(entries: Iterable[dict]) -> dict:
    """Over the recordings with a truth: mean absolute error and mean error in percentage points."""
    errors = [
        entry["truth"]["error_points"]
        for entry in entries
        if entry.get("truth") and entry["truth"]["error_points"] is not None
    ]
    return {
        "recordings_with_truth": len(errors),
        "mean_absolute_error_points": float(np.abs(errors).mean()) if errors else None,
        "mean_error_points": float(np.mean(errors)) if errors else None,
        "largest_error_points": float(np.abs(errors).max()) if errors else None,
    }


def write_windows(folder: Path, name: str, table: WindowTable, threshold: float, taken: Sequence[Path] = ()) -> Path:
    """A line for each window: start, seconds, score, AF (1, 0, empty where not judged), reason, annotated share.

    Args:
        folder, name: of the file; records of two folders may be called the same, so `taken` paths are not used again.
        table, threshold: what to write.
    """
    stem = _UNSAFE.sub("_", name)
    names = (f"{stem}{'' if number == 1 else f'_{number}'}.csv" for number in count(1))
    path = next(folder / each for each in names if folder / each not in taken)
    states = table.states(threshold)
    with atomic_file(path, newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["start", "seconds", "score", "af", "reason", "annotated_af_share"])
        for place, start in enumerate(table.starts):
            score, state, share = table.scores[place], states[place], table.shares[place]
            writer.writerow(
                [
                    f"{start:g}",
                    f"{table.seconds[place]:g}",
                    "" if np.isnan(score) else f"{score:.4f}",
                    "" if np.isnan(state) else int(state),
                    table.reasons[place],
                    "" if np.isnan(share) else f"{share:.4f}",
                ]
            )
    return path
