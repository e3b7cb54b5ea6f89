"""Which models, parts and files a pipeline takes, and what it says of the others."""

import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import Wav2Vec2FeatureExtractor, pipeline

import hf_ecg
from hf_ecg.evaluation.loading import load_classifier, load_dual_encoder
from tests.evaluation import tiny

TASKS = ("ecg-feature-extraction", "ecg-classification", "zero-shot-ecg-classification")
CLASSIFIER = "multi_label_classification"
TEXTS = [tiny.TEXTS[name] for name in ("SR", "AFIB")]


def test_the_task_is_that_of_the_model_where_none_is_said(work):
    for folder, task in (
        ("sigmoid", "zero-shot-ecg-classification"),
        ("multi_label_classification", "ecg-classification"),
    ):
        assert hf_ecg.pipeline(model=work / folder, device="cpu").task == task
    with pytest.raises(ValueError, match="wanted a task .*, or model="):
        hf_ecg.pipeline()
    with pytest.raises(ValueError, match="wants an ECG model of hf_ecg, .*clinical-text-small is BertModel"):
        hf_ecg.pipeline(model="clinical-text-small")


def test_saved_pipelines_come_back(work, corpus, tmp_path):
    for task, model, options in (
        ("ecg-classification", "multi_label_classification", {}),
        ("zero-shot-ecg-classification", "sigmoid", {"candidate_labels": TEXTS}),
    ):
        classify = pipeline(task, model=str(work / model), device="cpu")
        classify.save_pretrained(tmp_path / model)
        assert not list((tmp_path / model).glob("*.py"))
        again = pipeline(task, model=str(tmp_path / model), device="cpu")
        assert again(corpus[0], **options) == classify(corpus[0], **options)


@pytest.mark.parametrize(
    ("task", "model", "found"),
    [
        ("ecg-feature-extraction", "bert", "an ECG model of hf_ecg, .*bert is BertModel"),
        ("ecg-classification", "encoder", "a classifier such as .*encoder is ECGResNetModel, an encoder without a"),
        ("ecg-classification", "sigmoid", "a classifier such as .*is ECGTextModel, a dual encoder; zero-shot"),
        ("ecg-classification", "bert", "a classifier such as .*bert is BertModel"),
        ("zero-shot-ecg-classification", "encoder", "a dual encoder .*encoder is ECGResNetModel"),
        (
            "zero-shot-ecg-classification",
            CLASSIFIER,
            "a dual encoder .*is ECGResNetForECGClassification, a classifier",
        ),
        ("zero-shot-ecg-classification", "bert", "a dual encoder .*bert is BertModel"),
    ],
)
def test_a_model_of_another_kind_is_refused_in_one_sentence(work, task, model, found):
    with pytest.raises(ValueError, match=f"{task} wants {found}") as caught:
        pipeline(task, model=str(work / model), device="cpu")
    assert "\n" not in str(caught.value)


def test_a_head_without_its_weights_is_refused(work, tmp_path):
    shutil.copytree(work / CLASSIFIER, tmp_path / "model")
    weights = load_file(tmp_path / "model" / "model.safetensors")
    kept = {name: value for name, value in weights.items() if not name.startswith("classifier")}
    save_file(kept, tmp_path / "model" / "model.safetensors", {"format": "pt"})
    with pytest.raises(ValueError, match="model has no trained head: .*classifier.weight"):
        pipeline("ecg-classification", model=str(tmp_path / "model"), device="cpu")


def test_another_number_of_labels_is_the_callers_doing(work):
    with pytest.raises(ValueError, match=r"with num_labels=5 \(its config.json: 3\): classifier.bias \(3,\), wanted"):
        pipeline("ecg-classification", model=str(work / CLASSIFIER), device="cpu", model_kwargs={"num_labels": 5})


@pytest.mark.parametrize("task", TASKS)
def test_a_model_that_is_loaded_already_wants_its_parts(task):
    model = tiny.classifier(["SR"]) if task == "ecg-classification" else tiny.dual_encoder()
    with pytest.raises(ValueError, match="wants feature_extractor= too"):
        pipeline(task, model=model, device="cpu")
    made = pipeline(task, model=model, processor=tiny.processor(), device="cpu")
    assert made.feature_extractor.num_samples == tiny.SAMPLES
    with pytest.raises(ValueError, match="wants an ECGFeatureExtractor .* found Wav2Vec2FeatureExtractor"):
        pipeline(task, model=model, feature_extractor=Wav2Vec2FeatureExtractor(), device="cpu")


def test_a_processor_may_be_named_by_its_folder(work):
    model = tiny.dual_encoder()
    made = pipeline("zero-shot-ecg-classification", model=model, processor=str(work / "sigmoid"), device="cpu")
    assert made.feature_extractor.num_samples == tiny.SAMPLES and made.tokenizer is not None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"model": torch.nn.Linear(2, 2)}, "wants a model, its folder or its Hub id, found Linear"),
        ({"processor": 5}, "processor is int, wanted an ECGTextProcessor"),
        ({"processor": tiny.feature_extractor(), "tokenizer": 5}, "texts want a tokenizer, found int"),
    ],
)
def test_parts_of_another_kind_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        pipeline("zero-shot-ecg-classification", **{"model": tiny.dual_encoder()} | options, device="cpu")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("tokenizer", None, "holds no tokenizer.*save the model's processor there"),
        (
            "model.safetensors",
            b"version https://git-lfs.github.com/spec/v1\n",
            "model.safetensors is a pointer of Git",
        ),
        ("model.safetensors", bytes(40), "model.safetensors is cut off or damaged"),
    ],
)
def test_a_folder_whose_files_are_not_whole_is_refused_by_their_names(work, tmp_path, name, content, message):
    shutil.copytree(work / "sigmoid", tmp_path / "model")
    for path in (tmp_path / "model").glob(f"{name}*"):
        path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(OSError, match=message):
        pipeline("zero-shot-ecg-classification", model=str(tmp_path / "model"), device="cpu")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("task", TASKS)
def test_weights_that_are_no_numbers_give_no_answer(work, corpus, tmp_path, task, value):
    model = CLASSIFIER if task == "ecg-classification" else "sigmoid"
    shutil.copytree(work / model, tmp_path / "model")
    weights = load_file(tmp_path / "model" / "model.safetensors")
    name = sorted(weights)[0]
    weights[name].view(-1)[0] = value
    save_file(weights, tmp_path / "model" / "model.safetensors", {"format": "pt"})
    ask = pipeline(task, model=str(tmp_path / "model"), device="cpu")
    with pytest.raises(ValueError, match=f"NaN or infinite values in 1 tensors of its weights, first in {name}"):
        ask(corpus[0], **({"candidate_labels": TEXTS} if task.startswith("zero") else {}))
    load = load_classifier if task == "ecg-classification" else load_dual_encoder
    with pytest.raises(ValueError, match=f"NaN or infinite .* first in {name}"):
        load(str(tmp_path / "model"), torch.device("cpu"))


def test_an_answer_that_is_no_number_is_refused(work, corpus):
    classify = pipeline("ecg-classification", model=str(work / CLASSIFIER), device="cpu")
    with torch.no_grad():
        classify.model.classifier.weight.fill_(3e38)
    with pytest.raises(ValueError, match="ECGResNetForECGClassification gives NaN or infinite values"):
        classify(corpus[0])
