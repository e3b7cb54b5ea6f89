"""Signals that WFDB stores in FLAC (formats 508, 516, 524), read by the soundfile package."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from ...input_files import InputFile
from .wfdb_header import SignalLine
from .wfdb_packing import FLAC_BITS

if TYPE_CHECKING:
    import soundfile

# bits of a sample by soundfile's name of the stream, what it is read as, and how far soundfile shifts it up
_STREAMS = {"PCM_S8": (8, "int16", 8), "PCM_16": (16, "int16", 0), "PCM_24": (24, "int32", 8)}


def check_flac(file: InputFile, header: str, lines: Sequence[SignalLine], num_frames: int) -> None:
    """Nothing, when a file is the stream that the header tells of: its beginning says so, nothing else is read.

    A channel is a signal; the samples of a frame follow each other in it. The header's offset counts samples here, as
    the wfdb package has it.

    Raises:
        ValueError: no FLAC, other channels, more bits, more or fewer samples than the header says.
    """
    per_frame, bits = lines[0].per_frame, FLAC_BITS[lines[0].format]
    if any(line.per_frame != per_frame for line in lines):
        name = os.path.basename(file.path)
        raise ValueError(f"{header}: the signals of {name} differ in samples a frame, which channels of FLAC cannot")
    wanted = lines[0].offset + num_frames * per_frame
    if file.size == 0:
        raise ValueError(f"{file.path} has 0 bytes, wanted a FLAC stream of {wanted} samples: empty, or not its file")
    with _stream(file, wanted) as stream:
        stored, _, _ = _STREAMS.get(stream.subtype, (99, "int32", 0))
        if stream.format != "FLAC" or stored > bits:
            found = f"{stream.format} of {stream.subtype}"
            raise ValueError(f"{file.path} is {found}, wanted FLAC of {bits} bits at most")
        if stream.channels != len(lines):
            raise ValueError(f"{file.path} has {stream.channels} channels, {header} says {len(lines)} signals")
        if stream.frames != wanted:
            said = "truncated" if stream.frames < wanted else "longer than its header says"
            raise ValueError(
                f"{file.path} has {stream.frames} samples a channel, wanted {wanted}: {said}, or not its file"
            )


def flac_blocks(file: InputFile, lines: Sequence[SignalLine], num_frames: int, block: int) -> Iterator[np.ndarray]:
    """The samples `(frames, samples of a frame)` of a file that `check_flac` has seen, some `block` at once.

    Raises:
        ValueError: a stream that ends early or is damaged.
    """
    per_frame, offset = lines[0].per_frame, lines[0].offset
    wanted = offset + num_frames * per_frame
    step = max(block // len(lines) // per_frame, 1)
    with _stream(file, wanted) as stream:
        _, dtype, shift = _STREAMS[stream.subtype]
        stream.seek(offset)
        for start in range(0, num_frames, step):
            number = min(step, num_frames - start) * per_frame
            samples = stream.read(number, dtype=dtype, always_2d=True)
            if len(samples) < number:
                there = offset + start * per_frame + len(samples)
                raise ValueError(
                    f"{file.path} has {file.size} bytes and ends after {there} samples of {wanted}: truncated"
                )
            frames = (samples >> shift).reshape(-1, per_frame, len(lines))
            yield frames.transpose(0, 2, 1).reshape(-1, len(lines) * per_frame)


@contextmanager
def _stream(file: InputFile, wanted: int) -> Iterator["soundfile.SoundFile"]:
    import soundfile

    try:
        with file.stream() as raw, soundfile.SoundFile(raw) as stream:
            yield stream
    except soundfile.SoundFileError as error:
        raise ValueError(
            f"{file.path} has {file.size} bytes and is not a whole FLAC stream of {wanted} samples: truncated or"
            f" damaged ({error})"
        ) from error
