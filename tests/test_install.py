"""`install.sh`, tried with commands that only pretend: which Python is taken, what is made anew, what is said."""

import os
import shutil
import subprocess

import pytest

# says its version, makes environments out of itself, and notes what pip is told
PYTHON = """#!/bin/sh
case "$1 $2" in
"-c import sys; print"*) echo {version} ;;
"-m venv")
    mkdir -p "$3/bin"
    cp "$0" "$3/bin/python"
    touch "$3/pyvenv.cfg"
    echo "$PWD/$3" >"$3/bin/activate" ;;
"-m pip")
    echo "$@" >>asked.txt
    case "$*" in *{refused}*) exit 1 ;; esac ;;
esac
"""
UV = """#!/bin/sh
echo uv "$@" >>asked.txt
[ "$1" = venv ] || exit 0
mkdir -p .venv/bin
touch .venv/pyvenv.cfg
"""


@pytest.fixture
def machine(repository, tmp_path):
    """Gives a checkout on a machine with these commands, as a function that installs there."""
    for name in ("install.sh", "pyproject.toml", "setup.py", "constraints.txt"):
        shutil.copy(repository / name, tmp_path)
    commands = tmp_path / "commands"
    commands.mkdir()

    def command(name, text):
        (commands / name).write_text(text)
        (commands / name).chmod(0o755)

    def install(*folder, **variables):
        kept = {"PATH": f"{commands}:/usr/bin:/bin", "HOME": str(tmp_path)}
        asked = tmp_path / "asked.txt"
        asked.write_text("")

        done = subprocess.run(
            ["sh", "install.sh", *folder], cwd=tmp_path, env=kept | variables, capture_output=True, text=True
        )
        return done.returncode, done.stdout + done.stderr, asked.read_text().splitlines()

    for minor in (11, 12, 13, 14):
        command(f"python3.{minor}", "#!/bin/sh\nexit 127\n")
    command("python", "#!/bin/sh\nexit 127\n")
    command("nvidia-smi", "#!/bin/sh\nexit 9\n")
    install.python = lambda name, version, refused="@": command(name, PYTHON.format(version=version, refused=refused))
    install.command, install.folder = command, tmp_path
    return install


def test_an_old_python_ends_in_one_sentence(machine):
    machine.python("python3", "3.10.12")
    status, told, asked = machine()
    assert status == 1 and not asked and not (machine.folder / ".venv").exists()
    assert told.count("\n") == 1 and "python3 is Python 3.10.12, and hf_ecg needs Python 3.11 or newer" in told
    assert "PYTHON=python3.12" in told
    _, told, _ = machine(PYTHON="python3.9")
    assert "there is no python3.9 here" in told


def test_a_newer_python_is_found_and_torch_without_cuda_comes_first(machine):
    machine.python("python3", "3.10.12")
    machine.python("python3.12", "3.12.1")
    status, told, asked = machine()
    assert status == 0 and "taking python3.12" in told and "source .venv/bin/activate" in told
    assert len(asked) == 2 and asked[0].endswith(" torch") and "whl/cpu" in asked[0]
    assert asked[1].endswith("--editable .[dev]") and "--quiet" not in asked[1]
    assert machine() == (0, "", [])


def test_an_index_that_cannot_be_reached_does_not_end_the_installation(machine):
    machine.python("python3", "3.11.7", refused="--index-url")
    status, told, asked = machine()
    assert status == 0 and len(asked) == 2 and "cannot be reached" in told and "5 GB more" in told
    # of a mirror that does not know these builds pip would take what it has, and not say so
    assert "--index-url https://download.pytorch.org/whl/cpu" in asked[0] and "--no-deps" in asked[0]


def test_a_gpu_or_a_word_brings_the_usual_torch(machine):
    machine.python("python3", "3.11.7")
    assert len(machine(TORCH="cuda")[2]) == 1
    machine.command("nvidia-smi", "#!/bin/sh\n")
    assert machine() == (0, "", [])
    _, told, asked = machine(TORCH="cpu")
    assert "made anew: its torch is another build than cpu" in told and len(asked) == 2
    assert "wanted cpu or cuda" in machine(TORCH="gpu")[1]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda venv, machine: machine.python("../.venv/bin/python", "3.10.1"), "it is of Python 3.10.1"),
        (lambda venv, machine: (venv / "bin" / "python").unlink(), "its Python does not run"),
        (lambda venv, machine: (venv / "bin" / "activate").write_text("/elsewhere/.venv"), "made in another folder"),
        (lambda venv, machine: (venv / ".installing").touch(), "was not finished"),
    ],
)
def test_a_stale_environment_is_made_anew(machine, change, reason):
    machine.python("python3", "3.11.7")
    machine()
    venv = machine.folder / ".venv"
    (venv / "left_over").touch()
    change(venv, machine)
    status, told, asked = machine()
    assert status == 0 and reason in told and asked and not (venv / "left_over").exists()
    assert machine() == (0, "", [])


def test_other_constraints_are_installed_over_it(machine):
    machine.python("python3", "3.11.7")
    machine()
    (machine.folder / ".venv" / "kept").touch()
    (machine.folder / "constraints.txt").write_text("torch==2.13.1\n")
    assert machine()[2] and (machine.folder / ".venv" / "kept").exists()


def test_another_python_by_name_makes_it_anew(machine):
    machine.python("python3", "3.11.7")
    machine.python("python3.12", "3.12.1")
    machine()
    assert "it is of Python 3.11.7, and python3.12 is 3.12.1" in machine(PYTHON="python3.12")[1]


def test_a_failed_installation_is_begun_again(machine):
    machine.python("python3", "3.11.7", refused="--editable")
    status, told, _ = machine()
    assert status == 1 and "installation failed" in told
    machine.python("python3", "3.11.7")
    status, told, _ = machine()
    assert status == 0 and "was not finished" in told


def test_two_installations_do_not_meet(machine):
    machine.python("python3", "3.11.7")
    machine()
    (machine.folder / ".venv" / ".installing").write_text(f"{os.getpid()}\n")
    status, told, asked = machine()
    assert status == 1 and not asked and "another process" in told


def test_a_folder_that_is_no_environment_is_left_alone(machine):
    machine.python("python3", "3.11.7")
    (machine.folder / "mine").mkdir()
    status, told, asked = machine("mine")
    assert status == 1 and not asked and "is not an environment of Python" in told


def test_uv_is_used_where_it_is_and_pip_has_no_places_of_its_own(machine):
    machine.python("python3", "3.11.7")
    machine.command("uv", UV)
    status, _, asked = machine()
    assert status == 0 and all(line.startswith("uv ") for line in asked) and "--torch-backend cpu torch" in asked[1]
    shutil.rmtree(machine.folder / ".venv")
    assert not any(line.startswith("uv ") for line in machine(PIP_FIND_LINKS="wheels")[2])
    shutil.rmtree(machine.folder / ".venv")
    assert machine(INSTALLER="uv", PIP_FIND_LINKS="wheels")[2][0].startswith("uv venv")
