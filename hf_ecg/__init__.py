"""ECG foundation models behind the Hugging Face API."""

from .version import __version__

__all__ = ["__version__"]
