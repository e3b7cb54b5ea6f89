"""Measures conversion, reading, preprocessing, training, import and memory, each beside the usual way.

    python tests/benchmarks/benchmark_suite.py --data PTB-XL --output bench.json [--only training] [--repeats 5]

PTB-XL is a folder in PhysioNet's own layout, at 500 Hz too for `--rates 500`. Writes the JSON, and a table to stdout.
`tests/benchmarks/README.md` says what is compared and what was found.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

from timing import REPOSITORY, machine, yardstick

sys.path.insert(0, str(REPOSITORY))  # a checkout works without installation

PARTS = ("conversion", "loading", "training", "imports", "memory")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=REPOSITORY.parent / "shared" / "data" / "ptb-xl")
    parser.add_argument("--output", type=Path, required=True, help="JSON file to write")
    parser.add_argument("--rates", type=int, nargs="+", choices=(100, 500), default=[100, 500])
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--repeats", type=int, default=5, help="rounds, in which the ways take turns")
    parser.add_argument("--records", type=int, default=200, help="records that the slow usual ways convert")
    parser.add_argument("--num_threads", type=int, help="torch threads in training; default: torch's own choice")
    options = parser.parse_args(arguments)
    data = options.data.resolve()
    if not (data / "ptbxl_database.csv").is_file():
        parser.error(f"{data} has no ptbxl_database.csv: --data names PTB-XL's folder")
    # after the options: their help must not wait for torch
    import conversion
    import loading
    import startup
    import training

    found: dict = {"machine": machine(), "yardstick_gflops": yardstick(options.repeats)}
    found["protocol"] = {
        "repeats": options.repeats,
        "seed": 0,
        "rates": options.rates,
        "usual_records": options.records,
    }
    if "imports" in options.only:
        found["imports_seconds"] = startup.measure_imports(options.repeats)
    with tempfile.TemporaryDirectory() as name:
        folder, corpora = Path(name), {}
        for rate in options.rates:
            corpora[rate] = folder / f"ptb_xl_{rate}"
            if "conversion" in options.only:
                found[f"conversion_{rate}"] = conversion.measure(data, rate, options.records, options.repeats, folder)
            elif {"loading", "training", "memory"} & set(options.only):
                conversion.prepare(data, rate, corpora[rate])
            if "loading" in options.only:
                found[f"loading_{rate}"] = loading.measure(corpora[rate], rate, options.repeats)
            if "training" in options.only:
                found[f"training_{rate}"] = training.measure(
                    corpora[rate], rate, options.repeats, folder, options.num_threads
                )
            _write(found, options.output)
        if "memory" in options.only:
            found["peak_megabytes"] = startup.measure_memory(data, corpora, folder)
    found["yardstick_gflops_at_the_end"] = yardstick(options.repeats)
    found["machine_at_the_end"] = machine()
    _write(found, options.output)
    print("\n".join(table(found)))


def _write(found: dict, output: Path) -> None:
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def table(found: dict) -> list[str]:
    """Markdown: what was compared, and the ratio of processor time (of wall time) with its range."""
    lines = ["| what | ratio of processor time | of wall time |", "| --- | --- | --- |"]
    for key, part in found.items():
        if key.startswith("conversion"):
            for name, clocks in part["ratios"].items():
                cells = (_cell(clocks[clock]) for clock in ("processor", "wall"))
                lines.append(f"| conversion, {key.split('_')[1]} Hz: {name} | {' | '.join(cells)} |")
        elif key.startswith("loading"):
            for name, value in part["ratios"].items():
                lines.append(f"| {key.split('_')[1]} Hz, {name} | {_cell(value)} | |")
        elif key.startswith("training"):
            for name, value in part.items():
                share = {
                    "median": 100 * value["waiting"]["median"],
                    "range": [100 * x for x in value["waiting"]["range"]],
                }
                lines.append(f"| training, {key.split('_')[1]} Hz, {name}: waiting | | {_cell(share, '{:.1f} %')} |")
    if "imports_seconds" in found:
        one, other = (
            found["imports_seconds"][name]
            for name in ("hf_ecg", "torch + transformers (Auto classes, PreTrainedModel)")
        )
        ratios = [a / b for a, b in zip(one["values"], other["values"], strict=True)]
        value = {"median": sorted(ratios)[len(ratios) // 2], "range": [min(ratios), max(ratios)]}
        lines.append(f"| import hf_ecg / torch + transformers, seconds | | {_cell(value, '{:.2f}')} |")
    return lines


def _cell(value: dict, form: str = "{:.1f}") -> str:
    low, high = value["range"]
    return f"{form.format(value['median'])} ({form.format(low)} to {form.format(high)})"


if __name__ == "__main__":
    main()
