"""Share of a training step that is spent waiting for data, with the network of `train/recipes/demo.yaml`."""

import json
from pathlib import Path

from timing import REPOSITORY, in_new_process, spread

from hf_ecg.training import load_recipe
from hf_ecg.training.loop import Pretraining

RECIPE = REPOSITORY / "train" / "recipes" / "demo.yaml"
_AT_500_HZ = (
    "data.sources.0.config=ptb_xl_500hz",
    "processor.feature_extractor.sampling_rate=500",
    "processor.feature_extractor.num_samples=5000",
    "model.config.ecg_config.num_samples=5000",
    "model.config.ecg_config.sampling_rate=500",
    "method.options.views=[{name: random_crop, num_samples: 4000}, {name: amplitude_scale, factor: [0.9, 1.1]},"
    " {name: gaussian_noise, rms: 0.02}]",
)
_CODE = """
import sys
sys.path.insert(0, 'tests/benchmarks')
from training import run
run(*sys.argv[1:])
"""


def measure(corpus: Path, rate: int, repeats: int, folder: Path, threads: int | None) -> dict:
    """Waiting share and records a second, by loader processes; each run in a new process, in turn.

    The first window of five steps, in which loaders start and memory is first touched, is shown apart.
    """
    found: dict[str, dict[str, list]] = {}
    for _ in range(repeats):
        for workers in ("0", "null", "2"):
            name = "default" if workers == "null" else f"{workers} loader processes"
            arguments = (str(corpus), str(rate), workers, str(threads or "null"), str(folder / "run"))
            result = json.loads(in_new_process(_CODE, *arguments))
            for key, value in result.items():
                found.setdefault(name, {}).setdefault(key, []).append(value)
    return {
        name: {key: spread(values) if key != "workers" else values[0] for key, values in kinds.items()}
        for name, kinds in found.items()
    }


def run(corpus: str, rate: str, workers: str, threads: str, folder: str) -> None:
    """One run; prints its figures as JSON."""
    overrides = [f"data.sources.0.path={corpus}", f"run.num_workers={workers}", f"run.num_threads={threads}"]
    overrides += ["run.log_every_steps=5", f"run.max_steps={35 if rate == '100' else 19}", "run.seed=0"]
    if rate == "500":
        # 261 records are too few to select on
        overrides += [
            *_AT_500_HZ,
            "data.sources.0.folds.train=[1,2,3,4,5,6,7,8,9,10]",
            "data.sources.0.folds.validation=[]",
            "validation=null",
        ]
    pretraining = Pretraining(load_recipe(str(RECIPE), overrides), Path(folder), resume=False, overwrite=True)
    # its epochs without the validation after each
    pretraining._validate = lambda: None
    pretraining.save_checkpoint = lambda: None
    pretraining.train()
    workers = pretraining.loader.num_workers
    pretraining.close()
    lines = [json.loads(line) for line in (Path(folder) / "log.jsonl").read_text().splitlines()]
    seconds = [1 / line["records_per_second"] for line in lines]
    later = list(zip(seconds, lines, strict=True))[5:]
    figures = {
        "waiting": sum(part * line["waiting"] for part, line in later) / sum(seconds[5:]),
        "records_per_second": len(later) / sum(seconds[5:]),
        "waiting_of_the_first_five_steps": lines[0]["waiting"],
    }
    print(json.dumps(figures | {"workers": workers}))
