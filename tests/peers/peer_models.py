"""Every public model class of the package, tiny, with inputs: what the peers are shown."""

import torch
from transformers import PreTrainedModel

import hf_ecg
from tests.models.tiny import CASES

# What `output_hidden_states` gives of the tiny model: how many, and positions and channels of the first.
HIDDEN_STATES = {"ecg_resnet": (5, 80, 4), "ecg_resnext": (4, 80, 8)}


def families() -> dict[type, list[type]]:
    """Public model classes by their configuration, the bare model first.

    Raises:
        ValueError: a class whose configuration has no tiny model in tests/models/tiny.py.
    """
    public = [vars(hf_ecg)[name] for name in hf_ecg.__all__]
    classes = [value for value in public if isinstance(value, type) and issubclass(value, PreTrainedModel)]
    found = {}
    for model_class in sorted(classes, key=lambda value: (not value.__name__.endswith("Model"), value.__name__)):
        if model_class.config_class not in [case[0].config_class for case in CASES.values()]:
            raise ValueError(f"{model_class.__name__} has no tiny model: add a line to CASES in tests/models/tiny.py")
        found.setdefault(model_class.config_class, []).append(model_class)
    return found


class PeerModelTester:
    """What transformers' mixins ask for configurations and inputs; the names are theirs."""

    batch_size = 3
    is_training = True

    def __init__(self, config_class: type):
        self.make_config, self.make_inputs = next(c[1:3] for c in CASES.values() if c[0].config_class is config_class)
        config = self.make_config()
        sizes = HIDDEN_STATES.get(config.model_type)
        if sizes is not None:
            self.expected_num_hidden_layers, self.seq_length, self.hidden_size = sizes
            self.num_hidden_layers = self.expected_num_hidden_layers - 1
        if "text_config" in config.sub_configs:
            self.num_hidden_layers = config.text_config.num_hidden_layers

    def get_config(self):
        return self.make_config()

    def prepare_config_and_inputs_for_common(self):
        return self.make_config(), self.make_inputs(self.batch_size, torch.Generator().manual_seed(0))

    def prepare_config_and_inputs_for_model_class(self, model_class):
        # asked for where rows are compared; a second view's rows stand behind all first ones inside the model
        config, inputs = self.prepare_config_and_inputs_for_common()
        return config, {key: value for key, value in inputs.items() if not key.startswith("second_")}


def learning_inputs(model_class: type, inputs: dict) -> dict:
    """The inputs, and what makes this class give a loss; a bare encoder has none."""
    if model_class.__name__.endswith("ForECGClassification"):
        return inputs | {"labels": torch.zeros(len(inputs["input_values"]), dtype=torch.long)}
    if any(name in inputs for name in ("input_ids", "second_input_values")):
        return inputs | {"return_loss": True}
    return inputs
