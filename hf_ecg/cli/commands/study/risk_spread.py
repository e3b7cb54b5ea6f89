"""Find out how far apart weights must lie to teach a risk."""

from dataclasses import replace
from pathlib import Path

import click

from ...options import as_command
from ...outcomes import Ending
from ...reporting import publish


def _numbers(kind):
    def parse(ctx, param, text: str) -> list:
        try:
            return [kind(part) for part in text.split(",")]
        except ValueError as error:
            raise click.BadParameter(f"{text!r}, wanted numbers such as 0,1", ctx, param) from error

    return parse


@as_command("risk-spread")
@click.option("--shares", default="0,0.01,0.05,0.2", show_default=True, callback=_numbers(float), help="Explained.")
@click.option(
    "--spreads", default="0.25,0.5,1,2", show_default=True, callback=_numbers(float), help="In the logits' deviations."
)
@click.option("--seeds", default="0,1", show_default=True, callback=_numbers(int), help="Of patients and training.")
@click.option("--records", type=int, default=1024, show_default=True, help="To train on, and as many to test.")
@click.option("--steps", type=int, default=60, show_default=True, help="Of each training.")
@click.option("--dealt", is_flag=True, help="Also every spread with other patients' risks.")
@click.option("--picture", is_flag=True, help="Draw risk_spread.png too; needs the extra plot.")
@click.option("--output_dir", required=True, help="Folder of risk_spread.json, .md and .png; it is made.")
def command(output_dir, picture, **given) -> Ending:
    """Find out how far apart the weights of CLEF's loss must lie to teach a risk, on made waveforms.

    \b
    hf-ecg study risk-spread --picture --output_dir OUT

    Patients' beats differ in nine ways, one of which goes with the risk and explains a stated share of the variance. A
    small encoder is trained by InfoNCE, by CLEF's weights as published, and by weights of a stated spread, and asked
    for the risk. Simulated: evidence about the loss, not about patients. Some six seconds a training.
    """
    from ....plotting.risk_spread import plot_risk_spread
    from ....studies.risk.spread import SpreadStudy, spread_study
    from ....studies.risk.spread_report import gains, spread_page, spread_report

    folder = Path(output_dir)
    folder.mkdir(parents=True, exist_ok=True)
    study = SpreadStudy(**{name: tuple(value) if isinstance(value, list) else value for name, value in given.items()})
    runs = spread_study(study)
    told = [f"{len(runs)} trainings, on made waveforms: evidence about the loss, not about patients"]
    ending = publish(spread_report(study, runs), folder / "risk_spread.json", spread_page, told=told)
    if picture:
        from ....plotting import save_figure

        path = save_figure(plot_risk_spread(gains(runs)), folder / "risk_spread.png", dpi=150)
        ending = replace(ending, made=[*ending.made, (path, "the picture")])
    return ending
