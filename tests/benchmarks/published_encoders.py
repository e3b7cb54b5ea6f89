"""Time of the published encoders, forward and forward + backward, on one thread.

    python tests/benchmarks/published_encoders.py [SOURCE ...] [--batch 8] [--repeats 5] [--where]

A SOURCE is a published model, or a family by its name, with the values that its configuration has by default. A family
is added by its function in `plain_encoders.py`, and a line of what the original takes here.

Random weights and records, the paper's arithmetic where a flag `compat_...` asks for the released one. Ours, a plain
writing of the same network (`plain_encoders.py`, where it has one) and a 1024 x 1024 float32 product take turns; a
figure is the median over the turns. "Of the original": ours, in products of this machine, by the original's time in
products of the machine that it was measured on. Seconds are of the process, so that other work on the machine counts
less. `--where`: the operations that take the time.
"""

import argparse
import os
import platform
import sys
import time
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # a checkout works without installation
sys.path.insert(0, str(Path(__file__).resolve().parent))

from plain_encoders import INPUTS, PLAIN, waveforms

from hf_ecg.auto import FAMILIES, SOURCES
from hf_ecg.models.shared.roles import ecg_encoder

PRODUCT = 0.020  # seconds of the product where the originals were measured
# seconds of the original, batch 8, one thread: forward, forward + backward
ORIGINALS = {
    "merl-resnet18": (0.14, 0.42),
    "merl-vit-tiny": (0.105, 0.31),
    "st-mem-vit-base": (6.5, 15.1),
    "ecg-fm": (2.44, 7.6),
    "melp": (3.6, 11.7),
    "clear-hug": (1.85, 5.9),
    "heartlang": (1.77, 6.1),
    "ecg_convnextv2": (1.77, 4.3),  # TolerantECG's
}


def seconds_of(functions, repeats: int) -> np.ndarray:
    """(function, turn), after one turn that warms up."""
    seconds = np.empty((len(functions), repeats + 1))
    for turn in range(repeats + 1):
        for number, function in enumerate(functions):
            before = time.process_time()
            function()
            seconds[number, turn] = time.process_time() - before
    return seconds[:, 1:]


def runs_of(networks, inputs, backward: bool):
    def forward(network):
        with torch.inference_mode():
            network(**inputs)

    def both(network):
        network(**inputs).square().sum().backward()

    return [lambda network=network: (both if backward else forward)(network) for network in networks]


def measure(source: str, batch: int, repeats: int, where: bool) -> None:
    torch.manual_seed(0)
    kind = SOURCES[source] if source in SOURCES else FAMILIES[source]
    config = kind.config()
    for flag in [name for name, value in vars(config).items() if name.startswith("compat_") and value is True]:
        setattr(config, flag, False)
    model = ecg_encoder(kind.model(config)).eval()
    inputs = INPUTS.get(model.config.model_type, waveforms)(model.config, batch)
    plain = PLAIN.get(model.config.model_type)
    networks = [lambda **x: model(**x).pooler_output, *([lambda **x: plain(model, *x.values())] if plain else [])]
    with torch.inference_mode():
        found = [network(**{name: value[:1] for name, value in inputs.items()}) for network in networks]
    off = (found[0] - found[-1]).abs().max().item()
    left = torch.randn(1024, 1024)
    for passes, backward in (("forward", False), ("forward + backward", True)):
        seconds = seconds_of([*runs_of(networks, inputs, backward), lambda: left @ left], repeats)
        ours, product = np.median(seconds[0]), np.median(seconds[-1])
        ratio = f"{np.median(seconds[0] / seconds[1]):.2f}" if plain else "-"
        original = ORIGINALS[source][backward] / PRODUCT if source in ORIGINALS and batch == 8 else None
        share = f"{ours / product / original:.2f}" if original else "-"
        half = ""
        if not backward:
            with torch.autocast("cpu", dtype=torch.bfloat16):
                half = f"{np.median(seconds_of(runs_of(networks[:1], inputs, False), 1)):.2f}"
        print(f"{source:<18}{passes:<20}{ours:>8.2f}{ours / product:>10.0f}{ratio:>9}{share:>10}{half:>8}", flush=True)
    print(f"{source:<18}largest difference to the plain writing {off:.1e}" if plain else source)
    if where:
        with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
            runs_of(networks[:1], inputs, True)[0]()
        print(profile.key_averages().table(sort_by="self_cpu_time_total", row_limit=8, max_name_column_width=40))


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", nargs="*", metavar="SOURCE", help=f"of {', '.join([*SOURCES, *FAMILIES])}")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--where", action="store_true", help="Which operations take the time.")
    args = parser.parse_args(arguments)
    torch.set_num_threads(1)
    print(f"{platform.machine()}, torch {torch.__version__}, one thread, batch {args.batch}, {args.repeats} turns")
    print(f"load {', '.join(f'{load:.1f}' for load in os.getloadavg())}")
    print(f"{'':<38}{'seconds':>8}{'products':>10}{'/ plain':>9}{'/ orig.':>10}{'bf16':>8}")
    for source in args.sources or ORIGINALS:
        measure(source, args.batch, args.repeats, args.where)


if __name__ == "__main__":
    main()
