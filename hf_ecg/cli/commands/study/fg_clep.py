"""FG-CLEP's three stages."""

import os

import click

from ...next_steps import after_pretraining
from ...options import CONFIG, DATA, OVERRIDES, as_command
from ...outcomes import Ending


@as_command("fg-clep")
@click.option("--stages", required=True, help="A name, such as fg_clep_ptb_xl, or a YAML file.")
@DATA
@CONFIG
@click.option("--output_dir", required=True, help="Folder of all three stages.")
@click.option("--train_folds", help="Of both recipes, such as 1-7 (default: the recipes' own).")
@click.option("--validation_folds", help="Likewise; the judges train and select within both.")
@click.option("--seed", type=int, help="Of both recipes.")
@click.option("--first", multiple=True, metavar="section.key=value", help="Of the first recipe; may be repeated.")
@click.option("--third", multiple=True, metavar="section.key=value", help="Of the third recipe; may be repeated.")
@OVERRIDES
def command(stages, data, config, output_dir, train_folds, validation_folds, seed, first, third, overrides) -> Ending:
    """FG-CLEP's three stages in one command: CLEP, verified waveform features, training on with them.

    \b
    hf-ecg study fg-clep --stages fg_clep_ptb_xl --data CORPUS --output_dir OUT \\
        --train_folds 1-7 --validation_folds 8 [--first run.epochs=8] [proposer.name=endpoint ...]

    OUT holds clep/ (first stage), proposals/, judges/ (dual encoders that verify records they have not seen), corpus/
    (the corpus with `augmented_report` and `waveform_features`, and a page of figures, verification.md) and fg_clep/
    (the last model). Stopped at any moment, the same command goes on where it was.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # see pretrain
    from ....evaluation.protocol import parse_folds
    from ....progress import write_line
    from ....recipes_found import STAGES, find_recipe
    from ....studies.fg_clep.stages import run_stages
    from ....studies.fg_clep.stages_spec import load_stages_run
    from ....studies.source_overrides import source_overrides

    given = {"train": train_folds, "validation": validation_folds}
    both = source_overrides(folds={split: parse_folds(folds) for split, folds in given.items() if folds})
    if seed is not None:
        both.append(f"run.seed={seed}")
    path = find_recipe(stages, STAGES)
    run = load_stages_run(path, data, config, both, list(overrides), list(first), list(third))
    folder = run_stages(run, output_dir, lambda line: write_line(f"== {line}"))
    return Ending(folder, made=[(folder, "the model of the third stage")], next=after_pretraining(folder, data))
