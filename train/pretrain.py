"""Pretrain a model by a recipe.

    python train/pretrain.py --config train/recipes/demo.yaml --output_dir OUT data.path=CORPUS [section.key=value ...]

Several processes: `accelerate launch --multi_gpu --num_processes 2 train/pretrain.py ...`; on CPU the same with
`ACCELERATE_USE_CPU=true` in front.

OUT/ holds the whole model, its processor, recipe.yaml (resolved), README.md (card), training_facts.json and log.jsonl;
OUT/encoder/ the bare encoder and its feature extractor; OUT/checkpoints/ `last` (to resume) and `best`.
"""

import argparse
import os
import sys
from pathlib import Path

# cuBLAS repeats itself only with a workspace chosen before it starts; used with run.deterministic=true
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # a checkout works without installation

from hf_ecg.training import load_recipe, pretrain


def main(arguments=None) -> None:
    """Command line of the script."""
    parser = argparse.ArgumentParser(
        description=__doc__.partition("\n")[0], epilog="See the first lines of train/recipes/*.yaml for what to run."
    )
    parser.add_argument("--config", required=True, help="recipe (YAML)")
    parser.add_argument("--output_dir", required=True, help="folder of the run")
    parser.add_argument("--resume", choices=["latest"], help="go on from the last checkpoint in the folder")
    parser.add_argument("--overwrite", action="store_true", help="throw away an earlier run in the folder")
    parser.add_argument("overrides", nargs="*", metavar="section.key=value", help="values that replace the recipe's")
    options = parser.parse_intermixed_args(arguments)
    recipe = load_recipe(options.config, options.overrides)
    pretrain(recipe, options.output_dir, resume=options.resume == "latest", overwrite=options.overwrite)


if __name__ == "__main__":
    main()
