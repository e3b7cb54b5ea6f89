"""`python -m hf_ecg.embed`: the command `hf-ecg embed`."""

from functools import partial

from ..cli import run
from ..cli.commands.embed import SOME_REFUSED

__all__ = ["SOME_REFUSED", "main"]

main = partial(run, "embed")

if __name__ == "__main__":
    main()
