"""Train a language model on reports."""

import click

from ..next_steps import line
from ..options import OVERRIDES, as_command, many
from ..outcomes import Ending


@as_command("language-model")
@click.option("--config", required=True, help="Recipe: a name, such as ptb_xl, or a YAML file.")
@many("--data", help="Prepared corpora or files of texts, for the recipe's sources in their order.")
@click.option("--output_dir", required=True, help="Folder of model, tokenizer and card, to be made.")
@click.option("--resume", type=click.Choice(["latest"]), help="Resume from the last checkpoint in the folder.")
@OVERRIDES
def command(config, data, output_dir, resume, overrides) -> Ending:
    """Train a causal language model on reports, and tell the perplexity of held-out ones.

    \b
    hf-ecg language-model --config ptb_xl --data CORPUS --output_dir OUT [section.key=value ...]

    What a model that writes reports begins with (MELP's stage 0): OUT is its model.init_from.text_model.
    """
    from ...recipes_found import LANGUAGE_MODELS, find_recipe
    from ...training.language_model import FIGURES, load_language_recipe, train_language_model
    from ...training.recipe import as_override

    path = find_recipe(config, LANGUAGE_MODELS)
    given = [as_override(f"sources.{place}.path", one) for place, one in enumerate(data)]
    figures = train_language_model(load_language_recipe(path, [*overrides, *given]), output_dir, resume == "latest")
    told = [
        f"{split}: perplexity {one['perplexity']:.2f} a token (unigram {one['unigram_perplexity']:.1f}),"
        f" {one['texts']} texts, {one['new_texts']} of them not in the training"
        for split, one in figures.items()
    ]
    made = [(output_dir, "the model, its tokenizer and its card"), (f"{output_dir}/{FIGURES}", "the figures")]
    return Ending(figures, "\n".join(told), made, [line("info", output_dir)])
