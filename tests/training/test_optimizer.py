import math

import pytest
import torch
from torch import nn

from hf_ecg.training.optimizer import build_optimizer, parameter_groups
from hf_ecg.training.recipe_sections import GroupSection, OptimizerSection, ScheduleSection
from hf_ecg.training.schedule import learning_rate_factor
from hf_ecg.training.weight_average import WeightAverage


class Toy(nn.Module):
    def __init__(self):
        super().__init__()
        self.convolution = nn.Conv1d(2, 3, 5)
        self.batch_norm = nn.BatchNorm1d(3)
        self.linear = nn.Linear(3, 4)
        self.layer_norm = nn.LayerNorm((2, 4))  # a norm whose weight has two dimensions
        self.frozen = nn.Linear(4, 4).requires_grad_(False)
        self.logit_scale = nn.Parameter(torch.tensor(1.0))
        self.logit_bias = nn.Parameter(torch.tensor(-10.0))


def test_only_matrices_outside_norms_are_decayed():
    model = Toy()
    names = {parameter: name for name, parameter in model.named_parameters()}
    decayed, kept = parameter_groups(model, 0.05)
    assert decayed["weight_decay"] == 0.05 and kept["weight_decay"] == 0.0
    assert {names[p] for p in decayed["params"]} == {"convolution.weight", "linear.weight"}
    assert {names[p] for p in kept["params"]} == {
        "convolution.bias",
        "linear.bias",
        "batch_norm.weight",
        "batch_norm.bias",
        "layer_norm.weight",
        "layer_norm.bias",
        "logit_scale",
        "logit_bias",
    }


def test_a_step_without_gradient_shrinks_only_the_decayed():
    model = Toy()
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    optimizer = build_optimizer(model, OptimizerSection(lr=0.1, weight_decay=0.5))
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    torch.testing.assert_close(model.linear.weight, before["linear.weight"] * 0.95)
    for name in ("logit_scale", "logit_bias", "layer_norm.weight", "linear.bias", "frozen.weight"):
        assert torch.equal(dict(model.named_parameters())[name], before[name])


def test_a_model_with_nothing_to_train_is_refused():
    with pytest.raises(ValueError, match="no trainable parameter"):
        build_optimizer(nn.Linear(2, 2).requires_grad_(False), OptimizerSection(lr=0.1))


def test_cosine_with_warm_up():
    schedule = ScheduleSection(name="cosine", warmup_ratio=0.1, final_ratio=0.0)
    factors = [learning_rate_factor(step, 100, schedule) for step in range(100)]
    assert factors[:10] == pytest.approx([(step + 1) / 10 for step in range(10)])
    assert factors[10] == 1.0
    assert factors[55] == pytest.approx(0.5)
    assert factors[99] == pytest.approx(0.5 * (1 + math.cos(math.pi * 89 / 90)))


def test_linear_and_constant():
    linear = ScheduleSection(name="linear", warmup_ratio=0.0, final_ratio=0.2)
    assert [learning_rate_factor(step, 4, linear) for step in range(4)] == pytest.approx([1.0, 0.8, 0.6, 0.4])
    constant = ScheduleSection(name="constant", warmup_ratio=0.5)
    assert [learning_rate_factor(step, 4, constant) for step in range(4)] == [0.5, 1.0, 1.0, 1.0]


def test_restarts_are_those_of_torch():
    schedule = ScheduleSection(
        name="cosine_restarts", warmup_ratio=0.0, final_ratio=0.01, first_cycle_ratio=0.1, cycle_growth=2.0
    )
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    reference = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=100, T_mult=2, eta_min=0.01)
    expected = []
    for _ in range(1000):
        expected.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        reference.step()
    assert [learning_rate_factor(step, 1000, schedule) for step in range(1000)] == pytest.approx(expected)


def test_learning_rate_factors_reach_the_parameters_they_name():
    model = nn.ModuleDict({"body": nn.Linear(2, 2), "head": nn.Linear(2, 1)})
    groups = parameter_groups(model, 0.1, [GroupSection(["head"], 3.0), GroupSection(["head.bias"], 5.0)])
    found = {id(p): (g["lr_factor"], g["weight_decay"]) for g in groups for p in g["params"]}
    assert found[id(model["body"].weight)] == (1.0, 0.1) and found[id(model["body"].bias)] == (1.0, 0.0)
    assert found[id(model["head"].weight)] == (3.0, 0.1) and found[id(model["head"].bias)] == (5.0, 0.0)
    with pytest.raises(ValueError, match="haed"):
        parameter_groups(model, 0.1, [GroupSection(["haed"], 3.0)])


def test_the_weight_average_is_applied_and_taken_back():
    model = nn.Linear(1, 1, bias=False)
    nn.init.constant_(model.weight, 0.0)
    average = WeightAverage(model, decay=0.9)
    nn.init.constant_(model.weight, 1.0)
    average.update()  # first decay is min(0.9, 1 / 10)
    with average.applied():
        assert model.weight.item() == pytest.approx(0.9)
    assert model.weight.item() == 1.0
    restored = WeightAverage(nn.Linear(1, 1, bias=False), decay=0.9)
    restored.load_state_dict(average.state_dict())
    assert torch.equal(restored.averages["weight"], average.averages["weight"]) and restored.updates == 1


def test_the_weight_average_returns_the_weights_after_an_error():
    model = nn.Linear(1, 1, bias=False)
    average = WeightAverage(model, decay=0.9)
    nn.init.constant_(model.weight, 3.0)
    with pytest.raises(KeyError), average.applied():
        raise KeyError
    assert model.weight.item() == 3.0
