"""Cards from the Jinja templates in `model_cards/`: front matter that the Hub reads, then Markdown."""

import re
from functools import cache
from pathlib import Path

import jinja2
from huggingface_hub import CardData

CARD_NAME = "README.md"
# by which the Hub finds what is made here
TAGS = ("ecg", "electrocardiogram", "hf_ecg")
# What a card says for the folder or Hub id of what it describes, until `hf_ecg.hub` knows the id.
PLACEHOLDER = "PATH_OR_ID"

# Installed inside the package; in a checkout the folder stands beside it.
_PACKAGE = Path(__file__).parent
_FOLDERS = (_PACKAGE / "model_cards", _PACKAGE.parent / "model_cards")


def render_card(template: str, front_matter: CardData | dict, **values) -> str:
    """The card that a template makes.

    Args:
        template: name of a file in `model_cards/`, such as "dataset.md.jinja".
        front_matter: the card's metadata.
        values: what the template is filled with; a name that it wants and does not get is an error.

    Raises:
        ValueError: the template wants a value that is not given.
        OSError: no such template.
    """
    front = front_matter if isinstance(front_matter, CardData) else CardData(**front_matter)
    return f"---\n{front.to_yaml(line_break=chr(10))}\n---\n\n{render_text(template, **values)}"


def render_text(template: str, **values) -> str:
    """What a template makes, without front matter; the rest as `render_card`."""
    # blocks that stay empty leave their blank lines behind
    return re.sub(r"\n{3,}", "\n\n", _filled(template, False, values)).strip() + "\n"


def render_html(template: str, **values) -> str:
    """The page that a template makes; values are text, and never markup. The rest as `render_card`."""
    return _filled(template, True, values)


@cache
def _environment(autoescape: bool) -> jinja2.Environment:
    """One for all cards: a template is compiled once, and again when its file has changed."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader([str(folder) for folder in _FOLDERS]),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=autoescape,
    )


def _filled(template: str, autoescape: bool, values: dict) -> str:
    try:
        return _environment(autoescape).get_template(template).render(placeholder=PLACEHOLDER, **values)
    except jinja2.TemplateNotFound as error:
        raise FileNotFoundError(f"no card template {error.name} in {' or '.join(map(str, _FOLDERS))}") from error
    except jinja2.UndefinedError as error:
        raise ValueError(f"card template {template}: {error.message}") from error
