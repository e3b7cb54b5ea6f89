"""Embeds ECG records with a model and writes a parquet file, a row a window of the model's length.

python -m hf_ecg.embed record.hea other.hea --model out/demo/clep --output emb.parquet
python -m hf_ecg.embed folder_of_records --model OWNER/MODEL --output emb.parquet --on_error skip
python -m hf_ecg.embed corpus --folds 9,10 --model out/demo/clep --projected --output emb.parquet

A run that was stopped goes on when it is started again with the same arguments. Exit status: 0 when every record is
in the file, 3 when some were refused (--on_error skip; OUTPUT.refused.csv lists them), 1 after an error.
"""

import argparse
import sys

from ..evaluation.protocol import parse_folds
from .embedding_run import EmbeddingResult, embed_records
from .windows import WINDOWS

SOME_REFUSED = 3


def main(arguments: list[str] | None = None) -> EmbeddingResult:
    """The command; exits with status 3 when records were refused."""
    parser = _parser()
    options = vars(parser.parse_args(arguments))
    try:
        if options["folds"] is not None:
            options["folds"] = parse_folds(options["folds"])
        result = embed_records(**options)
    except (ValueError, OSError) as error:
        parser.exit(1, f"{parser.prog}: {error}\n")
    sys.stdout.write(f"{result.output}: {result.windows} windows of {result.records} records\n")
    sys.stdout.flush()
    if result.refused:
        parser.exit(SOME_REFUSED, f"{result.refused} refused, with the reasons in {result.refused_path}\n")
    return result


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m hf_ecg.embed",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "records", nargs="+", metavar="RECORDS", help="WFDB records, folders of them, prepared corpora"
    )
    parser.add_argument("--model", required=True, help="folder or Hub id of an encoder or a dual encoder")
    parser.add_argument("--output", required=True, help="file to write, .parquet")
    parser.add_argument("--revision", help="branch, tag or commit of a model on the Hub")
    parser.add_argument(
        "--projected", action="store_true", help="unit-length embedding shared with texts (default: pooled output)"
    )
    parser.add_argument("--lead", help="for a model of a single lead: the one it is to see")
    parser.add_argument(
        "--window",
        choices=WINDOWS,
        default="all",
        help="all windows of the model's length, the first, or the whole record by the model's recipe (default: all)",
    )
    parser.add_argument("--stride", type=float, help="seconds between windows (default: their length)")
    parser.add_argument("--config", help="configuration of prepared corpora")
    parser.add_argument("--split", help="split of prepared corpora (default: all)")
    parser.add_argument("--folds", help="folds of prepared corpora, such as 1-7,9 (default: all)")
    parser.add_argument("--batch_size", type=int, default=32, help="windows a forward pass (default: 32)")
    parser.add_argument("--device", help="cpu, cuda ... (default: the GPU when there is one)")
    parser.add_argument(
        "--on_error", choices=("raise", "skip"), default="raise", help="at a record that cannot be embedded"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace an earlier output")
    return parser


if __name__ == "__main__":
    main()
