"""A random walk in three leads of two records."""

import numpy as np
import pytest


@pytest.fixture
def signals():
    return np.random.default_rng(0).standard_normal((2, 3, 1000)).cumsum(-1)
