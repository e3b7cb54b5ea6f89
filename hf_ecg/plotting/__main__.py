"""Draws ECGs on standard paper, or the curves of training runs.

python -m hf_ecg.plotting record.hea --output ecg.png
python -m hf_ecg.plotting a.hea b.hea --leads II,V1 --start 5 --seconds 10 --output pictures/ --format svg
python -m hf_ecg.plotting out/seed0 out/seed1/log.jsonl --output training.png
"""

import argparse
import sys
from pathlib import Path

from ..training.tracking import LOG_NAME
from ._figure import FORMATS, check_extension, save_figure
from .ecg import plot_ecg
from .training import plot_training

ONLY_ECG = ("leads", "start", "seconds", "columns", "width")


def main(arguments: list[str] | None = None) -> list[Path]:
    """The command; returns the files written."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        written = _draw(options)
    except (ValueError, OSError, ImportError) as error:
        parser.exit(1, f"{parser.prog}: {error}\n")
    sys.stdout.writelines(f"{path}\n" for path in written)
    return written


def _draw(options: argparse.Namespace) -> list[Path]:
    logs = [_is_log(Path(name)) for name in options.inputs]
    output = Path(options.output)
    if any(logs):
        if not all(logs):
            raise ValueError(f"{options.inputs} are records and training logs, wanted one kind")
        unused = [name for name in ONLY_ECG if getattr(options, name) is not None]
        if unused:
            raise ValueError(f"--{unused[0]} is for records, and these are training logs")
        _prepare(output)
        return [save_figure(plot_training(options.inputs, options.metric, title=options.title), output)]
    if options.metric is not None:
        raise ValueError("--metric is for training logs, and these are records")
    targets = _targets(options.inputs, output, options.format)
    given = {name: getattr(options, name) for name in ("start", "seconds", "columns", "width")}
    given = {name: value for name, value in given.items() if value is not None}
    if options.leads is not None:
        given["show"] = [name.strip() for name in options.leads.split(",")]
    return [save_figure(plot_ecg(name, title=options.title, **given), target) for name, target in targets.items()]


def _is_log(path: Path) -> bool:
    return path.suffix == ".jsonl" or (path.is_dir() and (path / LOG_NAME).is_file())


def _targets(inputs: list[str], output: Path, ending: str | None) -> dict[str, Path]:
    """Input -> file to write; all are known before the first is drawn."""
    for name in inputs:
        if Path(name).is_dir():
            raise ValueError(f"{name} is a folder without {LOG_NAME}, wanted records (.hea) or training runs")
    if len(inputs) == 1 and output.suffix and not output.is_dir():
        _prepare(output)
        return {inputs[0]: output}
    if output.suffix and not output.is_dir():
        raise ValueError(f"--output is {output}, wanted a folder: there are {len(inputs)} records, a file each")
    targets: dict[str, Path] = {}
    for name in inputs:
        target = output / f"{Path(name).stem}.{ending or FORMATS[0]}"
        if target in targets.values():
            raise ValueError(f"two records would be written to {target}: draw them in two commands")
        targets[name] = target
    output.mkdir(parents=True, exist_ok=True)
    return targets


def _prepare(output: Path) -> None:
    check_extension(output)
    output.parent.mkdir(parents=True, exist_ok=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m hf_ecg.plotting",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("inputs", nargs="+", metavar="INPUT", help="WFDB records, or training runs (one figure)")
    parser.add_argument("--output", required=True, help=".png or .svg file; for several records a folder")
    parser.add_argument("--format", choices=FORMATS, help="of the files in a folder (default: png)")
    parser.add_argument("--leads", help="leads to draw, such as II,V1 (default: all)")
    parser.add_argument("--start", type=float, help="seconds from the beginning (default: 0)")
    parser.add_argument("--seconds", type=float, help="length of the window (default: 10, or what there is)")
    parser.add_argument("--columns", type=int, help="columns of leads (default: by their number; 4 for twelve)")
    parser.add_argument("--width", type=float, help="width of the picture in mm (default: true size, 25 mm a second)")
    parser.add_argument("--metric", help="validation metric to draw (default: the one checkpoints were chosen by)")
    parser.add_argument("--title", help="printed above (default: the name of the record or run)")
    return parser


if __name__ == "__main__":
    main()
