"""The command `hf-ecg`. Importing this imports no library: a command's own imports wait until it runs."""

from .application import application
from .endings import call, run, script

__all__ = ["application", "call", "run", "script"]
