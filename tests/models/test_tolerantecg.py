"""TolerantECG's training: its loss, its teachers and their centers. Needs no golden data."""

import pytest
import torch
from huggingface_hub.errors import StrictDataclassError
from transformers import set_seed

from hf_ecg import TolerantECGConfig, TolerantECGForPreTraining
from hf_ecg.losses import softmax_contrastive_loss
from hf_ecg.models.shared.roles import is_dual_encoder
from tests.losses.test_dino import loop
from tests.models import tolerantecg_ranks
from tests.models.tiny.tolerantecg import tolerantecg_config, with_views
from tests.processes import run_ranks


def build(**options):
    set_seed(0)
    return TolerantECGForPreTraining(tolerantecg_config(**options))


def batch(rows=4, seed=1, views=3):
    return with_views(rows, torch.Generator().manual_seed(seed), views)


def test_the_loss_is_twice_the_contrast_and_the_mean_over_both_kinds_of_views():
    model, inputs = build(), batch()
    model.distillation.centers.normal_()
    with torch.no_grad():
        outputs = model(**inputs, return_loss=True)
        pairs = softmax_contrastive_loss(outputs.ecg_embeds, outputs.text_embeds, model.logit_scale.exp())
        apart = [
            loop(
                outputs.student_views[:, kind],
                outputs.teacher_views[:, kind],
                model.distillation.centers[kind],
                0.1,
                0.07,
            )
            for kind in (0, 1)
        ]
    torch.testing.assert_close(outputs.loss, 2 * pairs + sum(apart) / 2, rtol=1e-5, atol=1e-5)
    weighed = build(pair_loss_weight=0.5, distillation_weight=3.0)
    weighed.load_state_dict(model.state_dict())
    torch.testing.assert_close(weighed(**inputs, return_loss=True).loss, 0.5 * pairs + 1.5 * sum(apart))


def test_teachers_see_the_first_views_and_heads_are_of_a_kind():
    model, inputs = build().eval(), batch()
    with torch.no_grad():
        before = model(**inputs)
        changed = dict(inputs, view_input_values=inputs["view_input_values"].clone())
        changed["view_input_values"][:, 0, 2] += 1
        after = model(**changed)
    assert before.teacher_views.shape == (4, 2, 2, 10) and torch.equal(after.teacher_views, before.teacher_views)
    same = (after.student_views == before.student_views).all(-1).all(0)
    assert same.tolist() == [[True, True, False], [True, True, True]]
    # at the beginning a teacher is its student
    torch.testing.assert_close(before.teacher_views, before.student_views[:, :, :2], atol=1e-5, rtol=1e-5)
    assert not torch.equal(model.distillation.heads["mask"].directions, model.distillation.heads["noise"].directions)


def test_teachers_and_centers_move_after_a_step_and_not_before():
    model = build(teacher_momentum=0.75, teacher_momentum_end=0.75).train()
    model.begin_training(10)
    head, teacher = model.distillation.heads["noise"], model.distillation.teachers["noise"]
    old = head.hidden.bias.detach().clone()
    made = [model(**batch(seed=seed)).teacher_views.sum((0, 2)) / 16 for seed in (1, 2)]  # two micro-batches
    with torch.no_grad():
        head.hidden.bias += 1
    assert torch.equal(teacher.head.hidden.bias, old) and not model.distillation.centers.any()
    model.after_step(0)
    torch.testing.assert_close(teacher.head.hidden.bias, old + 0.25)
    torch.testing.assert_close(model.distillation.centers, 0.1 * sum(made))
    before = model.distillation.centers.clone()
    model.eval()(**batch())
    model.after_step(1)
    assert torch.equal(model.distillation.centers, before)
    assert not any(one.requires_grad for one in model.distillation.teachers.parameters())


def test_temperatures_are_trained_where_the_released_code_trains_them():
    assert build().distillation.temperatures is None
    model = build(compat_trained_temperatures=True)
    assert model.distillation.temperatures.tolist() == pytest.approx([0.1, 0.1])
    model(**batch(), return_loss=True).loss.backward()
    assert (model.distillation.temperatures.grad.abs() > 0).all()


def test_gradients_over_micro_batches_are_those_of_the_whole_batch():
    model, inputs = build().eval(), batch()
    whole = model(**inputs, return_loss=True).loss
    parts = [{key: value[rows] for key, value in inputs.items()} for rows in (slice(0, 2), slice(2, 4))]
    found = [model.embed_batch(part) for part in parts]
    together = {name: torch.cat([one[name] for one in found]) for name in found[0]}
    torch.testing.assert_close(model.loss_on_embeddings(together, parts), whole)


@pytest.mark.distributed
def test_two_processes_share_centers_and_give_the_gradient_of_one(tmp_path):
    run_ranks(tolerantecg_ranks.main, tmp_path)
    wanted_loss, wanted, wanted_centers = tolerantecg_ranks.step(slice(None))
    for rank in (0, 1):
        loss, gradients, centers = torch.load(tmp_path / f"rank{rank}.pt")
        torch.testing.assert_close(loss, wanted_loss, rtol=1e-9, atol=0)
        torch.testing.assert_close(centers, wanted_centers, rtol=1e-5, atol=1e-7)
        assert wanted_centers.abs().max() > 0.01 and gradients.keys() == wanted.keys()
        for name, gradient in gradients.items():
            assert (gradient - wanted[name]).norm() <= 1e-6 * wanted[name].norm() + 1e-12, name


def test_without_teachers_it_is_the_contrast_with_texts_alone():
    model = build(teachers=[])
    assert is_dual_encoder(model) and model.distillation is None
    inputs = {key: value for key, value in batch().items() if not key.startswith("view_")}
    outputs = model(**inputs, return_loss=True)
    pairs = softmax_contrastive_loss(outputs.ecg_embeds, outputs.text_embeds, model.logit_scale.exp())
    torch.testing.assert_close(outputs.loss, 2 * pairs)
    with pytest.raises(ValueError, match="config.teachers names nobody"):
        model(**batch())


def test_what_does_not_fit_is_refused():
    model, inputs = build(), batch()
    for key, value, message in (
        ("view_input_values", None, "return_loss=True needs view_input_values"),
        ("view_input_values", inputs["view_input_values"][:, :1], r"wanted \(records, 2, views, leads, samples\)"),
        ("view_input_values", inputs["view_input_values"][:, :, :1], "2 views or more of each kind, mask, noise"),
        ("view_lead_mask", inputs["view_lead_mask"][..., :5], r"view_lead_mask has shape \(4, 2, 3, 5\)"),
        ("view_sample_mask", torch.ones(4, 160, dtype=torch.bool), r"view_sample_mask has shape \(4, 160\)"),
    ):
        with pytest.raises(ValueError, match=message):
            model(**(inputs | {key: value}), return_loss=True)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"teachers": ["mask", "mask"]}, "wanted different names"),
        ({"teachers": ["a.b"]}, "wanted different names such as 'mask'"),
        ({"student_temperature": 0}, "student_temperature is 0, wanted a number above 0"),
        ({"center_momentum": 1.5}, "center_momentum is 1.5, wanted 0 to 1"),
        ({"distillation_size": 0}, "distillation_size is 0"),
        ({"pair_loss_weight": -1}, "pair_loss_weight is -1"),
        ({"ecg_projection_type": "attention", "projection_dim": 16}, "projection_bias is false"),
    ],
)
def test_a_training_that_cannot_be_is_refused(values, message):
    with pytest.raises(StrictDataclassError, match=message):
        tolerantecg_config(**values)


def test_the_published_heads():
    config = TolerantECGConfig()
    with torch.device("meta"):
        model = TolerantECGForPreTraining(config)
    assert model.ecg_model.num_parameters() == 26_814_144
    assert sum(one.numel() for one in model.distillation.heads.parameters()) == 2 * (769 * 256 + 256 * 768)
    linear = model.text_projection[1].output
    assert linear.weight.shape == (768, 768) and linear.bias is None and model.ecg_projection.output.bias is None
