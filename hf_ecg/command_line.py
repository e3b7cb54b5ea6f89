"""How a command ends that cannot do what it was asked."""

import sys
from collections.abc import Callable


def run_command(main: Callable[[], object]) -> None:
    """Runs a command line; a mistake of the user's is told in a sentence, and a stop by the keyboard in a word.

    Training stays outside: where a run of hours broke, the traceback is worth more than a short answer.

    Raises:
        SystemExit: with status 1 after a ValueError or OSError, 130 after Ctrl-C.
    """
    try:
        main()
    except (ValueError, OSError) as error:
        sys.exit(f"{type(error).__name__}: {error}")
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        sys.exit(130)
