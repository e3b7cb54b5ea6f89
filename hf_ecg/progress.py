"""Progress of long work, on stderr: a bar in a terminal, a line now and then elsewhere, nothing within `silence`."""

import importlib
import logging
import sys
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from tqdm.auto import tqdm as chosen_tqdm
from tqdm.notebook import tqdm_notebook
from tqdm.std import tqdm

SECONDS_BETWEEN_LINES = 30.0
_BAR = "{desc}: {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}, {rate_noinv_fmt}{postfix}]"
_LINE = "{desc}: {n_fmt} of {total_fmt}{unit} after {elapsed}, {remaining} left, {rate_noinv_fmt}{postfix}"
# what has bars of its own, and says so by the same names
_WITH_BARS = ("transformers.utils.logging", "datasets")
_silent = False


class _Lines:
    """A stream that gets a line for each time that a bar draws itself anew."""

    def write(self, text: str) -> None:
        if line := text.strip():
            sys.stderr.write(f"{line}\n")

    def flush(self) -> None:
        sys.stderr.flush()


def progress_bar(rows: Iterable | None = None, *, desc: str, unit: str = "record", disable: bool = False, **options):
    """`tqdm`, with its rate in whole words ("57.3 records/s").

    In a terminal or a notebook it is a bar. Where stderr is a file or a pipe it is a line every half minute. Within
    `silence` it is nothing.

    Args:
        rows: what is gone through; None where `update` is called.
        desc: what is being done, such as "embedding".
        unit: of what is counted, in the singular.
        disable: show nothing.
        options: `total`, `initial`, `leave` and so on, as `tqdm` takes them.
    """
    options |= {"desc": desc, "unit": f" {unit}s", "disable": disable or _silent}
    if issubclass(chosen_tqdm, tqdm_notebook):
        return chosen_tqdm(rows, **options)
    if sys.stderr.isatty():
        return tqdm(rows, bar_format=_BAR, dynamic_ncols=True, **options)
    seconds = SECONDS_BETWEEN_LINES
    return tqdm(rows, file=_Lines(), bar_format=_LINE, mininterval=seconds, delay=seconds, miniters=1, **options)


def write_line(text: str) -> None:
    """A line on stderr, above the bars; nothing within `silence`."""
    if not _silent:
        tqdm.write(text, file=sys.stderr)


@contextmanager
def silence(libraries: bool = True) -> Iterator[None]:
    """A block without bars, notes and warnings of this package or of others; see `without_bars_of_others`."""
    global _silent
    before, disabled = _silent, logging.root.manager.disable
    _silent = True
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), without_bars_of_others(libraries, downloads=False):
            warnings.simplefilter("ignore")
            yield
    finally:
        _silent = before
        logging.disable(disabled)


@contextmanager
def without_bars_of_others(libraries: bool = True, downloads: bool = True) -> Iterator[None]:
    """A block without the bars of transformers ("Writing model shards") and datasets.

    Args:
        libraries: import them for that, which takes a second; otherwise only those count that are imported already.
        downloads: keep the bars of downloads from the Hub.
    """
    wanted = [name for name in _WITH_BARS if libraries or name in sys.modules]
    shown = [module for module in map(importlib.import_module, wanted) if module.is_progress_bar_enabled()]
    hub = sys.modules.get("huggingface_hub.utils")
    hub_shown = hub is not None and not hub.are_progress_bars_disabled()
    for module in shown:
        module.disable_progress_bar()
    if hub_shown and downloads:
        hub.enable_progress_bars()  # transformers hides them with its own
    try:
        yield
    finally:
        for module in shown:
            module.enable_progress_bar()
        if hub is not None and not hub_shown:
            hub.disable_progress_bars()
