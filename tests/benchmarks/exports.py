"""ONNX and int8 of a model beside torch: how far the numbers are, and milliseconds a window on one thread.

python tests/benchmarks/exports.py MODEL_FOLDER [...] --records a.hea b.hea [--lead I]

Weights of the table's networks are random (`--made NAME`: clef-small, merl-resnet18, merl-vit-tiny), for none are
published for download here; times do not depend on them.
"""

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import torch

from hf_ecg.auto import SOURCES
from hf_ecg.export import ExportedModel, export_model
from hf_ecg.export.exported_model import largest_difference
from hf_ecg.export.onnx_folder import Graph, _loaded

REPEATS = 7


def made_folder(name: str, folder: Path) -> Path:
    """A published network with random weights, and its recipe."""
    torch.manual_seed(0)
    source = SOURCES[name]
    source.model(source.config()).save_pretrained(folder)
    source.feature_extractor().save_pretrained(folder)
    return folder


def milliseconds(call) -> float:
    """The median of some calls, one window each."""
    call()
    times = []
    for _ in range(REPEATS):
        start = time.process_time()
        call()
        times.append(1000 * (time.process_time() - start))
    return statistics.median(times)


def line(name: str, folder: Path, records: list[str], lead: str | None, work: Path) -> str:
    """A line of the table."""
    texts = ["sinus rhythm", "atrial fibrillation"] if name.startswith("ecg-text") else []
    single = {} if lead is None or name != "clef-small" else {"lead": lead}
    out = export_model(str(folder), work / f"{name}-onnx", int8=True, calibration=records, texts=texts, **single)
    graph = Graph(_loaded(str(folder))[0]).eval()
    whole, small = ExportedModel(out), ExportedModel(out, int8=True)
    inputs = whole.inputs(records[0], **single)
    tensors = [torch.from_numpy(inputs[key]) for key in ("input_values", "lead_mask", "sample_mask")]
    key = graph.outputs[0]
    with torch.no_grad():
        wanted = {key: graph(*tensors)[0].numpy()}
        taken = [milliseconds(lambda: graph(*tensors))]
    cells = []
    for model in (whole, small):
        told = largest_difference(model.run(inputs), wanted)[key]
        cells.append(f"{told['difference']:.1e} | {told['cosine']:.5f}")
        taken.append(milliseconds(lambda model=model: model.run(inputs)))
    sizes = [(out / file).stat().st_size / 1e6 for file in ("model.onnx", "model_quantized.onnx")]
    return f"| {' | '.join([name, *cells, *(f'{one:.1f}' for one in (*taken, *sizes))])} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*")
    parser.add_argument("--made", nargs="*", default=[])
    parser.add_argument("--records", nargs="+", required=True)
    parser.add_argument("--lead")
    given = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        for name in given.made:
            print(line(name, made_folder(name, work / name), given.records, given.lead, work), flush=True)
        for name in given.models:
            print(line(Path(name).name, Path(name), given.records, given.lead, work), flush=True)


if __name__ == "__main__":
    main()
