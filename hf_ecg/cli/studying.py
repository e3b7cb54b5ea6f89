"""What the commands that train and compare many runs share."""

import click

SEEDS = click.option("--seeds", default="0", show_default=True, help="Such as 0,1,2.")
BOOTSTRAP_SEED = click.option(
    "--bootstrap_seed", type=int, default=0, show_default=True, help="Seed of the bootstrap."
)
RUNS = click.option("--output_dir", required=True, help="Folder of all runs and of the report.")
