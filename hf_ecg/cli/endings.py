"""How a command ends: with its result, or with one sentence and a status."""

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import click

from ..printable import one_line
from .application import application
from .options import EndsWith
from .outcomes import FAILURE, INTERRUPTED, JSON, USAGE, Ending, tell_error

DEBUG = "HF_ECG_DEBUG"


@dataclass
class Start:
    """Which command it was whose options were understood."""

    path: str = ""
    # it has the option --resume
    resumes: bool = False


def call(words: str, arguments: Sequence[str], start: Start | None = None, program: str = "hf-ecg"):
    """Runs a command in this process.

    Args:
        words: the command, such as "evaluate zero-shot"; empty where `arguments` begin with it.
        arguments: what follows.
        start: is told which command it is when the options are understood.
        program: what help and mistakes call it.

    Returns:
        What the command returns; 0 after `--help`.

    Raises:
        click.UsageError: an unknown command or option, or a value that does not fit.
        ValueError, OSError, ImportError: what the library raises, as it is.
        EndsWith: the command ends with a status of its own.
        KeyboardInterrupt: Ctrl-C.
    """
    line = [*words.split(), *map(str, arguments)]
    try:
        return application.main(line, prog_name=program, standalone_mode=False, obj=start)
    except click.Abort as stop:
        raise stop.__cause__ or KeyboardInterrupt from None


def run(words: str = "", arguments: Sequence[str] | None = None):
    """Runs a command as a program does; see `call`.

    Raises:
        SystemExit: after a sentence on stderr, with status 2 for a mistake in the command line, 1 for a failure, 130
            after Ctrl-C. A fault of this package (any other exception) keeps its traceback, and with `--debug`, or
            HF_ECG_DEBUG=1, every failure does.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in arguments or os.environ.get(DEBUG, "0") not in ("", "0")
    start = Start()
    end = partial(_end, as_json=JSON in arguments)
    try:
        return call(words, arguments, start)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(USAGE)
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx else start.path
        end(path, f"{error.format_message()} ({path} --help tells more)", USAGE)
    except EndsWith as error:
        end("", error.message, error.exit_code, command=start.path, ending=error.ending)
    except click.ClickException as error:
        end("", error.format_message(), error.exit_code)
    except KeyboardInterrupt:
        hint = ": the same command with --resume latest goes on from the last checkpoint" if start.resumes else ""
        end("", f"interrupted{hint}", INTERRUPTED, command=start.path)
    except _failures() as error:
        if debug:
            raise
        end(start.path, _told(error), FAILURE)
    except Exception as error:
        if JSON in arguments:
            tell_error(start.path, f"{type(error).__name__}: {error}", FAILURE)
        raise


def _failures() -> tuple[type[Exception], ...]:
    """What ends with a sentence: a configuration file that does not fit raises an error of huggingface_hub's own,
    which is not imported for `--help`."""
    hub = sys.modules.get("huggingface_hub.errors")
    own = (ValueError, OSError, ImportError, FloatingPointError)
    return own if hub is None else (*own, hub.StrictDataclassError)


def _told(error: BaseException) -> str:
    """What an error says. Of a file where a folder was to be made, Python says that it exists."""
    if isinstance(error, (FileExistsError, NotADirectoryError)) and error.errno and error.filename:
        place = Path(os.fsdecode(error.filename))
        for part in (place, *place.parents):
            if os.path.lexists(part) and not part.is_dir():
                return f"{part} is not a folder, and one is wanted there"
    return str(error) or type(error).__name__


def script(words: str) -> Callable:
    """`main` of a script in `train/` or `dataset_scripts/`: the program, or with a list of arguments `call`."""

    def main(arguments: Sequence[str] | None = None):
        return run(words) if arguments is None else call(words, arguments)

    main.__doc__ = f"`hf-ecg {words}`; with a list of arguments its result is returned and its errors are raised."
    return main


def _end(
    who: str, message: str, status: int, *, as_json: bool, command: str = "", ending: Ending | None = None
) -> None:
    # names of files and what is in them are other people's: they may neither forge lines nor move the cursor
    message = one_line(" ".join(message.split()), most=None)
    sys.stderr.write(": ".join(part for part in (who, message) if part) + "\n")
    if as_json:
        tell_error(who or command, message, status, ending)
    sys.exit(status)
