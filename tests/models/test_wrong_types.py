"""Fields that transformers itself handles before any check of a family: wrong values are told, never looked up."""

import json

import pytest
from transformers import AutoConfig

import hf_ecg

CONFIGS = [
    hf_ecg.ECGResNetConfig,
    hf_ecg.ECGResNeXtConfig,
    hf_ecg.STMEMConfig,
    hf_ecg.ECGContrastiveConfig,
    hf_ecg.ECGTextConfig,
]
WRONG = [
    ("dtype", "http://x"),
    ("dtype", ""),
    ("dtype", "save"),
    ("torch_dtype", "load"),
    ("dtype", {"a": 1}),
    ("id2label", True),
    ("id2label", ["a"]),
    ("id2label", {"a": "b"}),
    ("id2label", {"9" * 5000: "b"}),
]


@pytest.mark.parametrize("config_class", CONFIGS)
@pytest.mark.parametrize(("field", "value"), WRONG)
def test_a_wrong_value_is_named(config_class, field, value, tmp_path):
    with pytest.raises(ValueError, match=f"^{field} "):
        config_class(**{field: value})
    saved = config_class().to_dict()
    if "dtype" in field:
        saved["dtype"] = None  # the newer of the two names wins
    (tmp_path / "config.json").write_text(json.dumps(saved | {field: value}))
    with pytest.raises(ValueError, match=f"{field} "):
        AutoConfig.from_pretrained(tmp_path)


@pytest.mark.parametrize(("field", "value"), WRONG)
def test_a_tower_of_transformers_is_checked_too(field, value):
    with pytest.raises(ValueError, match=rf"text_config\.{field} "):
        hf_ecg.ECGTextConfig(text_config={"model_type": "bert", field: value})


@pytest.mark.parametrize("value", ["float32", "bfloat16", None])
def test_types_of_torch_are_taken(value):
    assert hf_ecg.ECGResNetConfig(dtype=value, id2label={"0": "a", 1: "b"}).id2label == {0: "a", 1: "b"}
