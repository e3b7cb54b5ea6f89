"""Reads the body of an answer, and no more of it than an answer can have, packed or not."""

import zlib
from collections.abc import AsyncIterator

# A completion of 20,000 characters is the longest that counts; thoughts and the envelope may be longer.
MOST_BYTES = 2 << 20
_ZLIB = zlib.MAX_WBITS | 32  # gzip's header or zlib's
_WINDOWS = {"": None, "identity": None, "gzip": _ZLIB, "x-gzip": _ZLIB, "deflate": _ZLIB}


class TooLong(ValueError):
    """A body of more bytes than are read; `beginning` holds those that were."""

    def __init__(self, beginning: bytes):
        super().__init__(f"a body of more than {len(beginning)} bytes")
        self.beginning = beginning


async def read_body(response, most: int = MOST_BYTES) -> bytes:
    """The unpacked body of a streamed response.

    A few megabytes of gzip unpack to gigabytes: unpacking stops at the limit too, and no more is taken from the
    connection.

    Args:
        response: of `httpx2.AsyncClient.stream`, not yet read.
        most: bytes, unpacked.

    Raises:
        TooLong: there is more.
        ValueError: a packing that was not asked for (only gzip and deflate are unpacked), or a damaged one.
    """
    coding = response.headers.get("Content-Encoding", "").strip().lower()
    if coding not in _WINDOWS:
        raise ValueError(f"a body packed as {coding[:40]!r}, wanted one that is not, or gzip or deflate")
    chunks, size = [], 0
    async for chunk in _unpacked(response.aiter_raw(), _WINDOWS[coding], most + 1):
        chunks.append(chunk)
        size += len(chunk)
        if size > most:
            raise TooLong(b"".join(chunks)[:most])
    return b"".join(chunks)


async def _unpacked(packed: AsyncIterator[bytes], window: int | None, most: int) -> AsyncIterator[bytes]:
    """Parts of the unpacked body, none longer than `most`."""
    if window is None:
        async for chunk in packed:
            yield chunk
        return
    unpacker, begun, whole = zlib.decompressobj(window), False, True
    async for chunk in packed:
        while chunk:
            try:
                part = unpacker.decompress(chunk, most)
            except zlib.error as error:
                if begun:
                    raise ValueError(f"a body that cannot be unpacked ({error})") from error
                # some servers call the bare stream "deflate"
                unpacker, begun = zlib.decompressobj(-zlib.MAX_WBITS), True
                continue
            begun, whole, chunk = True, unpacker.eof, unpacker.unconsumed_tail
            if unpacker.eof:
                # gzip may be several members, one after the other
                chunk, unpacker = unpacker.unused_data, zlib.decompressobj(window)
            yield part
    if not whole:
        raise ValueError("a body that ends within its packing")
