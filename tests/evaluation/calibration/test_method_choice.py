"""Which method is taken: by patients whose maps have not seen them."""

import numpy as np

from hf_ecg.evaluation.calibration.method_choice import best_method, fit_maps, held_out_losses, log_loss
from hf_ecg.evaluation.calibration.probability_maps import ISOTONIC, METHODS, MULTI_LABEL, PLATT, probabilities


def test_a_map_that_learns_its_rows_by_heart_is_not_chosen():
    """Scores that say nothing: the freest map fits its own rows best, and other patients worst."""
    generator = np.random.default_rng(0)
    scores = generator.normal(size=(200, 2))
    labels = (generator.random((200, 2)) < 0.3).astype(int)
    own = {}
    for method in METHODS:
        found = probabilities(MULTI_LABEL, fit_maps(MULTI_LABEL, labels, scores, method, 5), scores)
        own[method] = log_loss(MULTI_LABEL, labels, found, [0, 1])
    assert best_method(own, "") == ISOTONIC
    others = held_out_losses(MULTI_LABEL, labels, scores, range(200), 5)
    assert best_method(others, "") == PLATT and others[ISOTONIC] > others[PLATT] + 0.01
    # rows of one patient are left out together
    twice = held_out_losses(MULTI_LABEL, np.repeat(labels, 2, 0), np.repeat(scores, 2, 0), np.repeat(range(200), 2), 5)
    assert twice[ISOTONIC] > twice[PLATT] + 0.01
