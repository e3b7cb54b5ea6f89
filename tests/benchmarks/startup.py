"""What `import hf_ecg` adds to torch and transformers, and peak memory by number of records."""

import json
from pathlib import Path

from timing import in_new_process, peak_megabytes, spread

_USED = "from transformers import AutoConfig, AutoFeatureExtractor, AutoModel, AutoProcessor, PreTrainedModel\n"
_IMPORTS = {
    "torch": "import torch",
    "torch + transformers (Auto classes, PreTrainedModel)": f"import torch\n{_USED}",
    "hf_ecg": "import hf_ecg",
    "hf_ecg after torch + transformers": "import hf_ecg",
}
_CODE = "import sys, time, json\n{before}\nstarted = time.perf_counter()\n{code}\nprint(time.perf_counter() - started)"
_CONVERT = """
import sys
from hf_ecg.data.builder import prepare_corpus
from hf_ecg.data.readers.ptb_xl import ptb_xl_corpus
corpus = ptb_xl_corpus(sys.argv[1], int(sys.argv[3]))
corpus.splits = {name: items[:: int(sys.argv[4])] for name, items in corpus.splits.items()}
prepare_corpus(corpus, sys.argv[2], overwrite=True, progress=False)
"""
_TRAIN = """
import sys
from pathlib import Path
from hf_ecg.training import load_recipe, pretrain
sys.path.insert(0, 'tests/benchmarks')
from training import RECIPE
overrides = [
    f"data.sources.0.path={sys.argv[1]}",
    f"data.sources.0.folds.train={sys.argv[3]}",
    "run.max_steps=6",
    "run.num_threads=1",
    "validation=null",
]
pretrain(load_recipe(str(RECIPE), overrides), Path(sys.argv[2]), overwrite=True)
"""


def measure_imports(repeats: int) -> dict:
    """Seconds of each import in a new process, interleaved."""
    seconds: dict[str, list[float]] = {name: [] for name in _IMPORTS}
    for _ in range(repeats):
        for name, code in _IMPORTS.items():
            before = f"import torch\n{_USED}" if "after" in name else ""
            seconds[name].append(float(in_new_process(_CODE.format(before=before, code=code))))
    return {name: spread(values) for name, values in seconds.items()}


def measure_memory(data: Path, corpora: dict[int, Path], folder: Path) -> dict:
    """Megabytes at the peak, of processes that differ in the number of records alone."""
    found: dict[str, float] = {"import hf_ecg": peak_megabytes("import hf_ecg")}
    for rate in corpora:
        for part in (4, 2, 1):
            name = f"conversion at {rate} Hz, {'all' if part == 1 else f'1/{part} of the'} records"
            found[name] = peak_megabytes(_CONVERT, str(data), str(folder / "memory"), str(rate), str(part))
    if 100 in corpora:
        for folds in ("[1]", "[1,2,3]", "[1,2,3,4,5,6,7]"):
            found[f"training at 100 Hz, folds {json.loads(folds)}"] = peak_megabytes(
                _TRAIN, str(corpora[100]), str(folder / "run"), folds
            )
    return found
