"""Pictures of records and of training runs, written to files."""

from collections.abc import Sequence
from pathlib import Path

from ..signals.formats import read
from ..training.log_file import LOG_NAME
from ._figure import FORMATS, check_extension, save_figure
from .answers import plot_answers
from .ecg import plot_ecg
from .explanation import plot_explanation
from .measured import plot_measured
from .training import plot_training


def is_training(path: str | Path) -> bool:
    """Whether a path is a training run, or its log."""
    path = Path(path)
    return path.suffix == ".jsonl" or (path.is_dir() and (path / LOG_NAME).is_file())


def draw_training(runs: Sequence, output: str | Path, metric: str | None = None, title: str | None = None) -> Path:
    """One picture of the curves of all runs; see `plot_training`."""
    output = Path(output)
    prepare_place(output)
    return save_figure(plot_training(list(runs), metric, title=title), output)


def draw_records(
    records: Sequence, output: str | Path, ending: str | None = None, *, leads=None, rename=None, measured=False, **how
) -> list[Path]:
    """A picture a record; the places of all are known before the first is drawn.

    Args:
        records: paths of WFDB records.
        output: .png or .svg file; for several records a folder.
        ending: of the files in a folder, "png" (default) or "svg".
        leads: those to draw, in this order; default all.
        rename: names of leads for the files' channels; see `hf_ecg.read`.
        measured: with what is measured, see `plot_measured`.
        how: see `plot_ecg`.

    Raises:
        ValueError: two records with one name, a folder in the place of a record, or a file for several records.
    """
    targets = record_targets(list(records), Path(output), ending)
    draw = plot_measured if measured else plot_ecg
    return [
        save_figure(draw(read(name, leads=leads, rename=rename), show=leads, **how), target)
        for name, target in targets.items()
    ]


def draw_answers(record, answers: Sequence, output: str | Path, *, note=None, leads=None, rename=None) -> Path:
    """One picture of a record with the answers of a model; see `plot_answers`."""
    output = Path(output)
    prepare_place(output)
    return save_figure(plot_answers(read(record, leads=leads, rename=rename), answers, note=note), output, dpi=127)


def draw_explanation(found, output: str | Path, *, note: str | None = None) -> Path:
    """One picture of an `Explanation`; see `plot_explanation`."""
    output = Path(output)
    prepare_place(output)
    return save_figure(plot_explanation(found, note=note), output, dpi=127)


def record_targets(records: list[str], output: Path, ending: str | None) -> dict[str, Path]:
    """Record -> file to write."""
    for name in records:
        if Path(name).is_dir():
            raise ValueError(f"{name} is a folder without {LOG_NAME}, wanted records (.hea) or training runs")
    if len(records) == 1 and output.suffix and not output.is_dir():
        prepare_place(output)
        return {records[0]: output}
    if output.suffix and not output.is_dir():
        raise ValueError(f"--output is {output}, wanted a folder: there are {len(records)} records, a file each")
    targets: dict[str, Path] = {}
    for name in records:
        target = output / f"{Path(name).stem}.{ending or FORMATS[0]}"
        if target in targets.values():
            raise ValueError(f"two records would be written to {target}: draw them in two commands")
        targets[name] = target
    output.mkdir(parents=True, exist_ok=True)
    return targets


def prepare_place(output: Path) -> None:
    check_extension(output)
    output.parent.mkdir(parents=True, exist_ok=True)
