"""Files of the signals that monitors, Holters and watches record, with whatever names and units they have."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np


def beats(channels: int, samples: int = 1000, rate: int = 100) -> np.ndarray:
    """int16 (channels, samples): a beat every 0.8 s, another height in each channel, 1,000 counts a millivolt."""
    time = np.arange(samples) / rate % 0.8
    wave = np.exp(-(((time - 0.3) / 0.02) ** 2)) + 0.3 * np.exp(-(((time - 0.55) / 0.05) ** 2))
    return np.rint(500 * (1 + 0.1 * np.arange(channels))[:, None] * wave).astype(np.int16)


def write_channels(
    folder, names: Sequence[str], gains: Sequence[str] | None = None, name="rec", rate=100, counts=None
) -> Path:
    """NAME.hea and NAME.dat in format 16; `gains` as a header writes them ("1000(0)/mV" throughout by default)."""
    counts = beats(len(names), rate=rate) if counts is None else counts
    gains = ["1000(0)/mV"] * len(names) if gains is None else gains
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    counts.T.astype("<i2").tofile(folder / f"{name}.dat")
    lines = [f"{name} {len(names)} {rate} {counts.shape[1]}"]
    for row, gain, channel in zip(counts, gains, names, strict=True):
        lines.append(f"{name}.dat 16 {gain} 16 0 {row[0]} {int(row.sum(dtype=np.int16))} 0 {channel}")
    header = folder / f"{name}.hea"
    header.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return header
