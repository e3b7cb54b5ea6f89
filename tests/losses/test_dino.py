"""DINO's loss against a plain double loop in double precision, and the center that records share."""

import pytest
import torch

from hf_ecg.losses import dino_loss, moved_center


def given(rows=3, views=4, seen=2, size=5):
    generator = torch.Generator().manual_seed(0)
    made = [
        torch.randn(*shape, generator=generator, dtype=torch.float64)
        for shape in ((rows, views, size), (rows, seen, size))
    ]
    return *made, torch.randn(size, generator=generator, dtype=torch.float64) / 3


def loop(student, teacher, center, warm, cold):
    total, count = 0.0, 0
    for own, targets in zip(student, teacher.detach(), strict=True):
        for i, target in enumerate(targets):
            wanted = torch.exp((target - center) / cold)
            for v, view in enumerate(own):
                if i != v:
                    odds = torch.exp(view / warm)
                    total = total - ((wanted / wanted.sum()) * torch.log(odds / odds.sum())).sum()
                    count += 1
    return total / count


@pytest.mark.parametrize(("views", "seen"), [(4, 2), (2, 1), (2, 2), (3, 1)])
def test_it_is_the_mean_over_pairs_of_different_views(views, seen):
    student, teacher, center = given(views=views, seen=seen)
    warm = torch.tensor(0.3, dtype=torch.float64, requires_grad=True)
    student.requires_grad_()
    teacher.requires_grad_()
    found = dino_loss(student, teacher, center, warm, 0.2)
    gradients = torch.autograd.grad(found, (student, warm))
    wanted = loop(student, teacher, center, warm, 0.2)
    torch.testing.assert_close(found, wanted, rtol=1e-9, atol=0)
    for ours, theirs in zip(gradients, torch.autograd.grad(wanted, (student, warm)), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=1e-12)
    with pytest.raises(RuntimeError, match="not have been used"):
        torch.autograd.grad(dino_loss(student, teacher, center), teacher)


def test_a_view_is_not_compared_with_itself_and_records_may_come_in_any_order():
    student, teacher, center = given()
    other = student.clone()
    other[:, 0] += torch.randn(5, dtype=torch.float64)
    one, two = (dino_loss(views, teacher[:, :1], center) for views in (student, other))
    torch.testing.assert_close(one, two, rtol=1e-12, atol=0)
    torch.testing.assert_close(
        dino_loss(student.flip(0), teacher.flip(0), center), dino_loss(student, teacher, center)
    )
    # the center takes away what all outputs have alike
    shifted = dino_loss(student, teacher + 3 * center, 4 * center)
    torch.testing.assert_close(shifted, dino_loss(student, teacher, center), rtol=1e-9, atol=0)


def test_the_center_moves_towards_the_mean():
    center, made = torch.tensor([1.0, -2.0]), torch.tensor([[3.0, 0.0], [5.0, 2.0]])
    moved = moved_center(center, made.sum(0), len(made), 0.9)
    torch.testing.assert_close(moved, 0.9 * center + 0.1 * made.mean(0))
    assert torch.equal(moved_center(center, torch.zeros(2), 0), center)


def test_what_does_not_fit_is_refused():
    student, teacher, center = given()
    with pytest.raises(ValueError, match="of which the teacher has one at least"):
        dino_loss(student, student[..., :4], center)
    with pytest.raises(ValueError, match="two views or more"):
        dino_loss(student[:, :1], teacher[:, :1], center)
    with pytest.raises(ValueError, match="wanted 5 dimensions"):
        dino_loss(student, teacher, center[:4])
    with pytest.raises(ValueError, match="a temperature is 0, wanted above 0"):
        dino_loss(student, teacher, center, 0.1, 0.0)
