"""`python -m hf_ecg.plotting`: the command `hf-ecg plot`."""

from functools import partial

from ..cli import run

main = partial(run, "plot")

if __name__ == "__main__":
    main()
