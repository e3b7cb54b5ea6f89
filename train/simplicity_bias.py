"""`hf-ecg evaluate simplicity-bias`; its --help tells the options."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # a checkout works without installation

from hf_ecg.cli import script

main = script("evaluate simplicity-bias")

if __name__ == "__main__":
    main()
