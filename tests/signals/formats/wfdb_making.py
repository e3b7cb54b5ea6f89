"""WFDB records by the arithmetic of header(5) and signal(5): random ones, with what is to be read of them.

Bytes are put together here number by number, with nothing of the package, so that a reader that agrees is right.
"""

import random
import struct
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

BITS = {8: 16, 16: 16, 24: 24, 32: 32, 61: 16, 80: 8, 160: 16, 212: 12, 310: 10, 311: 10, 508: 8, 516: 16, 524: 24}
FORMATS = tuple(BITS)
FLAC = {508: ("PCM_S8", np.int16, 8), 516: ("PCM_16", np.int16, 0), 524: ("PCM_24", np.int32, 8)}
LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6", "MLII")
# channels that no ECG lead is meant by, and their units
OTHERS = (("RESP", "pm"), ("PLETH", "NU"), ("ABP", "mmHg"), ("CO2", "%"), ("foot", "mV"))
FACTORS = {"mV": 1.0, "uV": 1e-3, "V": 1e3, "MV": 1.0}


@dataclass
class Signal:
    """A signal of a record: its stored counts, and how the header tells what they are."""

    name: str
    storage: int
    counts: list[int]
    per_frame: int = 1
    skew: int = 0
    gain: float = 200.0
    unit: str = "mV"
    baseline: int = 0
    initial: int = 0
    file: str = ""
    offset: int = 0

    def millivolts(self) -> np.ndarray:
        """What a reader must give: of the samples from the skew on, missing where the format's code or nothing is."""
        lowest = None if self.storage == 8 else -(2 ** (BITS[self.storage] - 1))
        gain = self.gain / FACTORS[self.unit]
        values = [float("nan") if c == lowest else (float(c) - float(self.baseline)) / gain for c in self.counts]
        shift = self.skew * self.per_frame
        return np.array(values[shift:] + [float("nan")] * min(shift, len(values)))


@dataclass
class Made:
    """A record on the disk: header, frames a second, its signals, and what it was made with."""

    header: Path
    frame_rate: float
    signals: list[Signal]
    num_frames: int
    kinds: set[str] = field(default_factory=set)

    def leads(self) -> list[Signal]:
        return [signal for signal in self.signals if signal.name in LEADS and signal.gain]

    def of_rate(self, per_frame: int) -> list[Signal]:
        return [signal for signal in self.leads() if signal.per_frame == per_frame]

    def rates(self) -> list[int]:
        return sorted({signal.per_frame for signal in self.leads()})


def packed(storage: int, counts: list[int], rng: random.Random, whole: bool) -> bytes:
    """Counts in a storage format of whole bytes or blocks; `whole` fills the last block."""
    if storage in (16, 61, 32):
        return struct.pack(f"{'>' if storage == 61 else '<'}{len(counts)}{'i' if storage == 32 else 'h'}", *counts)
    if storage == 160:
        return b"".join((count + 2**15).to_bytes(2, "little") for count in counts)
    if storage == 80:
        return bytes(count + 2**7 for count in counts)
    if storage == 24:
        return b"".join(count.to_bytes(3, "little", signed=True) for count in counts)
    block, pack, rest = {212: (2, _pair, (0, 2)), 310: (3, _three_310, (0, 2, 4)), 311: (3, _three_311, (0, 2, 3))}[
        storage
    ]
    stored = b""
    for start in range(0, len(counts), block):
        part = counts[start : start + block]
        filled = pack(*part, *(rng.randrange(-8, 8) for _ in range(block - len(part))))
        stored += filled if len(part) == block or whole else filled[: rest[len(part)]]
    return stored


def _pair(first: int, second: int) -> bytes:
    first, second = first % 4096, second % 4096
    return bytes([first % 256, first // 256 + 16 * (second // 256), second % 256])


def _three_310(first: int, second: int, third: int) -> bytes:
    first, second, third = first % 1024, second % 1024, third % 1024
    return struct.pack("<HH", 2 * first + 2048 * (third % 32), 2 * second + 2048 * (third // 32))


def _three_311(first: int, second: int, third: int) -> bytes:
    return struct.pack("<I", first % 1024 + 1024 * (second % 1024) + 1024**2 * (third % 1024))


def interleaved(signals: list[Signal], num_frames: int, stored: list[list[int]] | None = None) -> list[int]:
    """The samples of one file, frame by frame, in each frame signal by signal."""
    rows = [signal.counts for signal in signals] if stored is None else stored
    return [
        row[frame * signal.per_frame + place]
        for frame in range(num_frames)
        for signal, row in zip(signals, rows, strict=True)
        for place in range(signal.per_frame)
    ]


def write_file(path: Path, signals: list[Signal], num_frames: int, rng: random.Random) -> None:
    """The signal file of `signals`, which share format and offset; what stands before the offset is anything."""
    storage, offset = signals[0].storage, signals[0].offset
    if storage in FLAC:
        _write_flac(path, signals, num_frames, rng)
        return
    if storage == 8:
        differences = []
        for signal in signals:
            before = [signal.initial, *signal.counts[:-1]]
            differences.append([now - last for now, last in zip(signal.counts, before, strict=True)])
        samples = struct.pack(
            f"{num_frames * sum(s.per_frame for s in signals)}b", *interleaved(signals, num_frames, differences)
        )
    else:
        samples = packed(storage, interleaved(signals, num_frames), rng, whole=rng.random() < 0.5)
    path.write_bytes(rng.randbytes(offset) + samples)


def _write_flac(path: Path, signals: list[Signal], num_frames: int, rng: random.Random) -> None:
    import soundfile

    subtype, dtype, shift = FLAC[signals[0].storage]
    before = [[rng.randrange(-50, 50)] * signals[0].offset for _ in signals]
    rows = [first + signal.counts for first, signal in zip(before, signals, strict=True)]
    content = (np.array(rows, np.int64).T << shift).astype(dtype)
    soundfile.write(path, content, 96000, subtype=subtype, format="FLAC")


def signal_line(signal: Signal, rng: random.Random, short: bool = False) -> str:
    """A line of the header; `short` leaves out what may be left out."""
    storage = str(signal.storage) + (f"x{signal.per_frame}" if signal.per_frame > 1 or rng.random() < 0.1 else "")
    storage += (f":{signal.skew}" if signal.skew else "") + (f"+{signal.offset}" if signal.offset else "")
    in_zero = rng.random() < 0.3
    gain = repr(signal.gain) if signal.gain != int(signal.gain) else str(int(signal.gain))
    gain += "" if in_zero else f"({signal.baseline})"
    gain += "" if signal.unit == "mV" and rng.random() < 0.3 else f"/{signal.unit}"
    total = sum(signal.counts) % 65536
    checksum = total - 65536 if total > 32767 else total
    zero = signal.baseline if in_zero else rng.choice([0, 5])
    initial = signal.initial if signal.storage == 8 else signal.counts[0]
    numbers = f"{BITS[signal.storage]} {zero} {initial} {0 if short else checksum} 0"
    return f"{signal.file} {storage} {gain} {numbers} {signal.name}"


def write_record(
    folder: Path, name: str, frame_rate: str, signals: list[Signal], num_frames: int, rng, **options
) -> Path:
    """Signal files and header. `options`: `newline`, `mark` (byte-order), `length` (False: the header does not say),
    `record` (name in the record line), `short` (no checksums)."""
    files: dict[str, list[Signal]] = {}
    for signal in signals:
        files.setdefault(signal.file, []).append(signal)
    for file, parts in files.items():
        write_file(folder / file, parts, num_frames, rng)
    length = f" {num_frames}" if options.get("length", True) else ""
    lines = [f"{options.get('record', name)} {len(signals)} {frame_rate}{length}"]
    lines += [signal_line(signal, rng, options.get("short", False)) for signal in signals]
    lines += ["# made by arithmetic"]
    text = options.get("mark", "") + options.get("newline", "\n").join([*lines, ""])
    (folder / f"{name}.hea").write_bytes(text.encode())
    return folder / f"{name}.hea"


def random_counts(storage: int, number: int, rng: random.Random, initial: int) -> list[int]:
    """Any counts of a format, its extremes and its code for a missing sample among them."""
    if storage == 8:
        counts, last = [], initial
        for _ in range(number):
            last += rng.choice([-128, 127, rng.randrange(-128, 128), rng.randrange(-9, 10)])
            counts.append(last)
        return counts
    top = 2 ** (BITS[storage] - 1)
    near = rng.random() < 0.5  # of the size of an ECG, or any
    low, high = (-min(top - 1, 3000), min(top - 1, 3000)) if near else (-top + 1, top - 1)
    if not near and BITS[storage] > 16 and rng.random() < 0.3:
        low, high = 7_990_000, 8_010_000
    high = min(high, top - 1)
    counts = [rng.randint(min(low, high - 1), high) for _ in range(number)]
    for place in range(number):
        chance = rng.random()
        if chance < 0.02:
            counts[place] = -top
        elif chance < 0.03 and BITS[storage] > 16:
            # a count like any other here, though 16 bits would call it missing
            counts[place] = -32768
    return counts


def random_signal(name: str, storage: int, num_frames: int, per_frame: int, rng: random.Random) -> Signal:
    unit = rng.choice(list(FACTORS)) if name in LEADS else dict(OTHERS)[name]
    initial = rng.randrange(-500, 500)
    gain = rng.choice([200.0, 1000.0, 4.88, 1e-3, rng.uniform(0.1, 3e4), -rng.uniform(1.0, 500.0)])
    baseline = rng.choice([0, 0, 1024, -7, 8_000_000 if BITS[storage] > 16 else 300])
    skew = rng.randrange(1, num_frames) if num_frames > 1 and rng.random() < 0.2 else 0
    counts = random_counts(storage, num_frames * per_frame, rng, initial)
    return Signal(name, storage, counts, per_frame, skew, gain, unit, baseline, initial)


def random_record(folder: Path, name: str, rng: random.Random) -> Made:
    """A record of one to three files, written to `folder`."""
    num_frames = rng.choice([1, 2, 3, rng.randrange(1, 60), rng.randrange(1, 400)])
    rate = rng.choice(["1", "62.4725/999.56(12)", "100", "128.5", "250/360", "360", "500", "1000"])
    frames = rng.choice(["one", "one", "one", "same", "mixed"])
    same = rng.choice([2, 3, 4, 8, 250 if num_frames < 20 else 5])
    names = rng.sample(LEADS, len(LEADS)) + [name for name, _ in OTHERS]
    kinds, signals = set(), []
    for number in range(rng.randrange(1, 4)):
        storage, offset = rng.choice(FORMATS), rng.choice([0, 0, rng.randrange(1, 40)])
        of_file = rng.choice([1, 2, 4])
        for _ in range(rng.randrange(1, 5)):
            per_frame = {"one": 1, "same": same}.get(frames, of_file if storage in FLAC else rng.choice([1, 2, 4]))
            other = signals and rng.random() < 0.15 and names[-1] not in LEADS
            signal = random_signal(names.pop(-1 if other else 0), storage, num_frames, per_frame, rng)
            signal = replace(signal, file=f"{name}_{number}.dat", offset=offset)
            if other and rng.random() < 0.2:
                signal.gain = 0.0
            signals.append(signal)
        kinds |= {f"format {storage}"} | ({"offset"} if offset else set())
    if rng.random() < 0.3:
        # signals of several files need not stand together
        rng.shuffle(signals)
    options = {
        "newline": rng.choice(["\n", "\r\n"]),
        "mark": "\ufeff" if rng.random() < 0.1 else "",
        "record": f"{name}.mat" if rng.random() < 0.05 else name,
        "short": rng.random() < 0.1,
    }
    # a filled last block looks like another sample where nothing says how many there are
    sized = {signal.storage for signal in signals} & {212, 310, 311, *FLAC}
    options["length"] = bool(sized) or rng.random() < 0.9
    header = write_record(folder, name, rate, signals, num_frames, rng, **options)
    kinds |= {"frames"} if frames != "one" else set()
    kinds |= {"skew"} if any(signal.skew for signal in signals) else set()
    kinds |= {"several files"} if len({signal.file for signal in signals}) > 1 else set()
    kinds |= {"left out"} if any(signal.name not in LEADS for signal in signals) else set()
    kinds |= {"negative gain"} if any(signal.gain < 0 for signal in signals) else set()
    kinds |= {"byte-order mark"} if options["mark"] else set()
    return Made(header, float(rate.partition("/")[0]), signals, num_frames, kinds)


def random_segments(
    folder: Path, name: str, rng: random.Random
) -> tuple[Path, float, dict[str, np.ndarray], set[str]]:
    """A record of several segments: its header, the rate of its leads, their millivolts, what it was made with."""
    variable, per_frame, rate = rng.random() < 0.5, rng.choice([1, 1, 4]), rng.choice([125, 500])
    leads = rng.sample(LEADS, rng.randrange(1, 5))
    scales = {lead: (rng.uniform(1, 900), rng.choice([0, 1024])) for lead in leads}
    own_scales = variable and rng.random() < 0.7
    parts: dict[str, list[np.ndarray]] = {lead: [] for lead in leads}
    lines, total = [], 0
    for number in range(rng.randrange(1, 6)):
        frames = rng.randrange(1, 80)
        gap = number and rng.random() < 0.25
        has = leads if not variable else rng.sample(leads, rng.randrange(1, len(leads) + 1))
        signals = []
        for lead in [] if gap else has:
            storage = rng.choice([16, 212, 80, 24]) if not signals else signals[0].storage
            signal = random_signal(lead, storage, frames, per_frame, rng)
            gain, baseline = (rng.uniform(1, 900), 3) if own_scales else scales[lead]
            signals.append(replace(signal, gain=gain, baseline=baseline, unit="mV", file=f"{name}_s{number}.dat"))
        if signals:
            write_record(folder, f"{name}_s{number}", str(rate), signals, frames, rng)
        lines.append(f"{'~' if gap else f'{name}_s{number}'} {frames}")
        found = {signal.name: signal.millivolts() for signal in signals}
        for lead in leads:
            parts[lead].append(found.get(lead, np.full(frames * per_frame, np.nan)))
        total += frames
    if variable:
        lines.insert(0, f"{name}_layout 0")
        layout = [f"{name}_layout {len(leads)} {rate} 0"] + [f"~ 0 200/mV 16 0 0 0 0 {lead}" for lead in leads]
        (folder / f"{name}_layout.hea").write_text("\n".join(layout) + "\n")
    text = [f"{name}/{len(lines)} {len(leads)} {rate} {total}", *lines]
    (folder / f"{name}.hea").write_text("\n".join(text) + "\n")
    kinds = {"segments", "variable layout" if variable else "fixed layout"}
    kinds |= {"gap"} if any(line.startswith("~") for line in lines) else set()
    return folder / f"{name}.hea", rate * per_frame, {lead: np.concatenate(parts[lead]) for lead in leads}, kinds
