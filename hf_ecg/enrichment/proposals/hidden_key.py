"""Takes a key out of a text that may repeat it: whole, in part, or as other programs write it."""

import base64
import html
import json
import re
from functools import lru_cache
from urllib.parse import quote

HIDDEN = "***"
# So many characters of a key, one after the other, are hidden wherever they stand. Fewer tell next to nothing, and
# occur in words.
SHORTEST_PART = 6


def without_key(text: str, key: str | None) -> str:
    """The text with the key, and every part of it of at least six characters, written as `***`.

    The key is also found as URLs, JSON, HTML, hexadecimal digits and base64 write it (alone, or within something
    longer such as `user:key`), in capitals or not. Hide before cutting: half a key at the end of a text still tells.

    Args:
        key: None or empty when there is nothing to hide.
    """
    if not key:
        return text
    forms, parts = _forms(key)
    for form in forms:
        text = re.sub(re.escape(form), HIDDEN, text, flags=re.IGNORECASE)
    # one character for one: lower() alone makes two of some
    lower = "".join(c.lower() if len(c.lower()) == 1 else c for c in text)
    shown, start = [], 0
    position = 0
    while position <= len(text) - SHORTEST_PART:
        end = position + SHORTEST_PART
        if lower[position:end] not in parts:
            position += 1
            continue
        while end < len(text) and lower[end - SHORTEST_PART + 1 : end + 1] in parts:
            end += 1
        shown += [text[start:position], HIDDEN]
        position = start = end
    return "".join([*shown, text[start:]])


@lru_cache(maxsize=4)
def _forms(key: str) -> tuple[list[str], frozenset[str]]:
    """The ways in which a key is written, longest first, and all parts of them."""
    raw = key.encode("utf-8", "surrogatepass")
    forms = {key, quote(key, safe="", errors="replace"), json.dumps(key)[1:-1], key.replace("/", "\\/")}
    forms |= {html.escape(key), raw.hex()}
    for before in range(3):
        # three bytes make four characters: within something longer the key begins at any of three places
        coded = base64.b64encode(bytes(before) + raw).decode().rstrip("=")
        inner = coded[(0, 2, 3)[before] : len(coded) - ((before + len(raw)) % 3 != 0)]
        forms |= {inner, inner.replace("+", "-").replace("/", "_")}
    long = sorted((form.lower() for form in forms if len(form) >= SHORTEST_PART or form == key), key=len, reverse=True)
    parts = {form[at : at + SHORTEST_PART] for form in long for at in range(len(form) - SHORTEST_PART + 1)}
    return long, frozenset(parts)
