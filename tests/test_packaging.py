"""What `pip install` puts on a machine that has no checkout."""

import os
import shutil
import subprocess
import sys
import zipfile

import pytest

CARD = """
import sys
import hf_ecg.cards, hf_ecg.clinical.prompts, hf_ecg.clinical.waveform_features
assert hf_ecg.cards.__file__.startswith(sys.argv[1]), hf_ecg.cards.__file__
assert hf_ecg.clinical.prompts.load_prompts("ptb_xl_rhythm")
assert hf_ecg.clinical.waveform_features.features_of_codes(["LPR"])
environment = hf_ecg.cards.render_card("probe.md.jinja", {"license": "mit"}, word="found")
print(environment)
"""


def test_a_wheel_carries_the_card_templates(repository, tmp_path):
    pytest.importorskip("setuptools", "77")
    source, target = tmp_path / "source", tmp_path / "installed"
    source.mkdir()
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(repository / name, source)
    for name in ("hf_ecg", "model_cards"):
        shutil.copytree(repository / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    (source / "model_cards" / "probe.md.jinja").write_text("# {{ word }} {{ placeholder }}\n")
    build = "from setuptools import build_meta; build_meta.build_wheel('dist')"
    subprocess.run([sys.executable, "-c", build], cwd=source, check=True, capture_output=True)
    (wheel,) = (source / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        archive.extractall(target)
    wanted = {path.relative_to(repository).as_posix() for path in (repository / "hf_ecg").rglob("*.py")}
    wanted |= {f"hf_ecg/model_cards/{path.name}" for path in (repository / "model_cards").iterdir()}
    assert wanted <= set(names)
    assert {name.partition("/")[0] for name in names if ".dist-info" not in name} == {"hf_ecg"}
    environment = dict(os.environ, PYTHONPATH=str(target))
    done = subprocess.run(
        [sys.executable, "-c", CARD, str(target)], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "# found PATH_OR_ID" in done.stdout
