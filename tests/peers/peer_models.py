"""Every public model class of the package, tiny, with inputs: what the peers are shown."""

import inspect

import torch

from hf_ecg.auto import FAMILIES
from hf_ecg.models.shared.roles import model_role
from tests.models.tiny import CASES

# With two threads torch 2.13 corrupts memory in the gradient of a convolution from 4 to 8 channels, which tiny
# models have.
torch.set_num_threads(1)

# What `output_hidden_states` gives of the tiny model: how many, and positions and channels of the first.
HIDDEN_STATES = {
    "clear": (3, 48, 16),
    "clocs": (2, 39, 4),
    "ecg_convnextv2": (3, 40, 8),
    "ecg_resnet": (5, 80, 4),
    "ecg_resnext": (4, 80, 8),
    "ecg_tf_mae": (3, 10, 16),
    "ecg_unet": (3, 160, 4),
    "ecg_vit": (3, 10, 16),
    "ecg_fm": (3, 40, 16),
    "heartlang": (2, 37, 16),
    "heartlang_vqhbr": (2, 37, 16),
    "melp": (3, 40, 16),
    "st_mem": (3, 144, 16),
}


def families() -> dict[type, list[type]]:
    """Every model class of this package by its configuration, what AutoModel gives first."""
    ours = [family for family in FAMILIES.values() if family.config.__module__.startswith("hf_ecg.")]
    return {family.config: list(family.models) for family in ours}


def parts_of(config) -> list:
    """The configuration, and those inside it."""
    return [config, *(getattr(config, name) for name in config.sub_configs)]


class PeerModelTester:
    """What transformers' mixins ask for configurations and inputs; the names are theirs."""

    batch_size = 3
    is_training = True
    attention = None

    def __init__(self, config_class: type):
        own = [case for case in CASES.values() if case[0].config_class is config_class]
        # a pretraining model wants the most of a configuration, such as a vocabulary
        pretraining = [case for case in own if model_role(case[0]) == "pretraining"]
        self.make_config, self.make_inputs = (pretraining or own)[0][1], own[0][2]
        config = self.get_config()
        # of the first part that has attention
        self.num_attention_heads = next(
            (part.num_attention_heads for part in parts_of(config) if hasattr(part, "num_attention_heads")), None
        )
        sizes = HIDDEN_STATES.get(config.model_type)
        if sizes is not None:
            self.expected_num_hidden_layers, self.seq_length, self.hidden_size = sizes
            self.num_hidden_layers = self.expected_num_hidden_layers - 1
        if "text_config" in config.sub_configs:
            self.num_hidden_layers = config.text_config.num_hidden_layers

    def get_config(self):
        config = self.make_config()
        if self.attention is not None:
            config._attn_implementation = self.attention
        return config

    def prepare_config_and_inputs_for_common(self):
        return self.get_config(), self.make_inputs(self.batch_size, torch.Generator().manual_seed(0))

    def prepare_config_and_inputs_for_model_class(self, model_class):
        # asked for where rows are compared; a second view's rows stand behind all first ones inside the model
        config, inputs = self.prepare_config_and_inputs_for_common()
        return config, {key: value for key, value in inputs.items() if not key.startswith("second_")}


def own_config(model_class: type):
    """What the contract tests build this class of."""
    return _case(model_class)[1]()


def own_inputs(model_class: type, rows: int) -> dict:
    """What the contract tests give to this class."""
    return _case(model_class)[2](rows, torch.Generator().manual_seed(0))


def compared_output(model_class: type) -> str:
    """The output that the contract tests compare."""
    return _case(model_class)[3]


def _case(model_class: type) -> tuple:
    """The class's own, or that of its family's other head: what goes in and comes out is the same."""
    heads = ("classifier", "survival model")
    same = [case for case in CASES.values() if case[0].config_class is model_class.config_class]
    own = [case for case in same if case[0] is model_class]
    return (own or [case for case in same if model_role(case[0]) in heads and model_role(model_class) in heads])[0]


def learning_inputs(model_class: type, inputs: dict) -> dict:
    """The inputs, and what makes this class give a loss; a bare encoder has none."""
    rows = len(inputs[model_class.main_input_name])
    if model_role(model_class) == "classifier":
        return inputs | {"labels": torch.zeros(rows, dtype=torch.long)}
    if model_role(model_class) == "survival model":
        return inputs | {"labels": torch.tensor([[200.0, 1.0]]).repeat(rows, 1)}
    asked = "return_loss" in inspect.signature(model_class.forward).parameters
    return inputs | {"return_loss": True} if asked else inputs
