"""A model leaves torch: its folder, its numbers, its answers without torch, and what is refused."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch
from transformers import AutoConfig, AutoFeatureExtractor, pipeline, set_seed

from hf_ecg import CLOCSConfig, CLOCSForECGClassification, ECGFeatureExtractor
from hf_ecg.export import ExportedModel, export_model
from hf_ecg.export.exported_model import largest_difference, scored
from hf_ecg.export.int8 import quantise
from tests.embed.made_records import write_record

pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")

LABELS = {0: "sinus rhythm", 1: "atrial fibrillation"}


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """`record.hea`, a classifier of 160 samples at 100 Hz, and its export with int8."""
    folder = tmp_path_factory.mktemp("export")
    write_record(folder, "record", seconds=16, leads=["I", "II"])
    set_seed(0)
    sizes = {"num_samples": 160, "sampling_rate": 100, "widths": [4, 6], "kernel_size": 5, "stride": 2}
    config = CLOCSConfig(**sizes, hidden_size=8, id2label=LABELS, problem_type="multi_label_classification")
    CLOCSForECGClassification(config).save_pretrained(folder / "model")
    steps = [{"name": "pick_lead"}, {"name": "resample"}, {"name": "crop"}, {"name": "pad"}]
    ECGFeatureExtractor(100, ["I", "II"], 160, steps).save_pretrained(folder / "model")
    record = str(folder / "record.hea")
    export_model(str(folder / "model"), folder / "onnx", int8=True, calibration=[record], lead="II")
    return folder


def test_the_folder_holds_what_others_look_for(work):
    names = {path.name for path in (work / "onnx").iterdir()}
    wanted = {"model.onnx", "model_quantized.onnx", "config.json", "preprocessor_config.json", "README.md"}
    assert wanted | {"export.json"} == names
    assert AutoConfig.from_pretrained(work / "onnx").id2label == LABELS
    assert AutoFeatureExtractor.from_pretrained(work / "onnx").num_samples == 160
    facts = json.loads((work / "onnx" / "export.json").read_text())
    assert facts["parity"]["model.onnx"]["logits"]["difference"] < 1e-5
    assert facts["labels"] == list(LABELS.values()) and "any number of records of 160 samples" in facts["axes"]


def test_its_answers_are_those_of_the_pipeline(work):
    record = str(work / "record.hea")
    classify = pipeline("ecg-classification", model=str(work / "model"), device="cpu")
    answers = classify(record, lead="II", window="first")
    wanted = {one["label"]: one["score"] for one in answers}
    found = ExportedModel(work / "onnx").classify(record, lead="II", window="first")
    assert found == pytest.approx(wanted, abs=1e-5)
    whole = ExportedModel(work / "onnx", int8=True).classify(record, lead="II", window="first")
    assert whole == pytest.approx(wanted, abs=0.1) and whole != found


def test_several_records_and_damaged_files_are_refused(work, tmp_path):
    record = str(work / "record.hea")
    with pytest.raises(ValueError, match="one record, and 2 were given"):
        ExportedModel(work / "onnx").classify([record, record], lead="II", window="first")
    assert len(ExportedModel(work / "onnx").classify(record, lead="II", window="all")) == 2
    shutil.copytree(work / "onnx", tmp_path / "onnx")
    (tmp_path / "onnx" / "model.onnx").write_bytes((work / "onnx" / "model.onnx").read_bytes()[:500])
    with pytest.raises(ValueError, match="not an ONNX file"):
        ExportedModel(tmp_path / "onnx")
    (tmp_path / "onnx" / "export.json").write_text("{}")
    with pytest.raises(ValueError, match="has no role, labels, scores"):
        ExportedModel(tmp_path / "onnx")


def test_whole_numbers_need_no_recordings(work, tmp_path):
    quantise(work / "onnx" / "model.onnx", tmp_path / "int8.onnx", [])
    shutil.copytree(work / "onnx", tmp_path / "onnx")
    shutil.copy(tmp_path / "int8.onnx", tmp_path / "onnx" / "model_quantized.onnx")
    found, wanted = (ExportedModel(folder / "onnx", int8=folder is tmp_path) for folder in (tmp_path, work))
    record = {"signals": str(work / "record.hea"), "lead": "II", "window": "first"}
    assert found.classify(**record) == pytest.approx(wanted.classify(**record), abs=0.1)
    with pytest.raises(ValueError, match="the graph wants input_values"):
        found.run({"lead_mask": np.ones((1, 1), bool)})


def test_rows_and_masks_may_be_others(work):
    model = ExportedModel(work / "onnx")
    with torch.no_grad():
        values = torch.randn(5, 1, 160)
        mask = torch.ones(5, 160, dtype=torch.bool)
        mask[2:, 70:] = False
        torch_model = CLOCSForECGClassification.from_pretrained(work / "model").eval()
        wanted = torch_model(values, sample_mask=mask).logits.numpy()
    inputs = {"input_values": values.numpy(), "lead_mask": np.ones((5, 1), bool), "sample_mask": mask.numpy()}
    told = largest_difference(model.run(inputs), {"logits": wanted})["logits"]
    assert told["difference"] < 1e-5 and told["cosine"] > 0.9999


def test_it_runs_without_torch(work):
    names = str(work / "onnx"), str(work / "record.hea")
    program = (
        "import sys\n"
        "from hf_ecg.export import ExportedModel\n"
        "print(ExportedModel(sys.argv[1]).classify(sys.argv[2], lead='II', window='first'), 'torch' in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", program, *names], capture_output=True, text=True)
    assert "atrial fibrillation" in told.stdout and told.stdout.endswith("False\n"), told.stdout + told.stderr


def test_scores_are_made_as_the_problem_says():
    logits = np.array([[0.0, 2.0, -1.0]])
    np.testing.assert_allclose(scored(logits, "softmax"), torch.tensor(logits).softmax(1))
    np.testing.assert_allclose(scored(logits, "sigmoid"), torch.tensor(logits).sigmoid())
    assert scored(logits, "values") is not None and (scored(logits, "values") == logits).all()


def test_what_cannot_be_is_said(work, tmp_path):
    model = str(work / "model")
    with pytest.raises(FileExistsError, match="not empty"):
        export_model(model, work / "onnx")
    with pytest.raises(ValueError, match="calibration were given without int8"):
        export_model(model, tmp_path / "out", calibration=["a.hea"])
    with pytest.raises(ValueError, match="texts are wanted of a dual encoder, and of no other"):
        export_model(model, tmp_path / "out", texts=["sinus rhythm"])
    with pytest.raises(OSError, match="hf-ecg export makes it"):
        ExportedModel(tmp_path)
    assert not (tmp_path / "out").exists()
