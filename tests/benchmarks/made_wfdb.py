"""WFDB records of every format, made by arithmetic, against `hf_ecg.read`: equal to the last bit, or refused in words.

    python tests/benchmarks/made_wfdb.py --records 5000 --seed 0

Formats 8 to 524, several samples a frame, skew, codes for missing samples, byte offsets, several files, gains and
baselines, leads of several rates, segments with gaps; every record is then cut, or one of its bits turned. A record
that differs stays in `--output_dir`.
"""

import argparse
import logging
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # a checkout works without installation

from tests.signals.formats.wfdb_comparing import run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--records", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output_dir", help="keeps the records that differ; default: a temporary folder")
    args = parser.parse_args()
    logging.disable(logging.WARNING)
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as temporary:
        counts, differences = run(args.records, args.seed, Path(args.output_dir or temporary))
    for kind, number in sorted(counts.items(), key=lambda pair: (pair[0] != "records", pair[0])):
        print(f"{kind:18} {number:6}")
    print(f"{len(differences)} differences, {time.monotonic() - started:.0f} s")
    for difference in differences:
        print(difference)
    sys.exit(bool(differences))


if __name__ == "__main__":
    main()
