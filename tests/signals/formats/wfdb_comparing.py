"""Made WFDB records against `hf_ecg.read`: what differs, in words."""

import random
import shutil
from collections import Counter
from pathlib import Path

import numpy as np

import hf_ecg

from .wfdb_making import BITS, FACTORS, Made, Signal, random_record, random_segments


def run(number: int, seed: int, folder: Path) -> tuple[Counter, list[str]]:
    """Makes, reads and damages `number` records; what was made how often, and every difference."""
    counts: Counter = Counter()
    found: list[str] = []
    for index in range(number):
        rng = random.Random(f"{seed} {index}")
        place = folder / f"{index}"
        place.mkdir(parents=True)
        segmented = rng.random() < 0.12
        kinds, differences = (_segments if segmented else _record)(place, f"r{index}", rng)
        counts.update({"records", *kinds})
        found += [f"seed {seed}, record {index}: {difference}" for difference in differences]
        if not differences:
            shutil.rmtree(place)
    return counts, found


def _segments(folder: Path, name: str, rng: random.Random) -> tuple[set[str], list[str]]:
    header, rate, wanted, kinds = random_segments(folder, name, rng)
    return kinds, _compared(header, rate, wanted, None)


def _record(folder: Path, name: str, rng: random.Random) -> tuple[set[str], list[str]]:
    made = random_record(folder, name, rng)
    differences = []
    kinds = set(made.kinds)
    rates = made.rates()
    if len(rates) > 1:
        kinds.add("several rates")
        differences += _refused(lambda: hf_ecg.read(made.header), "leads=", "leads of several rates")
    for per_frame in rates:
        signals = made.of_rate(per_frame)
        rng.shuffle(signals)
        wanted = {signal.name: signal.millivolts() for signal in signals}
        differences += _compared(made.header, made.frame_rate * per_frame, wanted, list(wanted))
    if len(rates) == 1:
        wanted = {signal.name: signal.millivolts() for signal in made.leads()}
        differences += _compared(made.header, made.frame_rate * rates[0], wanted, None)
    if rates:
        differences += _damaged(made, rng, kinds)
    return kinds, differences


def _compared(header: Path, rate: float, wanted: dict[str, np.ndarray], leads) -> list[str]:
    try:
        record = hf_ecg.read(header, leads=leads)
    except (ValueError, OSError) as error:
        return [f"refused: {error}"]
    if record.leads != tuple(wanted) or record.sampling_rate != rate:
        return [f"{record.leads} at {record.sampling_rate} Hz, wanted {tuple(wanted)} at {rate} Hz"]
    found = record.to_millivolts()
    for row, (lead, values) in zip(found, wanted.items(), strict=True):
        if row.shape != values.shape:
            return [f"lead {lead} has {len(row)} samples, wanted {len(values)}"]
        if not np.array_equal(row, values, equal_nan=True):
            place = int(np.flatnonzero((row != values) & ~(np.isnan(row) & np.isnan(values)))[0])
            return [f"lead {lead}, sample {place}: {row[place]!r} mV, wanted {values[place]!r} mV"]
    return []


def _damaged(made: Made, rng: random.Random, kinds: set[str]) -> list[str]:
    """The file of a lead cut, or one bit of it turned."""
    signals = made.of_rate(made.rates()[0])
    leads, signal = [signal.name for signal in signals], signals[0]
    path = made.header.parent / signal.file
    whole, before = path.read_bytes(), hf_ecg.read(made.header, leads=leads).to_millivolts()
    header = made.header.read_text(encoding="utf-8-sig")
    says_length = len(header.splitlines()[0].split()) > 3
    if rng.random() < 0.4 and says_length and len(whole) > signal.offset + 4:
        # beyond the bytes that fill the last block
        path.write_bytes(whole[: -rng.randrange(4, len(whole) - signal.offset)])
        kinds.add("cut")
        return _refused(lambda: hf_ecg.read(made.header, leads=leads), "truncated", "a cut file")
    place, bit = rng.randrange(len(whole)), rng.randrange(8)
    path.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << bit]) + whole[place + 1 :])
    kinds.add("one bit turned")
    try:
        after = hf_ecg.read(made.header, leads=leads).to_millivolts()
    except ValueError:
        return []
    # in front of the samples, behind them, in another channel; or there are no checksums
    no_sums = any(line.split()[6:7] == ["0"] for line in header.splitlines()[1:] if not line.startswith("#"))
    if no_sums or np.array_equal(before, after, equal_nan=True) or _same_sums(signals, before, after):
        return []
    return ["a turned bit was not noticed"]


def _same_sums(signals: list[Signal], before: np.ndarray, after: np.ndarray) -> bool:
    """Whether the sums in 16 bits cannot tell: the seventeenth bit of a count has none."""
    for signal, *rows in zip(signals, before, after, strict=True):
        lowest = -(2 ** (BITS[signal.storage] - 1))
        counts = [np.rint(row * signal.gain / FACTORS[signal.unit] + signal.baseline) for row in rows]
        sums = [np.where(np.isnan(row), lowest, row).sum() for row in counts]
        if (sums[1] - sums[0]) % 65536:
            return False
    return True


def _refused(call, word: str, what: str) -> list[str]:
    try:
        call()
    except ValueError as error:
        return [] if word in str(error) else [f"{what} is refused without the word {word!r}: {error}"]
    return [f"{what} was read"]
