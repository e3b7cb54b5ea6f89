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
    # of ten windows the logits count together, not the probabilities
    exported = ExportedModel(work / "onnx")
    windows = classify(record, lead="II", window="all")
    assert exported.classify(record, lead="II", window="all") == pytest.approx(
        {one["label"]: one["score"] for one in windows}, abs=1e-5
    )
    assert windows[0]["windows"] == 10
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


@pytest.mark.parametrize(
    ("file", "key", "value", "message"),
    [
        ("export.json", "labels", "SR", "labels is 'SR', wanted a list of texts"),
        ("export.json", "labels", ["SR", "SR"], "a label is there twice"),
        ("export.json", "labels", ["SR", "AF", "PVC"], "has 3 labels, the graph 2"),
        ("export.json", "scores", "odds", "scores is 'odds', wanted one of sigmoid, softmax, values"),
        ("export.json", "role", "dual encoder", "scale is None, wanted a finite number"),
        ("preprocessor_config.json", "leads", "II", "leads is 'II', wanted a list of lead names"),
        ("preprocessor_config.json", "steps", [{"name": "cropp"}], "did you mean 'crop'"),
        ("preprocessor_config.json", "sampling_rate", "fast", "sampling_rate is 'fast', wanted a positive number"),
    ],
)
def test_an_edited_folder_is_refused_in_words(work, tmp_path, file, key, value, message):
    shutil.copytree(work / "onnx", tmp_path / "onnx")
    content = json.loads((tmp_path / "onnx" / file).read_text()) | {key: value}
    (tmp_path / "onnx" / file).write_text(json.dumps(content))
    with pytest.raises(ValueError, match=message):
        ExportedModel(tmp_path / "onnx").classify(str(work / "record.hea"), lead="II", window="first")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"threads": "a"}, "threads is 'a', wanted a positive integer"),
        ({"threads": 0}, "threads is 0, wanted a positive integer"),
        ({"threads": 10**9}, "threads is 1000000000, wanted at most 1024"),
        ({"int8": "yes"}, "int8 is 'yes', wanted true or false"),
        ({"folder": None}, "folder is None, wanted the path of a folder"),
    ],
)
def test_arguments_of_an_exported_model_are_checked(work, options, message):
    with pytest.raises(ValueError, match=message):
        ExportedModel(**{"folder": work / "onnx"} | options)


def given(samples=160, leads=1, rows=2, **changed):
    """Inputs of the graph, with some in another form."""
    made = {
        "input_values": np.ones((rows, leads, samples), np.float32),
        "lead_mask": np.ones((rows, leads), bool),
        "sample_mask": np.ones((rows, samples), bool),
    }
    return {name: value for name, value in (made | changed).items() if value is not None}


NAN = np.full((2, 1, 160), np.nan, np.float32)


@pytest.mark.parametrize(
    ("inputs", "message", "as_torch"),
    [
        (given(leads=2), "input_values have shape (2, 2, 160), wanted (batch, 1, samples)", True),
        (given(samples=0), "input_values have shape (2, 1, 0): records without a sample", True),
        (given(samples=200), "input_values have 200 samples, wanted", True),
        (given(samples=100), "input_values have 100 samples, wanted 160: the network is of one length", False),
        (given(lead_mask=np.ones((2, 3), bool)), "lead_mask has shape (2, 3), wanted (2, 1)", True),
        (given(sample_mask=np.ones(160, bool)), "sample_mask has shape (160,), wanted (2, 160)", True),
        (given(sample_mask=np.full((2, 160), "a")), "sample_mask is <U1, wanted bool", False),
        (given(input_values=[[1.0]]), "input_values is of type list, wanted a", True),
        (given(input_values=np.ones((2, 1, 160), int)), "input_values are int64, wanted float32", False),
        (given(input_values=NAN), "input_values hold NaN or infinite values in 2 rows, first [0, 1]", False),
        (given(lead_masks=1), "inputs hold 'lead_masks' (did you mean 'lead_mask'?)", False),
        ([1], "inputs is of type list, wanted a dict of arrays", False),
    ],
)
def test_inputs_are_refused_in_the_words_of_the_torch_model(work, inputs, message, as_torch):
    with pytest.raises(ValueError) as refused:
        ExportedModel(work / "onnx").run(inputs)
    assert message in str(refused.value)
    if as_torch:
        model = CLOCSForECGClassification.from_pretrained(work / "model").eval()
        tensors = {name: torch.tensor(value) if hasattr(value, "shape") else value for name, value in inputs.items()}
        with pytest.raises(ValueError) as wanted:
            model(**tensors)
        assert message in str(wanted.value)


def test_masks_may_be_left_out_and_absent_leads_hold_anything(work):
    model = ExportedModel(work / "onnx")
    whole = model.run(given())["logits"]
    np.testing.assert_array_equal(model.run({"input_values": given()["input_values"].astype(float)})["logits"], whole)
    absent = np.array([[True], [False]])
    noise, zeros = (given(lead_mask=absent) for _ in range(2))
    noise["input_values"][1], zeros["input_values"][1] = np.nan, 0
    np.testing.assert_array_equal(model.run(noise)["logits"], model.run(zeros)["logits"])


def test_a_recording_is_refused_in_the_words_of_the_extractor(work):
    extractor, model = AutoFeatureExtractor.from_pretrained(work / "model"), ExportedModel(work / "onnx")
    signal = np.sin(np.arange(320) / 9)[None]
    of_record = {"sampling_rate": 100, "leads": ["II"], "units": "mV"}
    for wrong in ({"units": "bananas"}, {"leads": ["V6"]}, {"sampling_rate": None}, {"lead": "I"}, {"window": "x"}):
        with pytest.raises(ValueError) as wanted:
            extractor(signal, **of_record | wrong)
        with pytest.raises(ValueError) as found:
            model.classify(signal, **of_record | wrong)
        assert str(found.value) == str(wanted.value)
    with pytest.raises(ValueError) as wanted:
        extractor(signal * np.nan, **of_record)
    with pytest.raises(ValueError) as found:
        model.classify(signal * np.nan, **of_record)
    assert str(found.value) == str(wanted.value)


@pytest.mark.large
def test_the_example_of_the_page_answers_as_the_pipeline_in_a_fresh_folder(tmp_path, repository):
    from tests.evaluation import tiny

    write_record(tmp_path, "record", seconds=1, leads=tiny.LEADS, rate=100)
    folder, texts = tmp_path / "model", ["sinus rhythm", "atrial fibrillation"]
    tiny.dual_encoder().save_pretrained(folder)
    tiny.processor().save_pretrained(folder)
    export_model(str(folder), tmp_path / "out" / "onnx", texts=texts)
    page = (repository / "docs" / "how_to" / "export.md").read_text(encoding="utf-8")
    (block,) = [part.partition("```")[0] for part in page.split("```python\n")[1:] if "InferenceSession" in part]
    done = subprocess.run([sys.executable, "-c", block], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = dict(line.rsplit(": ", 1) for line in done.stdout.splitlines())
    ask = pipeline("zero-shot-ecg-classification", model=str(folder), device="cpu")
    for one in ask(str(tmp_path / "record.hea"), candidate_labels=texts):
        assert float(found[one["label"]]) == pytest.approx(one["score"], abs=1e-3)


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
    for texts, words in (("sinus", "wanted a list"), (["a", "a"], "texts that differ"), ([" "], "none of them empty")):
        with pytest.raises(ValueError, match=words):
            export_model(model, tmp_path / "out", texts=texts)
    with pytest.raises(OSError, match="hf-ecg export makes it"):
        ExportedModel(tmp_path)
    assert not (tmp_path / "out").exists()
