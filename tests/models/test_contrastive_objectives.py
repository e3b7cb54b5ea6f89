"""Objectives of the contrastive model: each is its loss on what the model makes, and a teacher follows its student."""

import math

import pytest
import torch
from accelerate import Accelerator
from torch.nn import functional as F
from transformers import AutoModelForPreTraining, Trainer, TrainingArguments, set_seed

from hf_ecg import ECGForContrastivePreTraining
from hf_ecg.losses import (
    barlow_twins_loss,
    byol_loss,
    clocs_loss,
    moco_v3_loss,
    patient_contrastive_loss,
    simsiam_loss,
    three_kg_loss,
    vicreg_loss,
)
from hf_ecg.models.shared.momentum_teacher import MomentumTeacher, teacher_momentum
from hf_ecg.training import StepCallback
from hf_ecg.training.gradient_cache import cached_backward
from tests.models.tiny.ecg_contrastive import contrastive_config
from tests.models.tiny.inputs import views

PROJECTED = {"projection_dim": 8, "projection_hidden_size": 12}
PREDICTED = PROJECTED | {"predictor_hidden_size": 6}
IDS = torch.tensor([3, 5, 3, 7, 5])


def build(rows=5, **options):
    set_seed(0)
    inputs = {name: value for name, value in views(rows, torch.Generator()).items() if name != "risk"}
    return ECGForContrastivePreTraining(contrastive_config(**options)).eval(), inputs


def taught(**options):
    return build(loss_type="byol", **(PREDICTED | options))


def unit(*rows):
    return [F.normalize(one, dim=-1) for one in rows]


OBJECTIVES = {
    "byol": (PREDICTED, lambda o: byol_loss(o.predicted, o.second_predicted, o.targets, o.second_targets)),
    "simsiam": (PREDICTED, lambda o: simsiam_loss(o.predicted, o.second_predicted, o.projected, o.second_projected)),
    "moco_v3": (
        PREDICTED | {"temperature": 0.2},
        lambda o: moco_v3_loss(*unit(o.predicted, o.second_predicted, o.targets, o.second_targets), 0.2),
    ),
    "barlow_twins": (
        PROJECTED | {"redundancy_weight": 0.3},
        lambda o: barlow_twins_loss(o.projected, o.second_projected, redundancy_weight=0.3),
    ),
    "vicreg": (
        PROJECTED | {"invariance_weight": 2.0, "variance_weight": 3.0, "covariance_weight": 5.0},
        lambda o: vicreg_loss(
            o.projected, o.second_projected, invariance_weight=2.0, variance_weight=3.0, covariance_weight=5.0
        ),
    ),
    "three_kg": (
        PROJECTED | {"temperature": 0.1},
        lambda o: three_kg_loss(o.embeds, o.second_embeds, 0.1, patient_ids=IDS),
    ),
    "clocs": (
        PROJECTED | {"temperature": 0.1},
        lambda o: clocs_loss(torch.stack([o.embeds, o.second_embeds], 1), 0.1, patient_ids=IDS),
    ),
}


@pytest.mark.parametrize("name", OBJECTIVES)
def test_the_loss_is_the_pure_function_of_what_the_model_makes(name):
    options, wanted = OBJECTIVES[name]
    model, inputs = build(loss_type=name, **options)
    outputs = model(**inputs, patient_ids=IDS, return_loss=True)
    torch.testing.assert_close(outputs.loss, wanted(outputs))
    outputs.loss.backward()
    assert all(parameter.grad is not None for parameter in model.parameters() if parameter.requires_grad)


def test_targets_are_the_teachers_and_carry_no_gradient():
    model, inputs = taught()
    with torch.no_grad():
        for parameter in model.teacher.parameters():
            parameter.mul_(1.1)
    outputs = model(**inputs, return_loss=True)
    for name, values in (("input_values", outputs.targets), ("second_input_values", outputs.second_targets)):
        alone = model.teacher.projection(model.teacher.ecg_model(inputs[name]).pooler_output)
        torch.testing.assert_close(values, alone)
    assert not outputs.targets.requires_grad and not torch.allclose(outputs.targets, outputs.projected)
    outputs.loss.backward()
    assert all(p.grad is None and not p.requires_grad for p in model.teacher.parameters())


def same(model):
    students = [*model.ecg_model.parameters(), *model.projection.parameters()]
    teachers = [*model.teacher.ecg_model.parameters(), *model.teacher.projection.parameters()]
    return all(torch.equal(one, other) for one, other in zip(students, teachers, strict=True))


def test_the_teacher_begins_as_its_student_and_follows_by_the_step():
    model, _ = taught(teacher_momentum=0.9)
    assert same(model)
    with torch.no_grad():
        model.ecg_model.get_input_embeddings().weight.add_(1.0)
    assert not same(model)
    model.begin_training(total_steps=10)
    assert same(model)
    weight = model.ecg_model.get_input_embeddings().weight
    before = weight.detach().clone()
    with torch.no_grad():
        weight.add_(1.0)
    model.after_step(5)
    # halfway from 0.9 to 1
    own = model.teacher.ecg_model.get_input_embeddings().weight
    torch.testing.assert_close(own, before + 0.05)


def trained_by_trainer(folder, model, batch, callbacks, accumulated=1, steps=4, **options):
    settings = TrainingArguments(
        folder, max_steps=steps, gradient_accumulation_steps=accumulated, use_cpu=True, report_to=[],
        disable_tqdm=True, save_strategy="steps", save_steps=2, remove_unused_columns=False,
        per_device_train_batch_size=1,
    )  # fmt: skip
    trainer = Trainer(
        model, settings, train_dataset=[{}] * 16, data_collator=lambda rows: dict(batch), callbacks=callbacks
    )
    trainer.train(**options)
    return trainer.model


@pytest.mark.parametrize("callbacks", [[], [StepCallback()]])
@pytest.mark.parametrize("accumulated", [1, 4])
def test_a_training_that_does_not_tell_of_its_steps_is_told_once(tmp_path, caplog, callbacks, accumulated):
    model, inputs = taught(teacher_momentum=0.5, teacher_momentum_end=0.5)
    first = next(model.teacher.parameters()).clone()
    trained_by_trainer(tmp_path, model, inputs | {"return_loss": True}, callbacks, accumulated)
    told = [message for message in caplog.messages if "does not follow what is trained" in message]
    assert len(told) == (0 if callbacks else 1) and all("StepCallback()" in message for message in told)
    assert torch.equal(first, next(model.teacher.parameters())) == (not callbacks)


def test_a_teacher_goes_on_where_a_resumed_trainer_left_it(tmp_path):
    model, inputs = taught(teacher_momentum=0.9)
    batch = inputs | {"return_loss": True}
    whole = trained_by_trainer(tmp_path, model, batch, [StepCallback()])
    model, _ = taught(teacher_momentum=0.9)
    begun = str(tmp_path / "checkpoint-2")
    again = trained_by_trainer(tmp_path, model, batch, [StepCallback()], resume_from_checkpoint=begun)
    for name, value in whole.teacher.state_dict().items():
        torch.testing.assert_close(again.teacher.state_dict()[name], value, msg=name)
    assert again.total_steps == 4 and not same(again)


def test_without_a_known_length_the_momentum_stays():
    model, _ = taught(teacher_momentum=0.75)
    weight = model.ecg_model.get_input_embeddings().weight
    before = weight.detach().clone()
    with torch.no_grad():
        weight.add_(1.0)
    model.after_step(1000)
    torch.testing.assert_close(model.teacher.ecg_model.get_input_embeddings().weight, before + 0.25)


def test_the_schedule_is_half_a_cosine():
    momenta = [teacher_momentum(step, 100, 0.99) for step in range(100)]
    assert momenta == sorted(momenta) and momenta[0] == pytest.approx(0.99) and momenta[50] == pytest.approx(0.995)
    wanted = 1 - 0.01 * (math.cos(math.pi * 0.25) + 1) / 2
    assert momenta[25] == pytest.approx(wanted) and 1 - 1e-5 < momenta[-1] <= 1
    assert teacher_momentum(7, 100, 0.9, 0.9) == pytest.approx(0.9) and teacher_momentum(500, 100, 0.9) == 1.0


def test_the_statistics_of_a_norm_are_the_teachers_own():
    student = torch.nn.BatchNorm1d(2)
    teacher = MomentumTeacher({"norm": student})
    student(torch.randn(8, 2) + 5)
    teacher.follow({"norm": student}, momentum=0.0)
    assert not teacher.norm.running_mean.any()
    teacher.begin({"norm": student})
    assert torch.equal(teacher.norm.running_mean, student.running_mean)


def test_a_saved_teacher_is_as_it_was(tmp_path):
    model, inputs = taught()
    with torch.no_grad():
        for parameter in model.teacher.parameters():
            parameter.add_(0.1)
    model.save_pretrained(tmp_path)
    again = AutoModelForPreTraining.from_pretrained(tmp_path).eval()
    torch.testing.assert_close(again(**inputs).targets, model(**inputs).targets)


@pytest.mark.parametrize("loss_type", ["byol", "simsiam", "moco_v3", "barlow_twins"])
def test_cached_gradients_are_those_of_the_whole_batch(loss_type):
    model, inputs = build(4, loss_type=loss_type, **(PROJECTED if loss_type == "barlow_twins" else PREDICTED))
    model(**inputs, return_loss=True).loss.backward()
    wanted = {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}
    model.zero_grad()
    halves = [{name: value[part] for name, value in inputs.items()} for part in (slice(2), slice(2, None))]
    cached_backward(model, [half | {"return_loss": True} for half in halves], Accelerator(cpu=True))
    for name, gradient in wanted.items():
        torch.testing.assert_close(model.get_parameter(name).grad, gradient, rtol=1e-4, atol=1e-5)


def test_a_projection_has_the_layers_and_norms_that_it_is_asked_for():
    deep = {"projection_layers": 3, "projection_norm": "batch_norm", "projection_output_norm": "batch_norm"}
    model, inputs = build(loss_type="moco_v3", **(PREDICTED | deep))
    for projection in (model.projection, model.teacher.projection):
        kinds = [type(layer).__name__ for layer in projection]
        assert kinds == [*["Linear", "BatchNorm1d", "GELU"] * 2, "Linear", "BatchNorm1d"]
        assert not projection[-1].affine and projection[3].weight.shape == (12, 12)
    projected = torch.cat([model.train()(**inputs)[name] for name in ("projected", "second_projected")])
    torch.testing.assert_close(projected.mean(0), torch.zeros(8), atol=1e-5, rtol=0)


def test_several_further_views_of_a_record():
    model, inputs = build(loss_type="clocs", **PROJECTED)
    second = inputs["second_input_values"]
    third = second.flip(2)
    given = inputs | {"second_input_values": torch.stack([second, third], dim=1)}
    outputs = model(**given, patient_ids=IDS, return_loss=True)
    assert outputs.second_embeds.shape == (5, 2, 8)
    alone = [model(inputs["input_values"], second_input_values=one) for one in (second, third)]
    for place, one in enumerate(alone):
        torch.testing.assert_close(outputs.second_embeds[:, place], one.second_embeds)
    embeds = torch.cat([outputs.embeds[:, None], outputs.second_embeds], dim=1)
    torch.testing.assert_close(outputs.loss, clocs_loss(embeds, 0.07, patient_ids=IDS))
    model.config.compat_last_pair = True
    last = model(**given, patient_ids=IDS, return_loss=True).loss
    torch.testing.assert_close(last, clocs_loss(embeds, 0.07, patient_ids=IDS, compat_last_pair=True))
    other, _ = build(loss_type="info_nce", **PROJECTED)
    with pytest.raises(ValueError, match="'info_nce' takes one second view, given were 2"):
        other(**given, return_loss=True)


def test_a_detached_norm_changes_gradients_alone():
    found = []
    for detached in (False, True):
        model, inputs = build(loss_type="patient_contrastive", compat_detached_norm=detached, **PROJECTED)
        loss = model(**inputs, patient_ids=IDS, return_loss=True).loss
        loss.backward()
        found.append((loss.item(), model.projection[-1].weight.grad))
    assert found[0][0] == pytest.approx(found[1][0]) and not torch.allclose(found[0][1], found[1][1], rtol=1e-2)
    with torch.no_grad():
        outputs = model(**inputs)
    wanted = patient_contrastive_loss(outputs.embeds, outputs.second_embeds, 0.07, patient_ids=IDS)
    assert found[1][0] == pytest.approx(wanted.item())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"loss_type": "byol"}, "loss_type is 'byol' and predictor_hidden_size None, wanted a number"),
        ({"loss_type": "info_nce", "predictor_hidden_size": 8}, "predictor_hidden_size 8, wanted None"),
        (PREDICTED | {"loss_type": "byol", "teacher_momentum": 1.5}, "teacher_momentum is 1.5, wanted 0 to 1"),
        ({"redundancy_weight": -1.0}, "redundancy_weight is -1.0"),
        ({"projection_output_norm": "batch_norm"}, "without projection_dim"),
        ({"projection_dim": 8, "projection_layers": 3}, "without projection_hidden_size"),
        (PROJECTED | {"projection_layers": 1}, "projection_layers is 1, wanted at least 2"),
        (PROJECTED | {"projection_output_norm": "layer"}, "projection_output_norm is 'layer'"),
    ],
)
def test_impossible_objectives_are_refused(options, message):
    with pytest.raises(Exception, match=message):
        contrastive_config(**options)


@pytest.mark.parametrize("loss_type", ["clocs", "three_kg"])
def test_patients_are_asked_for(loss_type):
    model, inputs = build(loss_type=loss_type)
    with pytest.raises(ValueError, match=f"'{loss_type}' needs patient_ids.*method.options.patient_ids"):
        model(**inputs, return_loss=True)
