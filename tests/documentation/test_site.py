"""The pages of docs/: every public name is explained, and nothing is left without a way to it."""

import inspect
import re

import pytest
import yaml

import hf_ecg
from tests.conftest import REPOSITORY

DOCS = REPOSITORY / "docs"
REFERENCE = "\n".join(path.read_text(encoding="utf-8") for path in sorted((DOCS / "reference").glob("*.md")))
NAMES = [name for name in hf_ecg.__all__ if name != "__version__"]
# what a model gives: it is read, nobody makes one
READ = ("Output",)


def pages():
    return sorted(path.relative_to(DOCS) for path in DOCS.rglob("*.md"))


def named(place):
    """Files in the nav of mkdocs.yml."""
    if isinstance(place, str):
        return [place]
    return [file for one in (place.values() if isinstance(place, dict) else place) for file in named(one)]


def test_every_page_is_in_the_navigation():
    settings = yaml.safe_load((REPOSITORY / "mkdocs.yml").read_text(encoding="utf-8"))
    assert sorted(named(settings["nav"])) == list(map(str, pages()))


@pytest.mark.parametrize("name", NAMES)
def test_a_public_name_has_an_entry(name):
    thing = getattr(hf_ecg, name)
    assert re.search(rf"^::: {re.escape(f'{thing.__module__}.{thing.__qualname__}')}$", REFERENCE, re.MULTILINE)


def test_every_entry_is_of_something_that_there_is():
    for path in re.findall(r"^::: (\S+)$", REFERENCE, re.MULTILINE):
        module, _, name = path.rpartition(".")
        assert hasattr(__import__(module, fromlist=[name]), name), path


@pytest.mark.parametrize("name", [name for name in NAMES if not name.endswith(READ)])
def test_a_public_docstring_has_an_example(name):
    assert ">>> " in inspect.getdoc(getattr(hf_ecg, name))


def sentences(text):
    """Of the running text: no code, no tables, no headings."""
    text = re.sub(r"^ *```.*?^ *```$|<!--.*?-->", "", text, flags=re.DOTALL | re.MULTILINE)
    lines = [line for line in text.splitlines() if not re.match(r"\s*(\||#|!\[|--8<--|:::|!!!)", line)]
    text = re.sub(r"\]\([^)]*\)", "]", re.sub(r"`[^`]*`", "code", "\n".join(lines)))
    return re.split(r"(?<=[.:?!])\s|\n\s*\n|\n\s*(?=[-*\d])", text)


@pytest.mark.parametrize("path", [path for path in pages() if path.parts[0] != "reference"], ids=str)
def test_sentences_are_short(path):
    long = [one for one in sentences((DOCS / path).read_text(encoding="utf-8")) if len(one.split()) > 30]
    assert not long, f"{len(long)} sentences over 30 words, such as {long[0]!r}"
