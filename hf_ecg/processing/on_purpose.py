"""What the extractor is told of recordings beside what they hold: what was done to them, and what they are part of."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Purpose:
    """What the extractor is told of recordings beside what they hold.

    Args:
        absent_leads: leads were taken away: nothing is said of their absence.
        known_units: values are millivolts, whatever they look like: large noise was added to them.
        no_derivation: absent limb leads are not derived from others.
        parts: recordings are windows of longer ones: one without any signal is refused, so that it counts for nothing.
    """

    absent_leads: bool = False
    known_units: bool = False
    no_derivation: bool = False
    parts: bool = False


_AS_EVER = Purpose()
_purpose: ContextVar[Purpose] = ContextVar("purpose", default=_AS_EVER)


def purpose() -> Purpose:
    """What holds here and now."""
    return _purpose.get()


@contextmanager
def on_purpose(**flags: bool) -> Iterator[None]:
    """Recordings are prepared as `Purpose` says, in this thread; other flags stay as they are."""
    token = _purpose.set(replace(purpose(), **flags))
    try:
        yield
    finally:
        _purpose.reset(token)
