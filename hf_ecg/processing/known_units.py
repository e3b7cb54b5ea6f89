"""Where the unit of recordings is known, whatever their values look like."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_known: ContextVar[bool] = ContextVar("units are known", default=False)


def units_are_known() -> bool:
    """Whether values that look like another unit are to be taken as they are."""
    return _known.get()


@contextmanager
def with_known_units() -> Iterator[None]:
    """Nothing is refused for looking like another unit, while large noise is added on purpose to known millivolts."""
    token = _known.set(True)
    try:
        yield
    finally:
        _known.reset(token)
