"""A number for a text, by which batches say which texts are equal."""

import hashlib


def text_id(text: str) -> int:
    """A number for a text, the same on any machine; signed 64 bits."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little", signed=True)


# Of no text that a record may have: fills rows that have nothing to name.
NO_TEXT = text_id("")
