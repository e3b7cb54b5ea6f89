"""Every block of Python or shell in the documentation runs, in order, as a reader would run it.

A new file or block is picked up by itself. What it names must be in the folder of `workspace.py`; a block that cannot
run here carries the comment `<!-- not run: REASON -->` on the line above it.
"""

import contextlib
import io
import re
import shutil

import pytest

from tests.conftest import REPOSITORY, SHARED
from tests.documentation import dry_shell, shell
from tests.documentation.blocks import Block, blocks
from tests.documentation.workspace import MADE

FILES = [
    path.relative_to(REPOSITORY)
    for pattern in (
        "*.md",
        "docs/**/*.md",
        "model_cards/*.md",
        "tests/checkpoints/*.md",
        "hf_ecg/**/*.md",
        "train/**/*.md",
    )
    for path in sorted(REPOSITORY.glob(pattern))
    # the site's copies of the pages in model_cards/, see tests/test_source_pages.py
    if not (path.parent.name == "models" and (REPOSITORY / "model_cards" / path.name).is_file())
]


def run_file(path, folder):
    """Runs the blocks of one file in one folder; Python blocks share their names."""
    names, variables = {"__name__": "__main__"}, ""
    for block in blocks(path):
        if block.not_run:
            continue
        try:
            with shell.work_in(folder):
                if block.language == "python":
                    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                        exec(compile(block.code, str(block), "exec"), names)
                    continue
                for command in shell.commands(block.code, variables, folder):
                    if any("PTB_XL" in word for word in command) and not (folder / "PTB_XL").is_dir():
                        pytest.skip(f"{block} needs PTB-XL in {SHARED}")
                    shell.run(command, folder, REPOSITORY)
                variables += "\n" + shell.assignments(block.code)
        except Exception as error:
            pytest.fail(
                f"{block}: this block does not run: {type(error).__name__}: {error}\nMend it, or what it calls; files"
                " that it names are made by tests/documentation/workspace.py, and <!-- not run: REASON --> above it"
                f" leaves it out.\n\n{block.code}"
            )


def taken_as_given(found: list[Block]) -> list[str]:
    """What of `MADE` the blocks name before they make it themselves."""
    code = "\n".join(block.code for block in found if not block.not_run)
    places = {name: re.search(rf"(?<![\w/]){name}(?![\w-])", code) for name in MADE}
    made = {name: re.search(rf"--output_dir {name}(?![\w/-])", code) for name in MADE}
    return [
        name
        for name, place in places.items()
        if place and not (made[name] and made[name].end() - len(name) == place.start())
    ]


def run_page(path, workspace, request):
    """Runs a page where what it takes as given is there; skips it where that cannot be made."""
    found = blocks(path)
    given = taken_as_given(found)
    if given and not (workspace / "PTB_XL").is_dir():
        pytest.skip(f"{path.name} needs {given[0]}, made of PTB-XL in {SHARED}")
    for name in given:
        shutil.copytree(request.getfixturevalue("trained_workspace") / name, workspace / name)
    run_file(path, workspace)


@pytest.mark.parametrize("path", [path for path in FILES if blocks(REPOSITORY / path)], ids=str)
def test_the_blocks_run(path, workspace, request, evaluate_offline, hub, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_test")  # what is pushed goes to a Hub on this machine
    run_page(REPOSITORY / path, workspace, request)


def mistakes_of_blocks_that_are_not_run(paths, folder):
    """What their commands name and is not there; variables may be those of any block before."""
    found = []
    for path in paths:
        variables = ""
        for block in blocks(path):
            if block.language != "shell":
                continue
            if block.not_run:
                try:
                    for command in shell.commands(block.code, variables, folder, others=True):
                        dry_shell.read(command, REPOSITORY)
                except (ValueError, OSError) as error:
                    found.append(f"{block}: {error}")
            variables += "\n" + shell.assignments(block.code)
    return found


def test_blocks_that_are_not_run_name_what_there_is(tmp_path):
    assert not mistakes_of_blocks_that_are_not_run([REPOSITORY / path for path in FILES], tmp_path)


def test_a_block_that_is_not_run_is_read(tmp_path):
    for command, message in (
        ("hf-ecg study sweap --sweep x", "there is no command 'sweap'"),
        (
            "hf-ecg study sweep --sweep encoders_ptb_xl --data c --minuets 1 --output_dir o",
            "No such option '--minuets'",
        ),
        (
            "hf-ecg study compare --comparison clef_ptbxl --data c --output_dir o",
            "there is no file 'clef_ptbxl' among",
        ),
        ("python train/swep.py --minutes 1", "train/swep.py is not in the checkout"),
        ("accelerate launch train/pretrain.py --config clep_ptb_xl --output_dir o run.epoch=1", "run.epoch"),
        ("hf-ecg embed $records --model m --output o", "records: unbound variable"),
    ):
        page = write(tmp_path, f"<!-- not run: it takes hours -->\n```\ncurl x && git show y\n{command}\n```\n")
        (told,) = mistakes_of_blocks_that_are_not_run([page], tmp_path)
        assert message in told


def write(tmp_path, text):
    path = tmp_path / "PAGE.md"
    path.write_text(text)
    return path


def test_a_renamed_option_or_recipe_key_is_noticed(workspace, tmp_path):
    """Holds the test itself to its promise."""
    train = "python train/pretrain.py --config train/recipes/bce_ptb_xl.yaml"
    for text, message in (
        ("```\npython train/classify.py record.hea --modell x --prompts y\n```\n", "No such option '--modell'"),
        ("```\nhf-ecg evaluate classify r.hea --modell x\n```\n", "No such option '--modell'"),
        (f"```bash\n{train} --output_dir out/x data.pth=corpus\n```\n", r"PAGE.md:2: .*data\.pth"),
        ("```python\nx = 1\n```\n\n```python\nx.shape\n```\n", "PAGE.md:6: .*'int' object has no attribute 'shape'"),
        ("```\npip install 'hf-ecg[plott]'\n```\n", "no extra 'plott'"),
        ("```\nmake demmo\n```\n", "No rule to make target"),
        ("```\nconda install x\n```\n", "command not found"),
    ):
        with pytest.raises(pytest.fail.Exception, match=re.compile(message, re.DOTALL)):
            run_file(write(tmp_path, text), workspace)


def test_bash_reads_loops_variables_and_continued_lines(tmp_path):
    code = 'for seed in 0 1; do  # twice\n    python a.py --out out$seed $quick \\\n        "b=[1, 2]"\ndone\n'
    assert shell.commands(code, shell.assignments('quick="x=1 y=2"  # both\n'), tmp_path) == [
        ["python", "a.py", "--out", f"out{seed}", "x=1", "y=2", "b=[1, 2]"] for seed in (0, 1)
    ]


def test_a_marked_block_is_left_out(workspace, tmp_path):
    run_file(write(tmp_path, "<!-- not run: it needs a GPU -->\n```python\n1 / 0\n```\n"), workspace)
