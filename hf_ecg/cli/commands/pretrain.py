"""Pretrain a model by a recipe."""

import os
from pathlib import Path

import click

from ..next_steps import after_pretraining
from ..options import OVERRIDES, RUN_FOLDER, as_command, many
from ..outcomes import Ending


@as_command("pretrain")
@click.option("--config", required=True, help="Recipe: a name, such as clep_ptb_xl, or a YAML file.")
@many("--data", help="Prepared corpora, for the recipe's sources in their order: folders or Hub ids.")
@RUN_FOLDER
@OVERRIDES
def command(config, data, output_dir, resume, overwrite, overrides) -> Ending:
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
    from ...recipes_found import find_recipe

    # told before the seconds that torch takes
    path = find_recipe(config)
    from ...studies.source_overrides import source_overrides
    from ...training import load_recipe, pretrain

    recipe = load_recipe(path, overrides)
    if len(data) > len(recipe.data.sources):
        raise ValueError(f"--data gives {len(data)} corpora, and {path} has {len(recipe.data.sources)} sources")
    if data:
        paths = [override for place, one in enumerate(data) for override in source_overrides(one, place=place)]
        recipe = load_recipe(path, [*overrides, *paths])
    best = pretrain(recipe, output_dir, resume=resume == "latest", overwrite=overwrite)
    told = ", ".join(f"{name} {value:.4f}" for name, value in best.items())
    made = [(output_dir, "the model, its processor and its card")]
    if (encoder := Path(output_dir) / "encoder").is_dir():
        made.append((encoder, "its ECG encoder alone"))
    sources = recipe.data.sources
    return Ending(best, told and f"best epoch: {told}", made, after_pretraining(output_dir, sources[0].path))
