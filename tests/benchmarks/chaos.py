"""Accidents to every command that writes: afterwards the same command gives what it gives undisturbed, bit for bit.

    python tests/benchmarks/chaos.py --output_dir X [--only prepare] [--rounds 3] [--seed 0]

Kills (SIGKILL, SIGTERM, SIGINT at a random moment; one rank of two; a process of the loader), full disks, read-only
folders, two writers at once, clocks that jump, torn files of unfinished work. It prints a table and ends with status 1
when a result differs or a command ends otherwise than with status 0 or a sentence. Full disks and read-only folders
are mounted, which needs root on Linux; without, a limit of a file's size stands for a full disk.
"""

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY))
sys.path.insert(0, str(REPOSITORY / "tests" / "benchmarks"))

from chaos_results import differing, result_of  # noqa: E402
from chaos_runs import Disk, Runner, tear  # noqa: E402

RECIPE = """
model:
  class: ECGResNetForECGClassification
  config: {num_leads: 12, num_samples: 1000, sampling_rate: 100, widths: [4, 8], depths: [1, 1], block_type: basic}
processor:
  feature_extractor:
    sampling_rate: 100
    leads: [I, II, III, aVR, aVL, aVF, V1, V2, V3, V4, V5, V6]
    num_samples: 1000
    steps: [{name: select_leads}]
data: {sources: [{folds: {train: [1, 2, 3, 4, 5, 6, 7, 8], validation: [9]}}], label_sets: [LABELS]}
method: {name: labels}
validation: {name: classification, metric: macro_auroc, greater_is_better: true, label_sets: [LABELS], minimum: 1}
optimizer: {lr: 1.0e-3}
run: {epochs: 3, batch_size: 16, num_workers: 1, num_threads: 1, checkpoint_every_steps: 3, log_every_steps: 2}
"""


@dataclass
class Task:
    """A command, and how it is given once more after an accident.

    Args:
        words, arguments: as on the command line.
        output: file or folder that it makes.
        again: further arguments of the second time.
        ranks: processes.
        accidents: names of those that apply.
    """

    name: str
    words: str
    arguments: list[str]
    output: Path
    again: list[str] = field(default_factory=list)
    ranks: int = 1
    accidents: tuple[str, ...] = ("SIGKILL", "SIGTERM", "SIGINT", "full", "readonly", "writers", "clock", "torn")


def tasks(work: Path) -> list[Task]:
    """The commands, each of which needs the results of those before it."""
    corpus, run, proposals = work / "prepare" / "OUT", work / "pretrain" / "OUT", work / "propose" / "OUT"
    recipe = ["--config", str(work / "recipe.yaml"), "--data", str(corpus), "--output_dir"]
    training = ("SIGKILL", "SIGTERM", "SIGINT", "loader", "full", "readonly", "writers", "clock", "torn")
    verified = [
        "--data",
        str(corpus),
        "--proposals",
        str(proposals),
        "--verifier",
        "measured",
        "--num_proc",
        "1",
        "--output_dir",
    ]
    return [
        Task("prepare", "prepare simulated", ["--num_records", "160", "--num_proc", "2", "--output_dir"], corpus),
        Task("pretrain", "pretrain", recipe, run, ["--resume", "latest"], accidents=training),
        Task(
            "two ranks",
            "pretrain",
            recipe,
            work / "two ranks" / "OUT",
            ["--resume", "latest"],
            ranks=2,
            accidents=("rank", "SIGKILL", "SIGTERM", "writers"),
        ),
        Task(
            "embed",
            "embed",
            [str(corpus), "--model", str(run / "encoder"), "--batch_size", "8", "--output"],
            work / "embed" / "OUT.parquet",
        ),
        Task("propose", "study augment-reports propose", ["--data", str(corpus), "--output_dir"], proposals),
        Task("verify", "study augment-reports verify", verified, work / "verify" / "OUT"),
        Task(
            "push",
            "push",
            [str(run), "--repo_id", "me/m", "--folder"],
            work / "push" / "OUT",
            accidents=("SIGKILL", "SIGTERM", "SIGINT", "writers", "clock"),
        ),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--output_dir", required=True, help="folder to make; its content is removed first")
    parser.add_argument("--only", action="append", help="these commands alone; those they need run undisturbed")
    parser.add_argument("--rounds", type=int, default=3, help="kills of each kind and command")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    work = Path(options.output_dir).absolute()
    if work.exists() and any(work.iterdir()) and not (work / "chaos.json").is_file():
        parser.error(f"{work} holds something that is not of this program")
    work.mkdir(parents=True, exist_ok=True)
    (work / "chaos.json").write_text("[]\n")
    with Runner(work) as runner, Disk() as disk:
        sys.exit(_all(options, work, runner, disk))


def _all(options, work: Path, runner: Runner, disk: Disk) -> int:
    lines: list[dict] = []
    left = set(options.only or [])
    for task in tasks(work):
        if options.only and not left:
            break
        left.discard(task.name)
        wanted, seconds = _undisturbed(task, runner, work)
        if options.only and task.name not in options.only:
            continue
        kept = work / "kept" / task.name
        runner.move(task.output.parent, kept)
        for accident in task.accidents:
            kill = accident.startswith("SIG") or accident in ("rank", "loader")
            for number in range(options.rounds if kill else 1):
                rng = np.random.default_rng([options.seed, len(lines), number])
                line = _injure(task, accident, rng, seconds, wanted, runner, disk)
                lines.append(line)
                print(f"| {' | '.join(str(value) for value in line.values())} |", flush=True)
                (work / "chaos.json").write_text(json.dumps(lines, indent=1) + "\n")
        runner.clean(task.output.parent)
        runner.move(kept, task.output.parent)
    bad = [line for line in lines if line["equal"] != "yes" or line["first"].startswith("traceback")]
    print(f"{len(lines)} accidents, {len(bad)} of them with another result or without a sentence")
    return bool(bad)


def _undisturbed(task: Task, runner: Runner, work: Path) -> tuple[dict, float]:
    runner.clean(task.output.parent)
    if task.name == "pretrain":
        (work / "recipe.yaml").write_text(RECIPE.replace("LABELS", runner.label_set(work / "prepare" / "OUT")))
    began = time.perf_counter()
    code, said = runner.start(task, [])().wait()
    if code:
        raise SystemExit(f"undisturbed, {task.name} ends with {code}: {said}")
    return result_of(task.output, runner.hub), time.perf_counter() - began


def _injure(task: Task, accident: str, rng, seconds: float, wanted: dict, runner: Runner, disk: Disk) -> dict:
    folder = task.output.parent
    runner.clean(folder)
    moment = float(rng.uniform(0.02, 0.98)) * seconds
    start: Callable = runner.start(task, [])
    if accident in ("full", "readonly"):
        disk.limit(folder, accident, rng)
        code, said = start().wait()
        disk.lift(folder)
    elif accident == "writers":
        one = start()
        time.sleep(float(rng.uniform(0, 0.3)) * seconds)
        other = runner.start(task, task.again)()
        code, said = one.wait()
        second, words = other.wait()
        code, said = (code, said) if code else (second, words)
    else:
        run = start(clock=float(rng.choice([-3e6, 3e6])) if accident == "clock" else 0.0)
        run.wait_until(moment)
        if accident in ("rank", "loader"):
            run.kill_one(accident, rng)
        else:
            run.signal(getattr(signal, accident, signal.SIGKILL))
        code, said = run.wait()
        if accident == "clock":
            for path in folder.rglob("*"):
                when = time.time() + float(rng.uniform(-1e7, 1e7))
                os.utime(path, (when, when), follow_symlinks=False)
        if accident == "torn":
            said = f"{said} torn: {tear(folder, task.output, rng)}"
    first = "done" if code == 0 else "traceback" if "Traceback" in said else f"status {code}"
    code, again = runner.start(task, task.again)().wait()
    found = result_of(task.output, runner.hub)
    wrong = differing(wanted, found)
    equal = "yes" if not wrong else f"NO: {wrong}"
    if wrong and code:
        equal += f" (status {code}: {again[-200:]})"
    where = f"{moment:.1f} of {seconds:.1f} s"
    return {
        "command": task.name,
        "accident": accident,
        "at": where,
        "first": f"{first}: {' '.join(said.split())[-120:]}".replace("|", "/"),
        "again": "done" if code == 0 else f"status {code}: {again[-120:]}".replace("|", "/"),
        "equal": equal.replace("|", "/"),
    }


if __name__ == "__main__":
    main()
