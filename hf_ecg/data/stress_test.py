"""Records as the MIT-BIH Noise Stress Test Database makes them: noise in every other block of two minutes."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .added_noise import NOISES, AddedNoise

# https://physionet.org/content/nstdb: noise begins after the first five minutes, and lasts two of every four
FIRST_SECONDS, BLOCK_SECONDS = 300.0, 120.0
SNRS_DB = (12.0, 6.0, 0.0, -6.0)
CONDITIONS = tuple((kind, snr_db) for snr_db in SNRS_DB for kind in NOISES)


class NoiseBlock(NamedTuple):
    """Samples `first` to before `end`, with noise of a kind at a ratio in decibels; NaN before it is known."""

    first: int
    end: int
    kind: str = ""
    snr_db: float = float("nan")


def noise_blocks(samples: int, sampling_rate: float) -> list[NoiseBlock]:
    """Where the noise is in a record of that length.

    Example:
        >>> from hf_ecg.data.stress_test import noise_blocks
        >>> [(block.first, block.end) for block in noise_blocks(70000, 100)]
        [(30000, 42000), (54000, 66000)]
    """
    first, length = round(FIRST_SECONDS * sampling_rate), round(BLOCK_SECONDS * sampling_rate)
    return [NoiseBlock(start, min(start + length, samples)) for start in range(first, samples, 2 * length)]


def stress_record(
    millivolts: np.ndarray,
    sampling_rate: float,
    record_id: str,
    leads: Sequence[str],
    *,
    conditions: Sequence[tuple[str, float]] = CONDITIONS,
    turn: int = 0,
    recordings: str | None = None,
    seed: int = 0,
) -> tuple[np.ndarray, list[NoiseBlock]]:
    """A record with noise in its blocks; what is between them stays as it is.

    The database has one noise a record, and one gain, measured in the first five minutes: in its record 118e_6, said
    to have -6 dB, the blocks have from -4.7 to -12.3. Here each block takes the next of `conditions`, and has the
    ratio that is said, by the database's rule for the sizes of signal and noise (`AddedNoise`).

    Args:
        millivolts: (leads, samples).
        sampling_rate: hertz.
        record_id: which record it is; with the block's number it chooses the stretch of noise.
        leads: names.
        conditions: kinds and ratios, see `AddedNoise`, in turn.
        turn: the one that the first block takes.
        recordings: folder with bw, em and ma; None simulates.
        seed: of the stretches.

    Returns:
        float64 (leads, samples), and the blocks.
    """
    noisy, blocks = np.array(millivolts, np.float64), []
    for number, block in enumerate(noise_blocks(millivolts.shape[1], sampling_rate)):
        kind, snr_db = conditions[(turn + number) % len(conditions)]
        part = slice(block.first, block.end)
        noise = AddedNoise(kind, snr_db, recordings=recordings, seed=seed)
        noisy[:, part] = noise(noisy[:, part], sampling_rate, f"{record_id}/{number}", leads)
        blocks.append(block._replace(kind=kind, snr_db=snr_db))
    return noisy, blocks
