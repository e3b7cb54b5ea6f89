"""transformers' own test mixins on every class of ours: `python tests/peers/transformers_mixins.py [pytest options]`.

`NOT_APPLICABLE` lists what is left out, and why; everything else passes, or skips itself by transformers' own rules.
With HF_ECG_PEERS_TABLE=1 only what the table lists is run: each of it should fail, or its line can go.
"""

import fnmatch
import inspect
import os
import sys
import unittest
from collections import Counter
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
for name, value in {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}.items():
    os.environ.setdefault(name, value)

import pytest
import torch
from transformers import BertTokenizerFast

from hf_ecg import ECGFeatureExtractor, ECGTextProcessor
from hf_ecg.models.shared.roles import model_role
from tests.peers.peer_models import PeerModelTester, families, learning_inputs, own_inputs, parts_of
from tests.peers.source_distribution import load

# "family.test" or "*.test" (with the wildcards of fnmatch): why it does not apply. A family is a model type, or
# feature_extractor, or processor.
NO_SEQUENCE = "the mixin is of SequenceFeatureExtractor, whose padding is a method; ours is a step of the recipe"
NOT_AUDIO = "the processor's argument is ecg, an array with a rate, leads and units; audio is none"
TOWERS = "two towers have no one list of states; each tower's are in its own output, tested with its family"
NO_LOOK_UP = "waveforms and beats are convolved, not looked up: there are no input embeddings"
STAGES = "counts the stages of a convolutional network, of one or two small blocks each, as layers"
NO_VOCABULARY = "makes shapes unequal by another `vocab_size`, and a waveform has none"
OF_SDPA = "asks sdpa for attentions, which is an error here"
MASKS = "subtracts every output, and one is a mask"
NOT_APPLICABLE = {
    "feature_extractor.test_attention_mask": NO_SEQUENCE,
    "feature_extractor.test_attention_mask_with_truncation": NO_SEQUENCE,
    "feature_extractor.test_feat_extract_common_properties": NO_SEQUENCE,
    "feature_extractor.test_padding_accepts_tensors_pt": NO_SEQUENCE,
    "feature_extractor.test_padding_from_array": NO_SEQUENCE,
    "feature_extractor.test_padding_from_list": NO_SEQUENCE,
    "feature_extractor.test_truncation_from_array": NO_SEQUENCE,
    "feature_extractor.test_truncation_from_list": NO_SEQUENCE,
    "processor.test_call_arguments_not_in_processor_kwargs": "sampling_rate and return_tensors are named arguments, as"
    " of the feature extractor: a rate is known with the signal only",
    "processor.test_flat_kwarg_applied_when_modality_dict_lacks_it": "the tokenizer's keywords are given flat; a"
    " dictionary text_kwargs is refused as an unknown argument",
    "processor.test_kwargs_overrides_default_subprocessor_kwargs_2_audio": NOT_AUDIO,
    "processor.test_model_input_names": NOT_AUDIO,
    "processor.test_processor_with_multiple_inputs": NOT_AUDIO,
    "processor.test_replacement_offsets": "is of image tokens in the text, and looks for them in the first base class",
    "processor.test_structured_kwargs_nested_from_dict_2_audio": NOT_AUDIO,
    "processor.test_subprocessor_defaults_3_audio": NOT_AUDIO,
    "processor.test_subprocessor_defaults_preserved_by_kwargs_2_audio": NOT_AUDIO,
    "processor.test_unstructured_kwargs_2_audio": NOT_AUDIO,
    "processor.test_unstructured_kwargs_batched_2_audio": NOT_AUDIO,
    "ecg_contrastive.test_hidden_states_output": TOWERS,
    "ecg_contrastive.test_retain_grad_hidden_states_attentions": TOWERS,
    "clear.test_model_outputs_equivalence": MASKS,
    "heartlang*.test_model_outputs_equivalence": MASKS,
    "melp*.test_model_outputs_equivalence": MASKS,
    "melp_text.test_generation_tester_mixin_inheritance": "the mixin of text generation is not in the distribution",
    "melp_text.test_get_text_features_output_[02]": "counts the tokens' states: there is one more, of the token that"
    " stands for the report",
    "melp_text.test_model_base_model_prefix": "takes what generates for a head around a base model; here it is whole",
    "ecg_resnet.test_num_layers_is_small": STAGES,
    "ecg_resnext.test_num_layers_is_small": STAGES,
    "*.test_model_weights_reload_no_missing_tied_weights": "loads a file without one weight of the model, which is an"
    " error of ours and a warning of transformers",
}
# The same of every family that reads texts, of every other, and of those of the others that have a head, or attention.
OF_TEXTS = {
    "test_hidden_states_output": TOWERS,
    "test_retain_grad_hidden_states_attentions": TOWERS,
    "test_attention_outputs": TOWERS,
    "test_eager_matches_sdpa_inference_*": "shows the model waveforms and no text",
}
OF_WAVEFORMS = {"test_model_get_set_embeddings": NO_LOOK_UP}
OF_HEADS = {"test_load_with_mismatched_shapes": NO_VOCABULARY}
OF_ATTENTION = {"test_eager_matches_sdpa_inference_24_*": OF_SDPA}

# Tests for which the models around an encoder that are not its heads are left out.
WHOLE_MODELS = ("pretraining", "lead reconstruction")
STATES = "the output keeps the encoder's states one level down, in `ecg_model_output`"
NOT_OF_WHOLE_MODELS = {
    "test_attention_outputs": STATES,
    "test_hidden_states_output": STATES,
    "test_eager_matches_sdpa_inference_*": STATES,
    "test_model_outputs_equivalence": MASKS,
}
# Tests that ask for attentions of the default implementation, which is an error here and a warning in transformers.
OF_EAGER = ("test_capture_outputs_decorator", "test_model_outputs_equivalence")

modeling = load("test_modeling_common")
configuration = load("test_configuration_common")
feature_extraction = load("test_sequence_feature_extraction_common")
processing = load("test_processing_common")


class ModelMixin(modeling.ModelTesterMixin):
    """transformers' mixin with our way to ask for a loss."""

    config_class = None
    test_can_init_all_missing_weights_before_2023 = True

    def assertRaises(self, expected, *args, **kwargs):
        # what transformers raises as a RuntimeError while it loads is a ValueError here
        expected = (RuntimeError, ValueError) if expected is RuntimeError else expected
        return super().assertRaises(expected, *args, **kwargs)

    def setUp(self):
        self.model_tester = PeerModelTester(self.config_class)
        name = self._testMethodName
        if name in OF_EAGER and self.has_attentions:
            self.model_tester.attention = "eager"
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in NOT_OF_WHOLE_MODELS):
            others = tuple(c for c in self.all_model_classes if model_role(c) not in WHOLE_MODELS)
            self.all_model_classes = others or self.all_model_classes
        has_text = "text_config" in self.config_class.sub_configs
        self.config_tester = configuration.ConfigTester(
            self,
            config_class=self.config_class,
            has_text_modality=False,
            common_properties=["hidden_size", "num_leads", "num_samples", "sampling_rate"][int(has_text) :],
        )

    def test_reverse_loading_mapping(self):
        # our only mapping gives `logit_scale` and `logit_bias` the model's shape, and leaves names alone
        super().test_reverse_loading_mapping(check_keys_were_modified=False)

    def test_config(self):
        self.config_tester.run_common_tests()

    def _prepare_for_class(self, inputs_dict, model_class, return_labels=False):
        inputs = super()._prepare_for_class(inputs_dict, model_class, return_labels)
        # What it takes beyond the family's first class: what it is to complete, or the noise that a masking model
        # would draw, for whose every draw the outputs differ.
        own = own_inputs(model_class, len(inputs[model_class.main_input_name]))
        first = inspect.signature(self.all_model_classes[0].forward).parameters
        inputs |= {name: value for name, value in own.items() if name not in first}
        return learning_inputs(model_class, inputs) if return_labels else inputs


class FeatureExtractorTester:
    """What the feature extraction mixin asks for."""

    batch_size, feature_size = 3, 12

    def prepare_feat_extract_dict(self):
        return ECGFeatureExtractor(sampling_rate=100, num_samples=None).to_dict()

    def prepare_inputs_for_common(self, equal_length=False, numpify=False):
        lengths = (200, 200, 200) if equal_length else (200, 300, 400)
        records = [torch.sin(torch.arange(length)[:, None] / (5 + torch.arange(12))).numpy() for length in lengths]
        return records if numpify else [record.tolist() for record in records]


class ECGFeatureExtractorTest(feature_extraction.SequenceFeatureExtractionTestMixin, unittest.TestCase):
    feature_extraction_class = ECGFeatureExtractor
    feat_extract_tester = FeatureExtractorTester()


class ECGTextProcessorTest(processing.ProcessorTesterMixin, unittest.TestCase):
    processor_class = ECGTextProcessor

    @classmethod
    def _setup_feature_extractor(cls):
        return ECGFeatureExtractor(sampling_rate=100, num_samples=1000)

    @classmethod
    def _setup_tokenizer(cls):
        words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "lower", "newer", "upper", "older", "longer", "string"]
        return BertTokenizerFast(vocab={word: number for number, word in enumerate(words)})


def _reason(family: str, test: str, others: dict[str, str]) -> str | None:
    table = NOT_APPLICABLE | {f"{family}.{name}": reason for name, reason in others.items()}
    found = [reason for name, reason in table.items() if fnmatch.fnmatchcase(f"{family}.{test}", name)]
    return found[0] if found else None


def _marked(test_class: type, family: str, others: dict[str, str] | None = None) -> type:
    """The class with the table's tests skipped, or with nothing else where the table itself is looked at."""
    listed_only = os.environ.get("HF_ECG_PEERS_TABLE") == "1"
    for name in [name for name in dir(test_class) if name.startswith("test_")]:
        test, reason = getattr(test_class, name), _reason(family, name, others or {})
        if not callable(test):
            continue
        if listed_only and reason is None:
            setattr(test_class, name, None)
        elif reason is not None and not listed_only:
            setattr(test_class, name, unittest.skip(f"not applicable: {reason}")(test))
    return test_class


def _model_test(config_class: type, classes: list[type]) -> type:
    family = config_class.model_type
    for model_class in classes:
        # the mixin finds in these tables which class has a head and which has none
        if model_role(model_class) == "classifier":
            modeling.MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES[family] = model_class.__name__
        elif model_role(model_class) == "encoder":
            modeling.MODEL_MAPPING_NAMES[family] = model_class.__name__
    config = PeerModelTester(config_class).get_config()
    reads_text = "text_config" in config_class.sub_configs
    has_attentions = any(hasattr(part, "num_attention_heads") for part in parts_of(config))
    content = {
        "config_class": config_class,
        "all_model_classes": tuple(classes),
        "test_resize_embeddings": reads_text,
        "has_attentions": has_attentions,
        "_is_composite": bool(config_class.sub_configs),
    }
    name = f"{config_class.__name__.removesuffix('Config')}Test"
    has_head = any(model_role(model_class) == "classifier" for model_class in classes)
    of_waveforms = OF_WAVEFORMS | (OF_HEADS if has_head else {}) | (OF_ATTENTION if has_attentions else {})
    others = OF_TEXTS if reads_text else of_waveforms
    return _marked(type(name, (ModelMixin, unittest.TestCase), content), family, others)


for _config_class, _classes in families().items():
    _test_class = _model_test(_config_class, _classes)
    globals()[_test_class.__name__] = _test_class
ECGFeatureExtractorTest = _marked(ECGFeatureExtractorTest, "feature_extractor")
ECGTextProcessorTest = _marked(ECGTextProcessorTest, "processor")
del _test_class


class Tally:
    """What became of the tests, by class, and why some were left out: the table at the end of a run."""

    def __init__(self):
        self.outcomes, self.reasons = {}, Counter()

    def pytest_runtest_logreport(self, report):
        name = report.nodeid.split("::")[1]
        counts = self.outcomes.setdefault(name, {})
        if report.skipped:
            reason = str(report.longrepr[2]).removeprefix("Skipped: ")
            if (kind := reason.startswith("not applicable")) is False:
                self.reasons[reason] += 1
            counts[report.nodeid] = "not applicable" if kind else "skipped"
        elif report.failed:
            counts[report.nodeid] = "failed"
        elif report.when == "call":
            counts.setdefault(report.nodeid, "passed")

    def pytest_terminal_summary(self, terminalreporter):
        terminalreporter.section("by class")
        kinds = ("passed", "not applicable", "skipped", "failed")
        for name, outcomes in [*self.outcomes.items(), ("all", self._all())]:
            counts = Counter(outcomes.values())
            terminalreporter.line(f"{name:26}" + "".join(f"{counts[kind]:6} {kind}" for kind in kinds))
        terminalreporter.section("skipped by transformers' own rules")
        for reason, count in self.reasons.most_common(25):
            terminalreporter.line(f"{count:6}  {reason}")

    def _all(self) -> dict:
        return {test: outcome for outcomes in self.outcomes.values() for test, outcome in outcomes.items()}


if __name__ == "__main__":
    options = ["-o", "addopts=--import-mode=importlib", "-p", "no:cacheprovider", "-q"]
    sys.exit(pytest.main([*options, __file__, *sys.argv[1:]], plugins=[Tally()]))
