"""Time of `ECGResNeXtModel` beside a plain writing of the same network (padding as separate operations), one thread.

    python tests/benchmarks/ecg_resnext.py [--sizes small medium large] [--batch 8] [--repeats 21]

Both compute on the same weights and records, turn by turn; a ratio is the median over the turns of (ours / plain), so
that what else the machine does hits both. Also: milliseconds for one 10-second lead, and megabytes on disk.
"""

import argparse
import platform
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # a checkout works without installation
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "models"))

from reference_resnext import pooled

from hf_ecg import ECGResNeXtConfig, ECGResNeXtModel
from hf_ecg.models.ecg_resnext import SIZES


def turn_by_turn(functions, repeats: int) -> np.ndarray:
    """Seconds (function, turn, clock): by the clock on the wall, and by the process's, which stops when it waits."""
    seconds = np.empty((len(functions), repeats + 2, 2))
    for turn in range(repeats + 2):
        # the second one finds warmer caches: they take it in turns too
        order = range(len(functions)) if turn % 2 else reversed(range(len(functions)))
        for number in order:
            before = time.perf_counter(), time.process_time()
            functions[number]()
            seconds[number, turn] = time.perf_counter() - before[0], time.process_time() - before[1]
    return seconds[:, 2:]


def report(name: str, functions, repeats: int) -> None:
    seconds = turn_by_turn(functions, repeats)
    milliseconds = 1000 * np.median(seconds, axis=1)
    ratios = seconds[0] / seconds[1]
    low, middle, high = np.quantile(ratios, (0.25, 0.5, 0.75), axis=0)
    print(
        f"{name:<34}{milliseconds[0, 0]:>9.1f}{milliseconds[1, 0]:>9.1f}"
        f"{middle[0]:>8.2f} [{low[0]:.2f}, {high[0]:.2f}]{middle[1]:>8.2f} [{low[1]:.2f}, {high[1]:.2f}]"
    )


def measure(size: str, batch: int, repeats: int) -> None:
    torch.manual_seed(0)
    model = ECGResNeXtModel(ECGResNeXtConfig(**SIZES[size])).eval()
    ecg = torch.randn(batch, 1, 5000)
    networks = (lambda x: model(x).pooler_output), (lambda x: pooled(model, x))

    def inference(network, records):
        def run():
            with torch.inference_mode():
                network(records)

        return run

    def training(network):
        def run():
            model.zero_grad()
            network(ecg).sum().backward()

        return run

    with torch.inference_mode():
        difference = (networks[0](ecg) - networks[1](ecg)).abs().max().item()
    report(f"{size}, forward, batch {batch}", [inference(network, ecg) for network in networks], repeats)
    report(f"{size}, forward + backward, batch {batch}", [training(network) for network in networks], repeats)
    report(f"{size}, forward, one lead", [inference(network, ecg[:1]) for network in networks], repeats)
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        megabytes = sum(path.stat().st_size for path in Path(folder).iterdir()) / 1e6
    print(f"{size}: {megabytes:.2f} MB on disk; largest difference of the embeddings {difference:.1e}")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", choices=list(SIZES), default=["small", "medium"])
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=21)
    args = parser.parse_args(arguments)
    torch.set_num_threads(1)
    print(f"{platform.machine()}, torch {torch.__version__}, one thread, {args.repeats} turns, seed 0")
    print(f"{'':<34}{'ours ms':>9}{'plain ms':>9}{'ratio, wall clock':>22}{'ratio, process time':>22}")
    for size in args.sizes:
        measure(size, args.batch, args.repeats)


if __name__ == "__main__":
    main()
