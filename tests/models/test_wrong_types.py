"""Fields that transformers itself handles before any check of a family: wrong values are told, never looked up."""

import json

import pytest
from transformers import AutoConfig

import hf_ecg

CONFIGS = [
    hf_ecg.ECGResNetConfig,
    hf_ecg.ECGResNeXtConfig,
    hf_ecg.CLEARConfig,
    hf_ecg.CLOCSConfig,
    hf_ecg.ECGViTConfig,
    hf_ecg.ECGFMConfig,
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


@pytest.mark.parametrize("config_class", CONFIGS)
@pytest.mark.parametrize("value", [2**70, -1, None, "3", True, 1.5])
def test_a_number_of_labels_is_one(config_class, value):
    with pytest.raises(ValueError, match="^num_labels is "):
        config_class(num_labels=value)
    config = config_class()
    with pytest.raises(ValueError, match="^num_labels is "):
        config.num_labels = value
    assert config_class(num_labels=3).num_labels == 3 and config.num_labels == 2


@pytest.mark.parametrize(
    ("config_class", "values"),
    [
        (hf_ecg.ECGResNetConfig, {"num_leads": "12"}),
        (hf_ecg.ECGResNetConfig, {"depths": [1, None]}),
        (hf_ecg.ECGResNetConfig, {"classifier_dropout": float("nan")}),
        (hf_ecg.ECGResNetConfig, {"target_mean": [0, float("nan")], "target_scale": [1, 1]}),
        (hf_ecg.ECGResNeXtConfig, {"widths": 5}),
        (hf_ecg.STMEMConfig, {"layer_norm_eps": float("inf")}),
        (hf_ecg.STMEMConfig, {"hidden_dropout": 1.5}),
        (hf_ecg.ECGContrastiveConfig, {"ecg_config": {1: 2}}),
        (hf_ecg.ECGTextConfig, {"text_config": "bert"}),
        (hf_ecg.ECGTextConfig, {"logit_scale_init_value": float("nan")}),
        (hf_ecg.ECGTextConfig, {"text_config": {"model_type": "bert", "num_labels": 2**70}}),
    ],
)
def test_a_wrong_field_is_a_value_error_everywhere(config_class, values, tmp_path):
    (name, value), *_ = values.items()
    with pytest.raises(ValueError, match=name):
        config_class(**values)
    if name != "ecg_config":  # JSON has no such keys
        (tmp_path / "config.json").write_text(json.dumps({"model_type": config_class.model_type} | values))
        with pytest.raises(ValueError, match=name):
            AutoConfig.from_pretrained(tmp_path)
        with pytest.raises(ValueError, match=f"(?s){tmp_path}.*{name}"):
            config_class.from_pretrained(tmp_path)
    config = config_class()
    if not isinstance(value, (int, float)):
        with pytest.raises(ValueError, match=name):
            setattr(config, name, value)
            config.validate()
