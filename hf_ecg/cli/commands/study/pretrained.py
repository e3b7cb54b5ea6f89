"""Make the models that are inside the package."""

import click

from ...next_steps import line
from ...options import DATA, as_command, comma_separated
from ...outcomes import Ending


@as_command("pretrained")
@DATA
@click.option("--output_dir", required=True, help="For runs, models and reports.")
@click.option("--models", callback=comma_separated, help="Such as ecg-text-small (default: all).")
@click.option("--test_folds", default="9,10", show_default=True, help="Judged once, by a twin that has not seen them.")
@click.option("--validation_folds", default="8", show_default=True, help="Left out of the twin's training, too.")
@click.option("--ptb_xl", help="PTB-XL as published: also compares its records at 500 and 100 Hz.")
@click.option("--no_twin", is_flag=True, help="Train on all folds at once, and judge nothing.")
def command(data, output_dir, models, test_folds, validation_folds, ptb_xl, no_twin) -> Ending:
    """Make the models inside the package, and judge twins of them that have not seen the test folds.

    \b
    hf-ecg study pretrained --data CORPUS --output_dir OUT

    OUT/packaged/NAME is what `hf_ecg/pretrained_models/NAME` holds. On one machine the same command gives the same
    weights bit for bit. What is there already is not made again.
    """
    from ....evaluation.protocol import parse_folds
    from ....studies.pretrained_models.making import MakingOptions, make_pretrained
    from ....studies.pretrained_models.twin_report import TwinOptions

    twin = None
    if not no_twin:
        twin = TwinOptions(tuple(parse_folds(test_folds)), tuple(parse_folds(validation_folds)), ptb_xl)
    options = MakingOptions(twin=twin) if models is None else MakingOptions(names=models, twin=twin)
    made = make_pretrained(data, output_dir, options)
    return Ending(
        made, made=[(folder, "a model") for folder in made], next=[line("info", folder) for folder in made[:1]]
    )
