"""The pages of docs/: every public name is explained, and nothing is left without a way to it."""

import importlib.util
import inspect
import re

import pytest
import yaml

import hf_ecg
from tests.conftest import REPOSITORY

DOCS = REPOSITORY / "docs"
_LINKS = importlib.util.spec_from_file_location("links", DOCS / "links.py")
links = importlib.util.module_from_spec(_LINKS)
_LINKS.loader.exec_module(links)
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


# What is made of nothing that could be wrong.
NEVER_RAISE = ("Family", "pretrained_names")
SHAPE = re.compile(r"\([a-z_]+,(?: ?[a-z_ 0-9]+,?)*\)")
UNIT = re.compile(r"\b(mV|millivolts?|hertz|Hz)\b")
# A model reads what its extractor gives; these say what a number means.
HAVE_UNITS = (hf_ecg.ECGFeatureExtractor, hf_ecg.ECGTextProcessor, hf_ecg.read, hf_ecg.ECGResNetConfig)


def docstring(thing):
    """Of a class with that of what it is called for."""
    called = [getattr(thing, name, None) for name in ("__call__", "forward")] if inspect.isclass(thing) else []
    own = [one for one in called if str(getattr(one, "__module__", "")).startswith("hf_ecg")]
    return "\n".join(inspect.getdoc(one) or "" for one in (thing, *own))


@pytest.mark.parametrize("name", [name for name in NAMES if not name.endswith(READ) and name not in NEVER_RAISE])
def test_a_public_docstring_says_what_is_raised(name):
    assert re.search(r"^ *Raises:\n +\w+: ", docstring(getattr(hf_ecg, name)), re.MULTILINE)


TENSORS = [name for name in NAMES if hasattr(getattr(hf_ecg, name), "forward") or name.endswith(READ)]


@pytest.mark.parametrize("name", TENSORS)
def test_what_takes_or_gives_tensors_says_their_shapes(name):
    assert SHAPE.search(docstring(getattr(hf_ecg, name)))


@pytest.mark.parametrize("thing", HAVE_UNITS, ids=lambda thing: thing.__name__)
def test_signals_have_shapes_and_units(thing):
    told = docstring(thing)
    assert UNIT.search(told) and (SHAPE.search(told) or thing is hf_ecg.ECGResNetConfig)


def arguments(thing):
    """Of a call; without those of every model of transformers."""
    called = thing.forward if hasattr(thing, "forward") else thing
    usual = ("self", "args", "kwargs", "hidden_states", "attentions")
    return [name for name in inspect.signature(called).parameters if name not in usual]


@pytest.mark.parametrize("name", [name for name in NAMES if not re.match("AutoModel|.*Config$", name)])
def test_every_argument_is_explained(name):
    told = docstring(getattr(hf_ecg, name))
    absent = [one for one in arguments(getattr(hf_ecg, name)) if not re.search(rf"\b{one}\b", told)]
    assert absent == []


def test_addresses_of_other_sites_have_their_form():
    """Nobody is asked for them here; `python docs/links.py --open` does that by hand."""
    found = links.addresses(REPOSITORY)
    assert len(found) > 10
    for address in found:
        assert re.fullmatch(r"https://[a-z0-9.-]+\.[a-z]{2,}(/[\w.~%/#?=&+@-]*)?", address), address
        if "arxiv.org" in address:
            assert re.fullmatch(r"https://arxiv\.org/abs/\d{4}\.\d{5}", address), address
