"""The reconstruction loss against plain loops."""

import math
import statistics

import pytest
import torch

from hf_ecg.losses import masked_reconstruction_loss


def made(rows=3, leads=2, patches=4, size=5):
    generator = torch.Generator().manual_seed(0)
    prediction, target = torch.randn(2, rows, leads, patches, size, generator=generator)
    return prediction, 3 * target + 1, torch.rand(rows, leads, patches, generator=generator) < 0.6


def loop(prediction, patches, judged, normalise):
    records = []
    for row in range(len(judged)):
        errors = []
        for place in judged[row].nonzero().tolist():
            wanted, found = (value[row][tuple(place)].tolist() for value in (patches, prediction))
            if normalise:
                mean, variance = statistics.mean(wanted), statistics.variance(wanted)
                wanted = [(value - mean) / math.sqrt(variance + 1e-6) for value in wanted]
            errors.append(statistics.mean((a - b) ** 2 for a, b in zip(found, wanted, strict=True)))
        records.append(statistics.mean(errors) if errors else 0.0)
    return statistics.mean(records)


@pytest.mark.parametrize("normalise", [True, False])
def test_equals_the_loop_over_patches(normalise):
    prediction, patches, judged = made()
    judged[1] = False
    found = masked_reconstruction_loss(prediction, patches, judged, normalise=normalise)
    assert found.item() == pytest.approx(loop(prediction, patches, judged, normalise), rel=1e-5)


def test_a_batch_in_parts_gives_the_loss_of_the_whole():
    prediction, patches, judged = made(rows=4)
    parts = [masked_reconstruction_loss(prediction[p], patches[p], judged[p]) for p in (slice(2), slice(2, 4))]
    torch.testing.assert_close(sum(parts) / 2, masked_reconstruction_loss(prediction, patches, judged))


def test_what_is_not_judged_may_be_anything():
    prediction, patches, judged = made()
    wanted = masked_reconstruction_loss(prediction, patches, judged)
    torch.testing.assert_close(
        masked_reconstruction_loss(prediction.masked_fill(~judged[..., None], math.nan), patches, judged), wanted
    )


def test_it_is_computed_in_single_precision_under_autocast():
    prediction, patches, judged = made()
    wanted = masked_reconstruction_loss(prediction.bfloat16().float(), patches, judged)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = masked_reconstruction_loss(prediction.bfloat16(), patches, judged)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, wanted)


def test_shapes_that_do_not_fit_are_refused():
    prediction, patches, judged = made()
    with pytest.raises(ValueError, match=r"shapes \(3, 2, 4, 5\), \(3, 2, 4, 5\), \(3, 2, 3\)"):
        masked_reconstruction_loss(prediction, patches, judged[..., :3])
    with pytest.raises(ValueError, match="one sample"):
        masked_reconstruction_loss(prediction[..., :1], patches[..., :1], judged)
