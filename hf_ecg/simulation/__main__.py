"""`python -m hf_ecg.simulation`: the command `hf-ecg simulate`."""

from functools import partial

from ..cli import run

main = partial(run, "simulate")

if __name__ == "__main__":
    main()
