import shutil
from concurrent.futures import ThreadPoolExecutor

import datasets
import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import Wav2Vec2FeatureExtractor, pipeline
from transformers.pipelines.pt_utils import KeyDataset

import hf_ecg
from hf_ecg import ECGFeatureExtractor, ECGTextProcessor
from hf_ecg.evaluation.judging.features import ecg_embeddings, ecg_features, ecg_text_embeddings
from hf_ecg.evaluation.loading import load_classifier, load_dual_encoder
from tests.evaluation import tiny
from tests.made_channels import beats, write_channels

GIVEN = {"sampling_rate": 100, "leads": tiny.LEADS, "units": "mV"}
TEXTS = ["sinus rhythm", "atrial fibrillation"]


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """Folders of a dual encoder for each loss, an encoder, classifiers of each problem type, and a text encoder."""
    folder = tmp_path_factory.mktemp("pipelines")
    for loss_type in ("sigmoid", "softmax"):
        tiny.dual_encoder(loss_type=loss_type).save_pretrained(folder / loss_type)
        tiny.processor().save_pretrained(folder / loss_type)
    tiny.dual_encoder().ecg_model.save_pretrained(folder / "encoder")
    tiny.feature_extractor().save_pretrained(folder / "encoder")
    tiny.dual_encoder().text_model.save_pretrained(folder / "bert")
    tiny.tokenizer().save_pretrained(folder / "bert")
    for problem in ("multi_label_classification", "single_label_classification", "regression"):
        model = tiny.classifier(["SR", "AFIB", "PVC"])
        model.config.problem_type = problem
        model.save_pretrained(folder / problem)
        tiny.feature_extractor().save_pretrained(folder / problem)
    return folder


@pytest.fixture(scope="module")
def corpus():
    return tiny.dataset(7)


def arrays(corpus):
    return [np.asarray(row["signal"], np.float64).reshape(len(tiny.LEADS), -1) / 1000 for row in corpus]


@pytest.mark.parametrize("model", ["encoder", "sigmoid"])
def test_embeddings_are_those_of_the_encoder_for_every_kind_of_input(work, corpus, model):
    extract = pipeline("ecg-feature-extraction", model=str(work / model), device="cpu")
    expected = ecg_features(extract.model, extract.feature_extractor, corpus)
    given = arrays(corpus)
    results = {
        "rows": [extract(row) for row in corpus],
        "data set": list(extract(corpus, batch_size=3)),
        "arrays": extract(given, batch_size=2, **GIVEN),
        "stack": extract(np.stack(given), **GIVEN),
        "dicts": extract([{"array": array, **GIVEN} for array in given], batch_size=4),
        "generator": list(extract((array for array in given), batch_size=3, **GIVEN)),
    }
    for kind, found in results.items():
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5, err_msg=kind)


def test_a_wfdb_record_gives_what_its_row_gives(work, ptb_xl_dir):
    path = sorted(ptb_xl_dir.glob("records100/*/*.hea"))[0]
    extract = pipeline("ecg-feature-extraction", model=str(work / "encoder"), device="cpu")
    extract.feature_extractor = ECGFeatureExtractor(sampling_rate=100, num_samples=tiny.SAMPLES)
    with torch.no_grad():
        inputs = extract.feature_extractor(path, return_tensors="pt", window="first")
        expected = extract.model(**inputs).pooler_output[0]
    assert torch.equal(extract(str(path), return_tensors=True, window="first"), expected)
    inputs = extract.feature_extractor(path, return_tensors="pt", window="all")
    assert inputs.pop("record_index").tolist() == [0] * len(inputs["input_values"])
    with torch.no_grad():
        mean = extract.model(**inputs).pooler_output.mean(0)
    one, other = extract([str(path)] * 2, batch_size=2, window="all", return_tensors=True)
    for found in (one, other, extract(str(path), return_tensors=True)):
        torch.testing.assert_close(found, mean)


def test_a_channel_of_a_file_is_named(work, tmp_path):
    path = write_channels(tmp_path, ["ECG", "Resp"], ["1000/mV", "20/pm"], counts=beats(2, tiny.SAMPLES))
    extract = pipeline("ecg-feature-extraction", model=str(work / "encoder"), device="cpu")
    with pytest.raises(ValueError, match='rename={"ECG": "I"}'):
        extract(str(path))
    with torch.no_grad():
        inputs = extract.feature_extractor(path, rename={"ECG": "I"}, return_tensors="pt")
        expected = extract.model(**inputs).pooler_output[0]
    for options in ({}, {"leads": ["I"]}):
        assert torch.equal(extract(str(path), rename={"ECG": "I"}, **options, return_tensors=True), expected)
    with pytest.raises(ValueError, match="a dict with `array` holds .'rename'"):
        extract({"array": beats(1), **GIVEN, "rename": {"ECG": "I"}})


def test_projected_embeddings_have_unit_length(work, corpus):
    extract = pipeline("ecg-feature-extraction", model=str(work / "sigmoid"), device="cpu")
    processor = ECGTextProcessor(extract.feature_extractor, tiny.tokenizer())
    expected = ecg_embeddings(extract.model, processor, corpus)
    np.testing.assert_allclose(list(extract(corpus, projected=True)), expected, atol=1e-5)
    encoder = pipeline("ecg-feature-extraction", model=str(work / "encoder"), device="cpu")
    with pytest.raises(ValueError, match="projected is for dual encoders"):
        encoder(corpus[0], projected=True)


def test_records_of_several_lengths_do_not_change_each_other(work):
    extractor = ECGFeatureExtractor(sampling_rate=100, leads=tiny.LEADS, num_samples=None, steps=tiny.STEPS)
    model = tiny.dual_encoder().ecg_model
    extract = pipeline("ecg-feature-extraction", model=model, feature_extractor=extractor, device="cpu")
    random = np.random.default_rng(0)
    given = [random.normal(size=(len(tiny.LEADS), samples)) for samples in (100, 70, 90)]
    alone = [extract(array, **GIVEN) for array in given]
    together = extract(given, batch_size=3, **GIVEN)
    # a convolution sees the padding of its neighbour at a record's end, as any padded model does
    assert together[0] == pytest.approx(alone[0], abs=1e-5)
    assert [np.corrcoef(one, two)[0, 1] > 0.99 for one, two in zip(alone, together, strict=True)] == [True] * 3


def test_crops_of_a_record_are_averaged_also_in_batches(work, corpus):
    steps = [*tiny.STEPS, {"name": "multi_crop", "count": 3, "num_samples": 60}]
    extractor = ECGFeatureExtractor(sampling_rate=100, leads=tiny.LEADS, num_samples=60, steps=steps)
    model = tiny.dual_encoder().ecg_model
    extract = pipeline("ecg-feature-extraction", model=model, feature_extractor=extractor, device="cpu")
    expected = ecg_features(model, extractor, corpus)
    np.testing.assert_allclose(list(extract(corpus, batch_size=3)), expected, atol=1e-5)
    np.testing.assert_allclose([extract(row) for row in corpus], expected, atol=1e-5)
    row, largest = corpus[0], extract(corpus[0], crops="max")
    inputs = dict(extractor([row], return_tensors="pt"))
    inputs.pop("record_index")
    with torch.no_grad():
        np.testing.assert_allclose(largest, model.eval()(**inputs).pooler_output.amax(0), atol=1e-5)
    with pytest.raises(ValueError, match="crops.*mean.*max"):
        extract(row, crops="median")


@pytest.mark.parametrize(
    ("problem", "activation"),
    [
        ("multi_label_classification", torch.sigmoid),
        ("single_label_classification", lambda logits: logits.softmax(-1)),
        ("regression", lambda logits: logits),
    ],
)
def test_scores_are_those_of_the_problem_type(work, corpus, problem, activation):
    classify = pipeline("ecg-classification", model=str(work / problem), device="cpu")
    batch = classify.feature_extractor([row for row in corpus], return_tensors="pt")
    with torch.no_grad():
        expected = activation(classify.model(**batch).logits)
    for found, scores in zip(classify(corpus, batch_size=4), expected.tolist(), strict=True):
        named = dict(zip(["SR", "AFIB", "PVC"], scores, strict=True))
        assert {entry["label"]: entry["score"] for entry in found} == pytest.approx(named, abs=1e-5)
        if problem != "regression":
            assert [entry["score"] for entry in found] == sorted(scores, reverse=True)


def test_top_k_and_threshold(work, corpus):
    classify = pipeline("ecg-classification", model=str(work / "multi_label_classification"), device="cpu")
    every = classify(corpus[0], top_k=None)
    assert classify(corpus[0], top_k=1) == every[:1]
    assert classify(corpus[0], threshold=every[1]["score"]) == every[:2]
    with pytest.raises(ValueError, match="top_k is 0"):
        classify(corpus[0], top_k=0)


def test_zero_shot_scores_are_pair_probabilities_of_the_sigmoid_loss(work, corpus):
    classify = pipeline("zero-shot-ecg-classification", model=str(work / "sigmoid"), device="cpu")
    processor = ECGTextProcessor(classify.feature_extractor, classify.tokenizer)
    cosines = (
        ecg_embeddings(classify.model, processor, corpus) @ ecg_text_embeddings(classify.model, processor, TEXTS).T
    )
    scores = 1 / (1 + np.exp(-(classify.model.logit_scale.exp().item() * cosines + classify.model.logit_bias.item())))
    found = list(classify(corpus, candidate_labels=TEXTS, batch_size=3))
    for entries, cosine, score in zip(found, cosines, scores, strict=True):
        by_label = {entry["label"]: entry for entry in entries}
        assert [by_label[text]["cosine"] for text in TEXTS] == pytest.approx(cosine.tolist(), abs=1e-5)
        assert [by_label[text]["score"] for text in TEXTS] == pytest.approx(score.tolist(), abs=1e-5)
        assert entries[0]["score"] >= entries[1]["score"]


def test_zero_shot_scores_of_a_softmax_model_sum_to_one_and_a_label_may_have_several_texts(work, corpus):
    classify = pipeline("zero-shot-ecg-classification", model=str(work / "softmax"), device="cpu")
    single = classify(corpus[0], candidate_labels=TEXTS)
    assert sum(entry["score"] for entry in single) == pytest.approx(1.0)
    grouped = classify(corpus[0], candidate_labels={"rhythm": TEXTS, "PVC": "ventricular premature complex"})
    best = {entry["label"]: entry["cosine"] for entry in grouped}
    assert best["rhythm"] == pytest.approx(max(entry["cosine"] for entry in single), abs=1e-6)


def test_texts_are_encoded_once(work, corpus, monkeypatch):
    classify = pipeline("zero-shot-ecg-classification", model=str(work / "sigmoid"), device="cpu")
    calls, original = [], classify.model.get_text_features
    monkeypatch.setattr(
        classify.model,
        "get_text_features",
        lambda **inputs: calls.append(len(inputs["input_ids"])) or original(**inputs),
    )
    list(classify(corpus, candidate_labels=TEXTS))
    classify(corpus[0], candidate_labels=TEXTS, hypothesis_template="{} .")
    assert calls == [2, 2]


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
    ("inputs", "options", "message"),
    [
        ([], {}, "list of ECGs is empty"),
        (np.zeros((12, 100)), {}, "sampling_rate, leads, units must be given"),
        ({"array": np.ones((12, 100)), "rate": 100}, {}, r"holds \['rate'\]"),
        (np.ones((12, 100)), {**GIVEN, "unit": "mV"}, "unknown option 'unit' .did you mean 'units'"),
        (np.ones((12, 50)), GIVEN, "wants 100"),
    ],
)
def test_what_does_not_fit_is_refused(work, inputs, options, message):
    extract = pipeline("ecg-feature-extraction", model=str(work / "encoder"), device="cpu")
    with pytest.raises(ValueError, match=message):
        extract(inputs, **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "candidate_labels is None"),
        ({"candidate_labels": "sinus rhythm"}, "candidate_labels is 'sinus rhythm'"),
        ({"candidate_labels": ["a", "a"]}, "names a text twice"),
        ({"candidate_labels": ["a", 1]}, "candidate_labels holds 1, wanted texts"),
        ({"candidate_labels": {"a": 1}}, "candidate_labels holds 1, wanted texts"),
        ({"candidate_labels": iter(TEXTS)}, "wanted a list of texts"),
        ({"candidate_labels": TEXTS, "hypothesis_template": None}, "hypothesis_template is None"),
        ({"candidate_labels": TEXTS, "threshold": "0.5"}, "threshold is '0.5'"),
        ({"candidate_labels": {"SR": []}}, r"no texts for \['SR'\]"),
        ({"candidate_labels": TEXTS, "hypothesis_template": "ECG"}, "hypothesis_template is 'ECG'"),
    ],
)
def test_labels_that_say_nothing_are_refused(work, corpus, options, message):
    classify = pipeline("zero-shot-ecg-classification", model=str(work / "sigmoid"), device="cpu")
    with pytest.raises(ValueError, match=message):
        classify(corpus[0], **options)


TASKS = ("ecg-feature-extraction", "ecg-classification", "zero-shot-ecg-classification")
CLASSIFIER = "multi_label_classification"


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


def test_many_ecgs_may_come_in_any_way(work, corpus):
    extract = pipeline("ecg-feature-extraction", model=str(work / "encoder"), device="cpu")
    expected = ecg_features(extract.model, extract.feature_extractor, corpus)
    dicts = [{"ecg": {"array": array, **GIVEN}} for array in arrays(corpus)]
    streamed = datasets.IterableDataset.from_generator(lambda: iter(dicts))
    ways = {
        "streamed": (corpus.to_iterable_dataset(), {}),
        "column": (KeyDataset(dicts, "ecg"), {}),
        "streamed column": (KeyDataset(streamed, "ecg"), {}),
        "iterator": (iter(arrays(corpus)), GIVEN),
        "map": (map(np.asarray, arrays(corpus)), GIVEN),
    }
    for kind, (given, options) in ways.items():
        found = list(extract(given, batch_size=3, **options))
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5, err_msg=kind)
    with pytest.raises(ValueError, match=r"has the splits \['train'\], wanted one of them"):
        extract(datasets.DatasetDict({"train": corpus}))


def test_threads_get_the_scores_of_their_own_labels(work, corpus):
    classify = pipeline("zero-shot-ecg-classification", model=str(work / "sigmoid"), device="cpu")
    words = ["sinus rhythm", "atrial fibrillation", "ventricular premature complex", "rhythm", "sinus", "atrial"]
    sets = [[words[number], words[(number + step) % 6]] for number in range(6) for step in (1, 2, 3)]

    def ask(labels):
        return {entry["label"]: entry["cosine"] for entry in classify(corpus[0], candidate_labels=labels)}

    wanted = [ask(labels) for labels in sets]
    with ThreadPoolExecutor(24) as pool:
        found = list(pool.map(ask, sets * 6))
    for labels, scores in zip(sets * 6, found, strict=True):
        assert scores == pytest.approx(wanted[sets.index(labels)], abs=1e-6)
    assert ask(sets[0]) == pytest.approx(wanted[0], abs=1e-6)


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


@pytest.mark.parametrize("label", ["ptb_xl_rhythm", "ptb_xl_rythm", "ptbxl", "PTB-XL form"])
def test_the_name_of_a_prompt_set_is_no_text(work, corpus, label):
    classify = pipeline("zero-shot-ecg-classification", model=str(work / "sigmoid"), device="cpu")
    with pytest.raises(ValueError, match=f"{label!r}, near to the name of the prompt set 'ptb_xl_(rhythm|form)'"):
        classify(corpus[0], candidate_labels=[label, "sinus rhythm"])


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
