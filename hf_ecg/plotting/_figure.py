"""Making and saving figures without pyplot: nothing global, no window, the same bytes for the same picture."""

import os
from pathlib import Path

from ..extras import install_words
from ..files import atomic_path

MM_PER_INCH = 25.4
FORMATS = ("png", "svg")
# ten pixels a millimetre: the lines of ECG paper then fall on whole pixels
DPI = 254
SIMULATED = "[SIMULATED: no patient was recorded]"


def new_figure(width_mm: float, height_mm: float, **options):
    """An empty figure of that size.

    Raises:
        ImportError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(f"figures need matplotlib: {install_words('matplotlib', 'plot')}") from error
    return Figure(figsize=(width_mm / MM_PER_INCH, height_mm / MM_PER_INCH), facecolor="white", **options)


def marked(title: str | None, simulated: bool) -> str | None:
    """A title that says so where nobody was recorded: pictures are passed on without their text."""
    return " ".join(filter(None, (title, SIMULATED))) if simulated else title


def save_figure(figure, path, dpi: float = DPI) -> Path:
    """Write a figure as PNG or SVG, as the extension says, in the size that it has.

    Args:
        figure: a matplotlib `Figure`.
        path: the file; its folder must be there.
        dpi: pixels per inch of a PNG (written into the file, so that it prints in true size).

    Raises:
        ValueError: another extension, or a dpi that is not positive.
        OSError: the file cannot be written.
    """
    import matplotlib

    path = Path(path)
    check_extension(path)
    if not dpi > 0:
        raise ValueError(f"dpi is {dpi}, wanted a positive number")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"{path} cannot be written: the folder {path.parent} is not there")
    is_svg = path.suffix.lower() == ".svg"
    # without a salt and with a date every SVG of the same figure would differ
    with matplotlib.rc_context({"svg.hashsalt": "hf_ecg", "svg.fonttype": "path"}):
        with atomic_path(path, shared=True) as temporary:
            kind = path.suffix.lower().lstrip(".")
            figure.savefig(temporary, dpi=dpi, format=kind, metadata={"Date": None} if is_svg else None)
    return path


def check_extension(path) -> None:
    """Raise when the extension is neither of `FORMATS`.

    Raises:
        ValueError: naming what was found.
    """
    extension = os.path.splitext(os.fspath(path))[1].lower().lstrip(".")
    if extension not in FORMATS:
        raise ValueError(f"{path} ends in {extension or 'no extension'!r}, wanted one of {', '.join(FORMATS)}")
