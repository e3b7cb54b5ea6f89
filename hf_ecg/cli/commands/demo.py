"""Show a page in the browser."""

import click

from ..model_names import MODEL_NAME
from ..next_steps import TWELVE_LEADS_MODEL
from ..options import as_command
from ..outcomes import Ending


@as_command("demo", light=True)
@click.option(
    "--model",
    type=MODEL_NAME,
    default=TWELVE_LEADS_MODEL,
    show_default=True,
    help="Classifier, or model of ECGs and texts: a folder, a packaged name, or a Hub id.",
)
@click.option("--corpus", help="Prepared corpus whose records are shown as neighbours (default: simulated ones).")
@click.option("--no_neighbours", is_flag=True, help="Show no nearest records: the page is there sooner.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at; 0.0.0.0 lets others in.")
@click.option("--port", type=click.IntRange(1, 65535), help="Port to listen at (default: a free one from 7860 on).")
@click.option("--open", "open_browser", is_flag=True, help="Open the browser.")
def command(model, corpus, no_neighbours, host, port, open_browser) -> Ending:
    """Show a page in the browser: drop an ECG, see it on paper, with measurements, answers, reasons, near records.

    \b
    hf-ecg demo
    hf-ecg demo --model FINETUNED --corpus CORPUS --port 8000 --open

    Files are read here, once, and deleted; nothing is sent anywhere. Ctrl-C ends it. The two trainings and their page,
    which were `hf-ecg demo` before, are `hf-ecg tour`.
    """
    from ...browser import build_page, serve

    page = build_page(model, corpus, simulated=not no_neighbours)
    serve(
        page, host=host, port=port, open_browser=open_browser, tell=lambda address: click.echo(f"the page: {address}")
    )
    return Ending()
