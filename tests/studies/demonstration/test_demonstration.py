"""`hf-ecg tour`: what is made once is there at once, what is of other records stays, the page stands alone."""

import re
import subprocess
import sys

import pytest

from hf_ecg.cli import call
from hf_ecg.studies.demonstration.page import Answer, write_page
from hf_ecg.studies.demonstration.plan import Plan

INSTANT = """
import sys
from hf_ecg.cli import run
run("tour", ["--output_dir", sys.argv[1]])
assert not {"torch", "transformers", "datasets", "matplotlib"} & set(sys.modules)
"""
FOUND = [
    {"class": "atrial <fibrillation>", "cosine": 0.4, "probability": 0.875},
    {"class": "sinus rhythm", "cosine": 0.1, "probability": None},
]


def page(plan, tmp_path):
    picture, card = tmp_path / "similarity.png", tmp_path / "README.md"
    picture.write_bytes(b"a picture")
    card.write_text("a card of <weights>")
    answer = Answer("a model", "record.hea", "sinus rhythm", "it learned from ten ECGs", FOUND, picture)
    return write_page(plan, [answer, answer], ["form: texts 0.9"], [picture], card).read_text()


@pytest.fixture
def plan(tmp_path):
    plan = Plan(tmp_path / "demo")
    plan.begin()
    return plan


def test_the_page_holds_everything_and_loads_nothing(plan, tmp_path):
    text = page(plan, tmp_path)
    assert text.count("data:image/png;base64,") == 3 and not re.search(r"(src|href)=\"(?!data:)", text)
    for told in ("Simulated records", "it learned from ten ECGs", "form: texts 0.9", "Compare within a column"):
        assert told in text
    assert "atrial &lt;fibrillation&gt; 0.88, sinus rhythm 0.10" in text and "a card of &lt;weights&gt;" in text
    assert "hf-ecg evaluate classify FILE" in text


def test_a_page_of_real_records_has_no_banner(tmp_path):
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "ptbxl_database.csv").touch()
    plan = Plan(tmp_path / "demo", tmp_path / "raw")
    plan.begin()
    assert "Simulated records" not in page(plan, tmp_path)


def test_what_is_there_is_told_at_once(plan, tmp_path, repository):
    page(plan, tmp_path)
    line = [sys.executable, "-c", INSTANT, str(plan.output)]
    done = subprocess.run(line, cwd=repository, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert str(plan.page) in done.stdout and "steps" not in done.stdout


def test_a_folder_with_other_records_is_kept(plan, tmp_path):
    raw = tmp_path / "raw"
    with pytest.raises(OSError, match="holds no ptbxl_database.csv"):
        call("tour", ["--data", str(raw), "--output_dir", str(plan.output)])
    raw.mkdir()
    (raw / "ptbxl_database.csv").touch()
    page(plan, tmp_path)
    with pytest.raises(OSError, match="a demonstration on other records"):
        call("tour", ["--data", str(raw), "--output_dir", str(plan.output)])
    (tmp_path / "older" / "corpus" / "ptb_xl_100hz").mkdir(parents=True)
    with pytest.raises(OSError, match="holds another corpus than simulated_100hz"):
        call("tour", ["--output_dir", str(tmp_path / "older")])


def test_an_interrupted_demonstration_is_taken_up(plan):
    assert not plan.is_done()
    plan.begin()
    assert plan.lines()[1:] == [line for line in plan.lines() if re.match(r"  [1-6]  ", line)]
