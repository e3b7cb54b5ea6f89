"""Signals that WFDB stores in FLAC (formats 508, 516, 524), read by the soundfile package."""

import os
from collections.abc import Iterator, Sequence

import numpy as np

from ...input_files import InputFile
from .wfdb_header import SignalLine
from .wfdb_packing import FLAC_BITS

# bits of a sample by soundfile's name of the stream, what it is read as, and how far soundfile shifts it up
_STREAMS = {"PCM_S8": (8, "int16", 8), "PCM_16": (16, "int16", 0), "PCM_24": (24, "int32", 8)}


def flac_blocks(
    file: InputFile, header: str, lines: Sequence[SignalLine], num_frames: int, block: int
) -> Iterator[np.ndarray]:
    """The samples `(frames, samples of a frame)` of a file, some `block` at once.

    A channel is a signal; the samples of a frame follow each other in it. The header's offset counts samples here, as
    the wfdb package has it.

    Raises:
        ValueError: no FLAC, other channels, more bits or fewer samples than the header says, a damaged stream.
    """
    import soundfile

    per_frame, offset, bits = lines[0].per_frame, lines[0].offset, FLAC_BITS[lines[0].format]
    if any(line.per_frame != per_frame for line in lines):
        raise ValueError(
            f"{header}: the signals of {os.path.basename(file.path)} differ in samples a frame, which FLAC cannot"
        )
    wanted = offset + num_frames * per_frame
    if file.size == 0:
        raise ValueError(f"{file.path} has 0 bytes, wanted a FLAC stream of {wanted} samples: empty, or not its file")
    try:
        with file.stream() as raw, soundfile.SoundFile(raw) as stream:
            stored, dtype, shift = _STREAMS.get(stream.subtype, (99, "int32", 0))
            if stream.format != "FLAC" or stored > bits:
                raise ValueError(
                    f"{file.path} is {stream.format} of {stream.subtype}, wanted FLAC of {bits} bits at most"
                )
            if stream.channels != len(lines):
                raise ValueError(f"{file.path} has {stream.channels} channels, {header} says {len(lines)} signals")
            if stream.frames != wanted:
                said = "truncated" if stream.frames < wanted else "longer than its header says"
                raise ValueError(
                    f"{file.path} has {stream.frames} samples a channel, wanted {wanted}: {said}, or not its file"
                )
            stream.seek(offset)
            step = max(block // len(lines) // per_frame, 1)
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
    except soundfile.SoundFileError as error:
        raise ValueError(
            f"{file.path} has {file.size} bytes and is no whole FLAC stream of {wanted} samples: truncated or"
            f" damaged ({error})"
        ) from error
