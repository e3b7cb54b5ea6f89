"""Simulates one ECG as a WFDB record.

python -m hf_ecg.simulation atrial_fibrillation --seed 7 --output FOLDER/NAME
python -m hf_ecg.simulation left_bundle_branch_block first_degree_av_block --heart_rate 70 --output FOLDER/NAME
"""

import argparse
import sys

from .conditions import CONDITIONS
from .simulator import simulate_ecg
from .wfdb_file import write_wfdb


def main(arguments: list[str] | None = None) -> str:
    """The command; returns the path of the header written."""
    parser = argparse.ArgumentParser(
        prog="python -m hf_ecg.simulation",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("conditions", nargs="+", metavar="CONDITION", help=f"some of {', '.join(CONDITIONS)}")
    parser.add_argument("--output", required=True, metavar="FOLDER/NAME", help="record to write: NAME.hea, NAME.dat")
    parser.add_argument("--sampling_rate", type=int, default=500, help="hertz (default: %(default)s)")
    parser.add_argument("--duration", type=float, default=10.0, help="seconds (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of everything drawn (default: %(default)s)")
    parser.add_argument("--noise", type=float, default=1.0, help="factor on the noise (default: %(default)s)")
    for name, unit in (("heart_rate", "per minute"), ("pr_ms", "ms"), ("qrs_ms", "ms"), ("qt_ms", "ms")):
        parser.add_argument(f"--{name}", type=float, help=f"{unit} (default: drawn)")
    parser.add_argument("--axis_degrees", type=float, help="frontal QRS axis (default: drawn)")
    parser.add_argument("--age", type=int, help="years (default: drawn)")
    parser.add_argument("--sex", choices=("male", "female"), help="(default: drawn)")
    options = vars(parser.parse_args(arguments))
    output = options.pop("output")
    try:
        header = write_wfdb(simulate_ecg(**options), output)
    except (ValueError, OSError) as error:
        parser.exit(1, f"{parser.prog}: {error}\n")
    sys.stdout.write(f"{header}\n")
    return str(header)


if __name__ == "__main__":
    main()
