"""`python -m hf_ecg.hub card` and `python -m hf_ecg.hub push`: the commands `hf-ecg card` and `hf-ecg push`."""

from functools import partial

from ..cli import run

main = partial(run, "")

if __name__ == "__main__":
    main()
