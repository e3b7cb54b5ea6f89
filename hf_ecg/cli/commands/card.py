"""Write a model's card."""

import click

from ..next_steps import line
from ..options import as_command, many
from ..outcomes import Ending


@as_command("card")
@click.argument("folder")
@many("--evaluation", help="Reports (JSON) that judge these weights.")
@click.option("--licence", "--license", help="Of the weights, such as mit or cc-by-nc-4.0.")
@click.option("--title", help="Heading (default: the model's class).")
@click.option("--dataset_id", help="The evaluated corpus on the Hub, for .eval_results.")
def command(folder, evaluation, licence, title, dataset_id) -> Ending:
    """Write the model's card from what is in its folder, the output folder of a run.

    \b
    hf-ecg card OUT --evaluation a.json b.json --licence mit
    """
    from ...hub import write_card

    path = write_card(folder, list(evaluation), licence, title, dataset_id=dataset_id)
    return Ending(str(path), made=[(path, "the card")], next=[line("push", folder, "--repo_id", "OWNER/NAME")])
