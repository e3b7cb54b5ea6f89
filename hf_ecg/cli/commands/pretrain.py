"""Pretrain a model by a recipe."""

import os

import click

from ..options import OVERRIDES, RUN_FOLDER, as_command, many


@as_command("pretrain")
@click.option("--config", required=True, help="Recipe: a name, such as clep_ptb_xl, or a YAML file.")
@many("--data", help="Prepared corpora, for the recipe's sources in their order: folders or Hub ids.")
@RUN_FOLDER
@OVERRIDES
def command(config, data, output_dir, resume, overwrite, overrides) -> None:
    """Pretrain a model by a recipe.

    \b
    hf-ecg pretrain --config clep_ptb_xl --data CORPUS --output_dir OUT [section.key=value ...]

    Several processes: `accelerate launch --multi_gpu --num_processes 2 train/pretrain.py ...`; on CPU the same with
    ACCELERATE_USE_CPU=true in front.

    OUT/ holds the whole model, its processor, recipe.yaml (resolved), README.md (card), training_facts.json and
    log.jsonl; OUT/encoder/ the bare encoder and its feature extractor; OUT/checkpoints/ `last` (to resume) and `best`.
    """
    # cuBLAS repeats itself only with a workspace chosen before it starts; used with run.deterministic=true
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    from ...recipes_found import RECIPES, find_recipe
    from ...training import load_recipe, pretrain
    from ...training.recipe import as_override

    paths = [as_override(f"data.sources.{place}.path", path) for place, path in enumerate(data)]
    recipe = load_recipe(find_recipe(config, RECIPES), [*paths, *overrides])
    pretrain(recipe, output_dir, resume=resume == "latest", overwrite=overwrite)
