"""An option of a configuration that nothing reads would be taken without a word and change nothing."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import hf_ecg
from hf_ecg.auto import FAMILIES

CHECKS = ("validate_", "_check_", "check_")
# of transformers, and what tells which version wrote a file
TOLD = {"keys_to_ignore_at_inference", "hf_ecg_version"}
OURS = [name for name, family in FAMILIES.items() if family.config.__module__.startswith("hf_ecg.")]


def names_in(node: ast.AST) -> Iterator[str]:
    """Attributes, and strings that are no keys of a mapping; not of functions that check a configuration."""
    if isinstance(node, ast.FunctionDef) and node.name.startswith(CHECKS):
        return
    if isinstance(node, ast.Attribute):
        yield node.attr
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    for child in node.values if isinstance(node, ast.Dict) else ast.iter_child_nodes(node):
        yield from names_in(child)


@pytest.fixture(scope="module")
def names_read():
    """In the rooms that a model takes part in."""
    rooms = [Path(hf_ecg.__file__).parent / room for room in ("models", "training")]
    paths = [path for room in rooms for path in sorted(room.rglob("*.py"))]
    return {name for path in paths for name in names_in(ast.parse(path.read_text("utf-8")))}


@pytest.mark.parametrize("name", OURS)
def test_every_option_is_read(name, names_read):
    kinds = [kind for kind in FAMILIES[name].config.__mro__ if kind.__module__.startswith("hf_ecg.")]
    options = {option for kind in kinds for option in vars(kind).get("__annotations__", {})} - TOLD
    # a decoder's options are asked for by their name behind a prefix
    assert not {one for one in options if not {one, one.removeprefix("decoder_")} & names_read}
