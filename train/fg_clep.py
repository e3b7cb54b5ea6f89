"""FG-CLEP's three stages in one command: CLEP, verified waveform features, training on with them.

    python train/fg_clep.py --stages train/stages/fg_clep_ptb_xl.yaml --data CORPUS --output_dir OUT \
        --train_folds 1-7 --validation_folds 8 [--first run.epochs=8] [proposer.name=endpoint ...]

OUT holds clep/ (first stage), proposals/, judges/ (dual encoders that verify records they have not seen), corpus/ (the
corpus with `augmented_report` and `waveform_features`, and a page of figures, verification.md) and fg_clep/ (the last
model). Stopped at any moment, the same command goes on where it was.
"""

import argparse
import os
import sys
from pathlib import Path

os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # see train/pretrain.py
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # a checkout works without installation

from hf_ecg.evaluation.protocol import parse_folds
from hf_ecg.studies.fg_clep.stages import run_stages
from hf_ecg.studies.fg_clep.stages_spec import load_stages_run


def main(arguments: list[str] | None = None) -> Path:
    """Command line of the script; the folder of the last model."""
    args = parse_arguments(arguments)
    both = [
        f"data.folds.{split}={parse_folds(given)}"
        for split, given in (("train", args.train_folds), ("validation", args.validation_folds))
        if given
    ]
    if args.seed is not None:
        both.append(f"run.seed={args.seed}")
    run = load_stages_run(args.stages, args.data, args.config, both, args.overrides, args.first, args.third)
    folder = run_stages(run, args.output_dir, lambda line: print(f"== {line}", flush=True))
    print(f"written: {folder}")
    return folder


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stages", required=True, help="YAML file: two recipes, who proposes, how is verified")
    parser.add_argument("--data", required=True, help="prepared corpus: a folder or a Hub id")
    parser.add_argument("--config", help="configuration of the corpus, such as ptb_xl_100hz")
    parser.add_argument("--output_dir", required=True, help="folder of all three stages")
    parser.add_argument("--train_folds", help="of both recipes, such as 1-7 (default: the recipes' own)")
    parser.add_argument("--validation_folds", help="likewise; the judges train and select within both")
    parser.add_argument("--seed", type=int, help="of both recipes")
    parser.add_argument(
        "--first", action="append", default=[], metavar="section.key=value", help="of the first recipe"
    )
    parser.add_argument(
        "--third", action="append", default=[], metavar="section.key=value", help="of the third recipe"
    )
    parser.add_argument(
        "overrides", nargs="*", metavar="section.key=value", help="of the stages, such as verification.groups=5"
    )
    return parser.parse_intermixed_args(arguments)


if __name__ == "__main__":
    main()
