"""Compiled and exported graphs: they take seconds each, so the last tiny case of a class stands for all of it.

And of classes that are one mixin of `models.shared` around their family's encoder, whose own graph is here too, the
first class stands for all. What pretrains is compiled, and with what reads texts exported, by `-m large`: the encoder
inside is exported here, and a dual encoder with any number of tokens in test_forward_names.py. What an export cannot
follow, such as a branch on values, a compiler cannot either: it is shown one encoder of each kind, by `-m large` all.
"""

import pytest
import torch
from torch.export import Dim
from transformers import PreTrainedConfig, set_seed

from hf_ecg.models.shared.roles import ecg_encoder
from tests.models.contract import padded, wants_a_loss
from tests.models.tiny import CASES


def kind(model_class):
    """The class, or where its forward pass is not its own that pass and its loss."""
    own = not model_class.forward.__module__.startswith(SHARED)
    return model_class if own else (model_class.forward, getattr(model_class, "head_loss", None))


SHARED = "hf_ecg.models.shared."
LAST_OF_A_KIND = {}
for name, case in CASES.items():
    # of shared mixins the first one, which does not change when a family comes
    if kind(case[0]) is case[0] or kind(case[0]) not in LAST_OF_A_KIND:
        LAST_OF_A_KIND[kind(case[0])] = name
OF_ALL = list(LAST_OF_A_KIND.values())
PRETRAINS = ("pretraining", "lead reconstruction", "delineation")


def beside_large(names, *roles):
    """All names; those of models with these roles, and those that are not among `names`, are left to `-m large`."""
    kept = [name for name in names if CASES[name][0].role not in roles]
    return [pytest.param(name, marks=[pytest.mark.large] * (name not in kept)) for name in OF_ALL]


def kind_of_network(name):
    model_class, config = CASES[name][:2]
    return model_class.role, model_class.main_input_name, "num_attention_heads" in vars(config())


ONE_OF_A_KIND = list({kind_of_network(name): name for name in reversed(OF_ALL)}.values())


def shallow(config):
    """One block in place of several, of a configuration and of those inside it: a graph grows by each, and takes
    seconds for the same operations again."""
    for field, value in list(vars(config).items()):
        if isinstance(value, PreTrainedConfig):
            shallow(value)
        elif field == "depths":
            config.depths = [1] * len(value)
        elif "num_" in field and field.endswith("layers") and value:
            setattr(config, field, 1)
    return config


def build(name):
    model_class, config, inputs, key = CASES[name]
    set_seed(0)
    return model_class(shallow(config())), inputs(3, torch.Generator().manual_seed(1)), key


@pytest.mark.parametrize("name", OF_ALL)
def test_every_encoder_has_its_own_graph_here(name):
    assert type(ecg_encoder(build(name)[0])) in LAST_OF_A_KIND


@pytest.mark.parametrize("name", beside_large(ONE_OF_A_KIND, *PRETRAINS))
def test_it_compiles_to_one_graph_with_its_loss(name):
    # a function of transformers that all models go through may be compiled eight times only
    torch.compiler.reset()
    model, inputs, key = build(name)
    model.eval()
    inputs |= wants_a_loss(model, inputs)
    found, wanted = torch.compile(model, fullgraph=True, backend="eager")(**inputs), model(**inputs)
    for entry in (key, *(["loss"] if "loss" in wanted else [])):
        torch.testing.assert_close(found[entry], wanted[entry])


@pytest.mark.parametrize("name", beside_large(OF_ALL, *PRETRAINS, "dual encoder"))
def test_it_can_be_exported_for_any_number_of_records_of_any_length(name):
    model, inputs, key = build(name)
    # patches and beats have places: any number of records, of one length
    waves = "input_values" in inputs
    unit = vars(ecg_encoder(model).config).get("patch_size", 1) if waves else None
    batch, length = Dim("batch", min=2, max=64), Dim("length", min=40, max=4096)
    if "lead_mask" not in inputs and unit == 1:
        inputs = padded(inputs, 150, 160, 0, 0.0)
    axes = {name: {0: batch} | ({value.ndim - 1: length} if unit == 1 else {}) for name, value in inputs.items()}
    axes |= {name: {0: batch} for name in inputs if "values" not in name and "sample_mask" not in name}
    exported = torch.export.export(model.eval(), (), inputs, dynamic_shapes=axes, strict=False).module()
    others = {name: torch.cat([value, value.flip(0)]) for name, value in inputs.items()}
    if unit == 1:
        others = padded(others, 77, 131, 0, 7.0)
    torch.testing.assert_close(exported(**others)[key], model(**others)[key])
