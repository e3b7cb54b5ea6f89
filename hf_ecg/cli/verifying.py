"""What the commands that verify waveform features share."""

from collections.abc import Sequence

import click

from .options import many, options
from .words import CLEP, GROUPS, VERIFIERS

VERIFIER = options(
    many(
        "--verifier",
        type=click.Choice(VERIFIERS),
        default=VERIFIERS,
        show_default=True,
        help="Which verifiers decide, the first one first.",
    ),
    many("--models", help="For clep: folders of cross-fitted dual encoders."),
    click.option("--recipe", help="Or the recipe to train them by: a name or a YAML file."),
    click.option("--judges", help="And the folder to train them in, or to find them."),
    click.option("--groups", type=int, default=GROUPS, show_default=True, help="Of folds, one a model."),
)


def judges_of(
    given: dict, data: str, config: str | None, overrides: Sequence[str], folds: Sequence[int] | None = None
) -> list:
    """The models of --models, or those that --recipe trains in --judges, out of the options.

    Raises:
        ValueError: clep is asked and none of them is given.
    """
    models, recipe, judges, groups = (given.pop(name) for name in ("models", "recipe", "judges", "groups"))
    if CLEP not in given["verifier"] or models:
        return list(models)
    if not (recipe and judges):
        raise ValueError("the verifier clep needs --models, or --recipe and --judges")
    from ..enrichment.verification.cross_fit import train_cross_fit
    from ..recipes_found import find_recipe
    from ..studies.source_overrides import source_overrides
    from ..training import load_recipe

    read = load_recipe(find_recipe(recipe), [*source_overrides(data, config), *overrides])
    return train_cross_fit(read, judges, folds, groups)
