"""Two gloo processes against one: the mean over processes is the whole batch's loss and gradient."""

import pytest
import torch

from hf_ecg.losses import gather_with_gradient, rank, world_size
from tests.losses import two_processes
from tests.processes import run_ranks


@pytest.fixture(scope="module")
def two_ranks(tmp_path_factory):
    folder = tmp_path_factory.mktemp("two_processes")
    run_ranks(two_processes.main, folder)
    return [torch.load(folder / f"rank{r}.pt") for r in range(2)]


@pytest.mark.distributed
@pytest.mark.parametrize("method", two_processes.METHODS)
@pytest.mark.parametrize("mode", ["negative", "mask", "positive"])
def test_two_processes_give_the_single_process_gradient(two_ranks, method, mode):
    wanted_loss, wanted = two_processes.run(method, mode, None)
    assert len(wanted) == (6 if method != "softmax" else 5)
    for saved in two_ranks:
        loss, gradients = saved["results"][method, mode]
        torch.testing.assert_close(loss, wanted_loss, rtol=1e-9, atol=0)
        for name, gradient in gradients.items():
            assert wanted[name].norm() > 0
            assert (gradient - wanted[name]).norm() <= 1e-6 * wanted[name].norm(), name


@pytest.mark.distributed
@pytest.mark.parametrize("case", two_processes.VIEW_CASES)
def test_two_processes_give_the_single_process_gradient_of_two_views(two_ranks, case):
    wanted_loss, wanted = two_processes.run_views(case, None)
    for saved in two_ranks:
        loss, gradients = saved["results"][case]
        torch.testing.assert_close(loss, wanted_loss, rtol=1e-9, atol=0)
        assert len(gradients) == 3
        for name, gradient in gradients.items():
            assert wanted[name].norm() > 0
            assert (gradient - wanted[name]).norm() <= 1e-6 * wanted[name].norm(), name


@pytest.mark.distributed
def test_integers_travel_and_unequal_rows_are_refused(two_ranks):
    for saved in two_ranks:
        assert saved["integers"].tolist() == [0, 10, 1, 11]
        assert "[2, 3] rows" in saved["unequal"]


def test_one_process_gathers_itself():
    tensor = torch.ones(3, 2, requires_grad=True)
    assert (world_size(), rank()) == (1, 0)
    assert gather_with_gradient(tensor) is tensor
