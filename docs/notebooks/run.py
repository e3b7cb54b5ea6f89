"""Executes the notebooks of this folder and keeps their outputs.

    python docs/notebooks/run.py --data DATA [NAME ...]

DATA holds `cpsc2018/` (CPSC2018, records A0001.hea and so on) and `cinc2017/` (the PhysioNet/CinC Challenge 2017,
`training2017/` and REFERENCE-v3.csv). The outputs in the repository come from a part of each: 100 records and 1,500.
"""

import argparse
import base64
import io
import os
import re
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from PIL import Image

FOLDER = Path(__file__).resolve().parent
REPOSITORY = FOLDER.parent.parent
PNG, COLOURS = "image/png", 32
# what the cell tagged "parameters" is given of DATA; by itself a notebook takes simulated ECGs
REAL = {
    "embed_your_ecg": {"RECORD": "cpsc2018/A0004.hea", "FOLDER": "cpsc2018"},
    "fine_tune": {"DATA": "cinc2017"},
    "find_by_text": {"DATA": "cpsc2018"},
}


def read(name: str) -> nbformat.NotebookNode:
    """The notebook of this folder, by its name without ending."""
    return nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)


def with_parameters(notebook: nbformat.NotebookNode, values: dict[str, str]) -> nbformat.NotebookNode:
    """Another notebook, in whose cell tagged "parameters" these names have these values.

    Raises:
        ValueError: the cell sets no such name.
    """
    notebook = nbformat.from_dict(notebook)
    (cell,) = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    for name, value in values.items():
        cell.source, found = re.subn(rf"^{name} = [^#\n]*", f"{name} = {value!r}  ", cell.source, flags=re.MULTILINE)
        if not found:
            raise ValueError(f"the parameters are {cell.source!r}: {name} is not one of them")
    return notebook


def execute(notebook: nbformat.NotebookNode, folder: Path, seconds: int = 600) -> nbformat.NotebookNode:
    """Runs the cells in `folder`, by the package of this checkout; the notebook given gets their outputs.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell failed.
    """
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(REPOSITORY), before)))
    try:
        where = {"metadata": {"path": str(folder)}}
        client = NotebookClient(notebook, timeout=seconds, kernel_name="python3", resources=where, record_timing=False)
        return client.execute()
    finally:
        os.environ["PYTHONPATH"] = before or ""


def keep(name: str, executed: nbformat.NotebookNode) -> None:
    """Writes the outputs into the notebook `name`: those on stdout and the results, without progress bars."""
    notebook = read(name)
    for cell, done in zip(notebook.cells, executed.cells, strict=True):
        if cell.cell_type == "code":
            cell.outputs = [output for output in done.outputs if output.get("name") != "stderr"]
            cell.execution_count = done.execution_count
            for output in cell.outputs:
                if PNG in output.get("data", {}):
                    output.data[PNG] = in_few_colours(output.data[PNG])
    nbformat.write(notebook, FOLDER / f"{name}.ipynb")


def in_few_colours(png: str) -> str:
    """The picture with a palette: a fourth of the bytes, and no difference to the eye on paper with a grid."""
    picture = Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB").quantize(COLOURS)
    small = io.BytesIO()
    picture.save(small, "PNG", optimize=True)
    return base64.b64encode(small.getvalue()).decode()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(REAL)} (default: all)")
    parser.add_argument("--data", type=Path, required=True, help="folder of the two corpora")
    given = parser.parse_args()
    for name in given.names or REAL:
        paths = {key: str((given.data / path).resolve()) for key, path in REAL[name].items()}
        with tempfile.TemporaryDirectory() as folder:
            keep(name, execute(with_parameters(read(name), paths), Path(folder)))


if __name__ == "__main__":
    main()
