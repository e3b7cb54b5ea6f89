"""What `pip install` puts on a machine that has no checkout."""

import configparser
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile

import pytest

COMMANDS = """
import sys
from {module} import {function}
place, ended = sys.argv[1], []
for arguments in (["--version"], ["pretrain", "--config", "clep_ptb_x", "--output_dir", "out"]):
    sys.argv = ["hf-ecg", *arguments]
    try:
        ended.append({function}() or 0)
    except SystemExit as stopped:
        ended.append(stopped.code or 0)
print("ended with", ended)
assert "torch" not in sys.modules, "what a wrong name costs"
"""
LIBRARY = """
import hf_ecg.cards, hf_ecg.clinical.prompts, hf_ecg.clinical.waveform_features
assert hf_ecg.cards.__file__.startswith(place), hf_ecg.cards.__file__
assert hf_ecg.clinical.prompts.load_prompts("ptb_xl_rhythm")
assert hf_ecg.clinical.waveform_features.features_of_codes(["LPR"])
print(hf_ecg.cards.render_card("probe.md.jinja", {"license": "mit"}, word="found"))
from hf_ecg.recipes_found import COMPARISONS, find_recipe
print(find_recipe("clef_ptb_xl", COMPARISONS))
for name in hf_ecg.pretrained_names():
    assert hf_ecg.pretrained(name).startswith(place)
"""
INSIDE = {
    "model_cards": "model_cards",
    "recipes": "train/recipes",
    "recipes/ssl": "train/recipes/ssl",
    "comparisons": "train/comparisons",
    "language_models": "train/language_models",
    "stages": "train/stages",
    "shifts": "train/shifts",
    "sweeps": "train/sweeps",
    "cohorts": "train/cohorts",
}


@pytest.fixture(scope="module")
def installed(repository, tmp_path_factory):
    """The folder that a wheel's files are in, and their names."""
    pytest.importorskip("setuptools", "77")
    folder = tmp_path_factory.mktemp("packaging")
    source, target = folder / "source", folder / "installed"
    source.mkdir()
    for name in ("pyproject.toml", "setup.py", "hf_ecg_command.py", "README.md", "LICENSE"):
        shutil.copy(repository / name, source)
    for name in ("hf_ecg", "model_cards", "train"):
        shutil.copytree(repository / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    (source / "model_cards" / "probe.md.jinja").write_text("# {{ word }} {{ placeholder }}\n")
    build = (
        "from setuptools.build_meta import *; build_wheel('dist'); build_editable('editable'); build_sdist('sdist')"
    )
    subprocess.run([sys.executable, "-c", build], cwd=source, check=True, capture_output=True)
    (wheel,) = (source / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        archive.extractall(target)
    return target, names


def python(installed, *arguments):
    environment = dict(os.environ, PYTHONPATH=str(installed[0]))
    folder = installed[0].parent
    return subprocess.run([sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True)


def test_a_wheel_carries_what_lies_beside_the_package(repository, installed):
    _, names = installed
    wanted = {path.relative_to(repository).as_posix() for path in (repository / "hf_ecg").rglob("*.py")}
    for inside, beside in INSIDE.items():
        wanted |= {f"hf_ecg/{inside}/{path.name}" for path in (repository / beside).iterdir() if path.is_file()}
    assert wanted <= set(names)
    tops = {name.partition("/")[0] for name in names if ".dist-info" not in name}
    assert tops == {"hf_ecg", "hf_ecg_command.py"}


def test_an_editable_installation_is_a_plain_path_that_type_checkers_follow(installed):
    source = installed[0].parent / "source"
    (wheel,) = (source / "editable").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        (path,) = [name for name in archive.namelist() if ".dist-info" not in name]
        assert path.endswith(".pth") and archive.read(path).decode().strip() == str(source)
    assert (source / "hf_ecg_command.py").is_file() and (source / "hf_ecg" / "py.typed").is_file()


def test_a_source_distribution_carries_what_a_wheel_is_built_from(installed):
    source = installed[0].parent / "source"
    (packed,) = (source / "sdist").glob("*.tar.gz")
    with tarfile.open(packed) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"setup.py", "hf_ecg_command.py", "train/recipes/clep_ptb_xl.yaml", "model_cards/merl.md"} <= names


@pytest.fixture(scope="module")
def told(installed):
    """What one process said, whose only package is the wheel's: the two commands, and then the library."""
    (points,) = installed[0].glob("*.dist-info/entry_points.txt")
    scripts = configparser.ConfigParser()
    scripts.read(points)
    module, _, function = scripts["console_scripts"]["hf-ecg"].partition(":")
    done = python(installed, "-c", COMMANDS.format(module=module, function=function) + LIBRARY, str(installed[0]))
    assert done.returncode == 0, done.stderr
    return done


def test_the_library_of_a_wheel_finds_its_templates_recipes_and_models(repository, installed, told):
    _, names = installed
    folder = repository / "hf_ecg" / "pretrained_models"
    wanted = {path.relative_to(repository).as_posix() for path in folder.glob("*/*") if path.parent.name[0] != "_"}
    assert wanted and wanted <= set(names)
    assert "# found PATH_OR_ID" in told.stdout
    # a packaged comparison names its recipe by a path beside it
    path = installed[0] / "hf_ecg" / "comparisons" / "clef_ptb_xl.yaml"
    assert str(path) in told.stdout.splitlines() and (path.parent / "../recipes/clef_ptb_xl.yaml").is_file()


def test_the_command_of_a_wheel_runs_and_knows_recipes_by_name(told):
    assert told.stdout.startswith("hf-ecg, version ") and "ended with [0, 1]" in told.stdout
    assert "did you mean 'clep_ptb_xl'?" in told.stderr and "demo_simulated" in told.stderr
