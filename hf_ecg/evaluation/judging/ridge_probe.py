"""Linear regression of a number on the features of a frozen encoder, its strength chosen on validation only."""

from collections.abc import Sequence

import numpy as np

from .linear_probe import standardised

# Relative to the number of training rows, so that a share of them needs no other values.
PENALTIES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)


def ridge_probe(
    train_features,
    train_targets,
    validation_features,
    validation_targets,
    test_features,
    penalties: Sequence[float] = PENALTIES,
) -> np.ndarray:
    """Ridge regression on standardised features; the penalty with the least mean absolute error on validation.

    Args:
        train_features, validation_features, test_features: float (rows, hidden_size).
        train_targets, validation_targets: float (rows,); rows without a target (NaN) are left out.
        penalties: factors of the number of training rows; each is one strength of the ridge.

    Returns:
        float64 (test rows,), in the unit of the targets.

    Raises:
        ValueError: fewer than two training targets, no validation target, features that are not finite.

    Example:
        >>> import numpy as np
        >>> from hf_ecg.evaluation.judging.ridge_probe import ridge_probe
        >>> features = np.random.default_rng(0).normal(size=(60, 3))
        >>> ages = 50 + 10 * features[:, 0]
        >>> found = ridge_probe(features[:40], ages[:40], features[40:50], ages[40:50], features[50:])
        >>> bool(np.abs(found - ages[50:]).max() < 0.1)
        True
    """
    from sklearn.linear_model import Ridge

    rows = {"train": (train_features, train_targets), "validation": (validation_features, validation_targets)}
    known = {}
    for split, (features, targets) in rows.items():
        features, targets = np.asarray(features, dtype=np.float64), np.asarray(targets, dtype=np.float64)
        if len(features) != len(targets):
            raise ValueError(f"{split} has {len(features)} rows of features and {len(targets)} targets")
        finite = np.isfinite(targets)
        known[split] = features[finite], targets[finite]
    wanted = {"train": 2, "validation": 1}
    short = {split: len(targets) for split, (_, targets) in known.items() if len(targets) < wanted[split]}
    test = np.asarray(test_features, dtype=np.float64)
    if short:
        raise ValueError(f"rows that know the target are {short}, wanted at least {wanted}")
    if not all(np.isfinite(features).all() for features in (known["train"][0], known["validation"][0], test)):
        raise ValueError("features hold NaN or infinite values")
    targets = known["train"][1]
    features, validation, test = standardised(known["train"][0], known["validation"][0], test)
    best = None
    for penalty in sorted(penalties, reverse=True):
        model = Ridge(alpha=penalty * len(targets)).fit(features, targets)
        error = np.abs(model.predict(validation) - known["validation"][1]).mean()
        if best is None or error < best[0]:
            best = error, model
    return best[1].predict(test)
