"""The notebooks run as they are, on simulated ECGs, and what is kept of their outputs shows real ones."""

import importlib.util
import os
import re

import datasets
import pytest

nbformat = pytest.importorskip("nbformat")
pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")

from IPython.core.displayhook import DisplayHook  # noqa: E402
from IPython.core.displaypub import DisplayPublisher  # noqa: E402
from IPython.core.interactiveshell import InteractiveShell  # noqa: E402
from traitlets.config import Config  # noqa: E402

from tests.conftest import REPOSITORY  # noqa: E402
from tests.processes import forked  # noqa: E402

FOLDER = REPOSITORY / "docs" / "notebooks"
NAMES = sorted(path.stem for path in FOLDER.glob("*.ipynb"))
PNG, PICTURES = "image/png", 8
# of this machine, of any machine
A_PATH = re.compile(r"(?<![\w.:/])/(?:home|root|tmp|work|usr|opt|mnt|Users|private)\b|[A-Z]:\\\\|file://")


@pytest.fixture(scope="module")
def run():
    """The program that executes them."""
    spec = importlib.util.spec_from_file_location("run_notebooks", FOLDER / "run.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def outputs(notebook) -> list[dict]:
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


SHOWN = []


class Results(DisplayHook):
    def write_format_data(self, format_dict, md_dict=None):
        SHOWN.append(format_dict)


class Published(DisplayPublisher):
    def publish(self, data, **_):
        SHOWN.append(data)


class Shell(InteractiveShell):
    """A kernel without another process."""

    displayhook_class, display_pub_class = Results, Published

    def enable_gui(self, gui=None):
        pass


def run_the_cells(run, folder):
    """What a kernel does, in this process, which has the imports."""
    os.chdir(folder)
    os.environ["IPYTHONDIR"] = str(folder / ".ipython")
    datasets.config.HF_DATASETS_CACHE = folder / "cache"
    shell = Shell.instance(config=Config(HistoryManager={"enabled": False}))
    for name in NAMES:
        shell.reset()
        for cell in run.read(name).cells:
            if cell.cell_type == "code":
                shell.run_cell(cell.source).raise_error()
    assert sum(PNG in data for data in SHOWN) == PICTURES
    assert sorted(path.name for path in (folder / "out").iterdir()) == NAMES


def test_their_cells_run(run, tmp_path, capfd):
    assert forked(run_the_cells, run, tmp_path) == 0, capfd.readouterr().err[-5000:]


@pytest.mark.large
def test_a_kernel_runs_them_one_after_the_other(run, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    # in one kernel, whose start and imports take longer than the notebooks
    whole = nbformat.v4.new_notebook()
    for name in NAMES:
        whole.cells += [*run.read(name).cells, nbformat.v4.new_code_cell("%reset -f")]
    run.execute(whole, tmp_path)
    assert sum(PNG in output.get("data", {}) for output in outputs(whole)) == PICTURES
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_what_is_kept_was_made_by_one_run_and_is_small_and_of_no_machine(run, name):
    notebook, text = run.read(name), (FOLDER / f"{name}.ipynb").read_text(encoding="utf-8")
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    kept = outputs(notebook)
    assert {output.output_type for output in kept} <= {"stream", "display_data", "execute_result"}
    assert sum(PNG in output.get("data", {}) for output in kept) >= 2
    words = [cell.source for cell in notebook.cells]
    words += [str(output.get("text", "")) for output in kept]
    words += [str(value) for output in kept for kind, value in output.get("data", {}).items() if kind != PNG]
    assert not [found for word in words for found in A_PATH.findall(word)]
    assert os.environ.get("USER", "") in ("", "root") or os.environ["USER"] not in " ".join(words)
    assert len(text.encode()) < 400_000 and "imulated: no patient" not in " ".join(map(str, kept))
    assert "CC BY 4.0" in text or "ODC-By" in text


def test_parameters_are_set_by_name(run):
    notebook = run.with_parameters(run.read(NAMES[0]), {"RECORD": "a.hea"})
    assert "\nFOLDER = None" in "".join(cell.source for cell in notebook.cells)
    assert "RECORD = 'a.hea'" in "".join(cell.source for cell in notebook.cells)
    with pytest.raises(ValueError, match="NOTHING is not one of them"):
        run.with_parameters(notebook, {"NOTHING": "a"})
