"""Draw what a model makes of a corpus."""

from pathlib import Path

import click

from ..model_names import MODEL_NAME
from ..next_steps import line, spoken
from ..options import BATCH_SIZE, CONFIG, DATA, DEVICE, STRICT, as_command
from ..outcomes import Ending
from ..reporting import forward_options
from ..words import FORMATS, PROJECTIONS


@as_command("pictures")
@click.option(
    "--model", type=MODEL_NAME, required=True, help="Dual encoder or encoder: a folder, a packaged name, or a Hub id."
)
@DATA
@CONFIG
@click.option("--folds", help="Folds to draw, such as 9,10 or 1-8 (default: all).")
@click.option(
    "--prompts", default="ptb_xl_superdiagnostic", show_default=True, help="Their label set colours the points."
)
@click.option("--output", required=True, help="Folder for the pictures.")
@click.option(
    "--format", "ending", type=click.Choice(FORMATS), default="png", show_default=True, help="Format of the files."
)
@click.option(
    "--method", type=click.Choice(PROJECTIONS), default="tsne", show_default=True, help="umap needs umap-learn."
)
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the projection.")
@BATCH_SIZE
@DEVICE
@STRICT
def command(model, data, output, folds, **given) -> Ending:
    """Draw what a model makes of a corpus: embeddings by label and, for a dual encoder, ECGs against prompts.

    \b
    hf-ecg pictures --model OUT --data PARQUET --prompts ptb_xl_superdiagnostic --folds 9,10 --output pictures

    Writes pictures/embeddings.png (t-SNE) and pictures/similarity.png (cosine to the nearest prompt of each class,
    mean over the ECGs whose only label it is). Records with more than one label are drawn as "several" among the
    embeddings.
    """
    from ...evaluation.protocol import parse_folds
    from ...plotting.model_pictures import draw_model

    given["forward"] = forward_options(given)
    written = draw_model(model, data, output, folds=parse_folds(folds) if folds else None, **given)
    kinds = {"embeddings": "records by label", "similarity": "ECGs against prompts"}
    following = ("evaluate", "zero-shot", "--model", spoken(model), "--data", data, "--prompts", given["prompts"])
    following += ("--folds", folds or "10", "--output", "results.json")
    made = [(path, kinds.get(path.stem, "picture")) for path in map(Path, written)]
    # the models inside the package have seen every fold of their corpora
    own = len(made) > 1 and spoken(model) == str(model)
    return Ending(written, made=made, next=[line(*following)] if own else [])
