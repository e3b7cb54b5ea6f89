"""JSON that people and other programs write: an object in UTF-8, or an error that names the file."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .input_files import read_input


def read_json_object(path) -> dict:
    """The object that a JSON file holds.

    Raises:
        ValueError: no JSON in UTF-8, nesting beyond what Python can read, another value than an object, an object
            with a key twice (Python would keep the last one without a word).
        OSError: the file cannot be read.
    """
    path = Path(path)
    try:
        content = json.loads(read_input(path), object_pairs_hook=_distinct_keys)
    except (ValueError, RecursionError) as error:  # bytes that are not UTF-8 and numbers too long are ValueErrors too
        raise ValueError(f"{path} is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise ValueError(f"{path} holds {type(content).__name__}, wanted a JSON object")
    return content


def _distinct_keys(pairs: list[tuple[str, object]]) -> dict:
    content = dict(pairs)
    if len(content) < len(pairs):
        twice = sorted(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
        raise ValueError(f"the keys {twice} are given twice")
    return content


@contextmanager
def naming_the_source(source) -> Iterator[None]:
    """Turns what transformers runs into when a saved JSON holds a number or a list in the place of an object, or a
    name of nothing, into a ValueError that says where it came from. So do the ValueErrors of what is read."""
    try:
        yield
    except (AttributeError, KeyError, RecursionError, TypeError, UnicodeDecodeError) as error:
        raise ValueError(
            f"{source}: its JSON cannot be read as what its name says ({type(error).__name__}: {str(error)[:300]})"
        ) from error
    except OSError:  # some of the HTTP ones are ValueErrors too, and have their own words
        raise
    except ValueError as error:
        if str(source) in str(error):
            raise
        raise ValueError(f"{source}: {error}") from error
