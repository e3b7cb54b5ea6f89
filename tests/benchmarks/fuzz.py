"""Damaged files against every reader of the package: each gives an error with a message, or a right result.

    python tests/benchmarks/fuzz.py --mutations 20000 --seed 0 --output fuzz.json [--data_dir SHARED/data]

Anything else is a finding: another exception, a crash, more than five seconds, more than a gibibyte, a result that an
independent reading of the same file contradicts, a record that is neither a row nor skipped with a reason. One case
again, alone: `--kind header --index 123`. `--formats 2000` damages that many files of each format of recordings.
"""

import argparse
import functools
import json
import logging
import os
import platform
import socket
import sys
import tempfile
import time
import warnings
from collections import Counter, defaultdict
from pathlib import Path

import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # a checkout works without installation
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from fuzzing.pool import SECONDS, run_in_children

REPOSITORY = Path(__file__).resolve().parents[2]
WRITE_SECONDS = 30
OUTCOMES = ("error", "right", "finding", "hang", "crash")


def start(data: str, seed: int, folder: str, formats: bool):
    """What a child does first: quiet libraries, and its own folder."""
    os.environ.update(HF_HUB_OFFLINE="1", OMP_NUM_THREADS="1")
    warnings.simplefilter("ignore")
    logging.disable()
    socket.socket.connect = _refuse
    own = Path(folder) / str(os.getpid())
    if formats:
        # recordings are read without torch, which takes a child long to start
        from fuzzing.cases import Cases
        from fuzzing.devices import FORMATS

        cases = Cases(FORMATS, data, seed, own)
    else:
        import torch
        from fuzzing.kinds import all_cases
        from transformers.utils import logging as transformers_logging

        transformers_logging.set_verbosity(100)
        torch.set_num_threads(1)
        cases = all_cases(data, seed, own)
    return lambda case: cases.run(*case)


def _refuse(*_):
    raise ConnectionError("a damaged file leads to the network")


def _numbers(options) -> dict[str, int]:
    """Kind -> how many."""
    if options.formats is not None:
        from fuzzing.devices import FORMATS

        return dict.fromkeys(FORMATS, options.formats)
    from fuzzing.kinds import shares

    return shares(options.mutations)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    shared = Path(os.environ.get("HF_ECG_SHARED", REPOSITORY.parent / "shared"))
    parser.add_argument(
        "--data_dir", default=str(shared / "data"), help="folder with ptb-xl, cinc2021, cpsc2018, mitdb"
    )
    parser.add_argument("--mutations", type=int, default=20000)
    parser.add_argument("--formats", type=int, metavar="N", help="N files of each format of recordings, nothing else")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument(
        "--seconds", type=float, default=SECONDS, help="after which a file hangs; more on a busy machine"
    )
    parser.add_argument("--output", help="JSON with the counts and every finding")
    parser.add_argument("--kind", action="append", help="these kinds only")
    parser.add_argument("--index", type=int, help="this case only, of --kind")
    options = parser.parse_args()
    numbers = _numbers(options)
    cases = [(kind, i) for kind, n in numbers.items() for i in range(n)]
    if options.kind:
        cases = [case for case in cases if case[0] in options.kind]
    if options.index is not None:
        cases = [(kind, options.index) for kind in options.kind]
    report = {
        "mutations": len(cases),
        "seed": options.seed,
        "processes": options.processes,
        "python": platform.python_version(),
        "counts": defaultdict(lambda: dict.fromkeys(OUTCOMES, 0)),
        "slowest_seconds": defaultdict(float),
        "findings": [],
    }
    began = written = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="hf_ecg_fuzz_") as folder:
        begin = functools.partial(start, options.data_dir, options.seed, folder, options.formats is not None)
        results = run_in_children(begin, cases, options.processes, options.seconds)
        for case, result in tqdm.tqdm(results, total=len(cases), unit="case"):
            _add(report, case, result, keep=options.index is not None)
            if time.perf_counter() - written > WRITE_SECONDS:
                written = _write(report, began, options.output)
    _write(report, began, options.output)
    sys.stdout.write(table(report) + "\n")
    for entry in report["findings"][:40] if not options.output or options.index is not None else ():
        sys.stdout.write(json.dumps(entry, ensure_ascii=False) + "\n")
    sys.exit(bool(report["findings"]) and options.index is None)


def _add(report: dict, case: tuple[str, int], result, keep: bool) -> None:
    (kind, index), crashed = case, isinstance(result, str)
    description, outcome, message, seconds = ("", result, "", 0.0) if crashed else result
    report["counts"][kind][outcome] += 1
    report["slowest_seconds"][kind] = round(max(report["slowest_seconds"][kind], seconds), 2)
    if keep or outcome not in ("error", "right"):
        entry = {"kind": kind, "index": index, "outcome": outcome, "damage": description, "message": message}
        report["findings"].append(entry)


def _write(report: dict, began: float, output: str | None) -> float:
    report["seconds"] = round(time.perf_counter() - began, 1)
    if output:
        Path(output).write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return time.perf_counter()


def table(report: dict) -> str:
    """The counts as Markdown."""
    lines = [
        f"| input | mutations | {' | '.join(OUTCOMES)} | slowest, s |",
        "| --- |" + " ---: |" * (len(OUTCOMES) + 2),
    ]
    total = Counter()
    for kind, outcomes in sorted(report["counts"].items(), key=lambda item: -sum(item[1].values())):
        total.update(outcomes)
        cells = [str(outcomes[outcome]) for outcome in OUTCOMES]
        lines.append(
            f"| {kind} | {sum(outcomes.values())} | {' | '.join(cells)} | {report['slowest_seconds'][kind]} |"
        )
    cells = [str(total[outcome]) for outcome in OUTCOMES]
    lines.append(f"| all | {sum(total.values())} | {' | '.join(cells)} | {max(report['slowest_seconds'].values())} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
