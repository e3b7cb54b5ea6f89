"""Burden, its interval over time, and episodes, against plain loops."""

import numpy as np
import pytest

from hf_ecg.evaluation.af_burden.burden import block_seconds_of, burden_interval, burden_of, find_episodes, longest

NAN = float("nan")


def test_burden_is_of_judged_time_and_windows_weigh_by_their_length():
    assert burden_of(np.array([1, 0, NAN, 1]), np.array([30, 30, 30, 15])) == pytest.approx(45 / 75)
    assert burden_of(np.array([NAN, NAN]), np.array([30.0, 30.0])) is None


def test_the_interval_is_that_of_a_plain_block_bootstrap():
    random = np.random.default_rng(1)
    af = np.repeat(random.integers(0, 2, 30), 8).astype(float)
    af[random.integers(0, len(af), 20)] = NAN
    seconds = np.full(len(af), 30.0)
    seconds[-1] = 12
    found = burden_interval(af, seconds, 600, 400, seed=5)
    starts = np.random.default_rng([5, 2]).integers(len(af), size=(400, len(af) // 20))
    drawn = []
    for row in starts:
        places = [(start + step) % len(af) for start in row for step in range(20)]
        drawn.append(burden_of(af[places], seconds[places]))
    assert found.value == burden_of(af, seconds)
    assert [found.low, found.high] == pytest.approx(np.quantile(drawn, [0.025, 0.975]))
    # AF comes and goes in blocks: single windows would claim to know more
    single = burden_interval(af, seconds, 30, 400, seed=5)
    assert found.high - found.low > 1.5 * (single.high - single.low)


def test_there_is_no_interval_where_nothing_varies():
    seconds = np.full(100, 30.0)
    for af in (np.zeros(100), np.ones(100)):
        found = burden_interval(af, seconds, 300, 100, seed=0)
        assert found.value == af[0] and found.low is found.high is None
    short = burden_interval(np.array([0.0, 1.0, 1.0]), seconds[:3], 300, 100, seed=0)
    assert short.value == pytest.approx(2 / 3) and short.low is None
    assert burden_interval(np.full(5, NAN), seconds[:5], 30, 10, seed=0).value is None
    assert block_seconds_of(86_400) == 3600 and block_seconds_of(1800) == 300


def test_episodes_bridge_what_is_not_judged_and_nothing_else():
    def of(states, gap=60.0):
        af = np.array(states, float)
        return find_episodes(af, 30.0 * np.arange(len(af)), np.full(len(af), 30.0), gap)

    found = of([0, 1, 1, NAN, 1, 0, 1, NAN, NAN, NAN, 1, NAN])
    assert [(one.start, one.end, one.gaps) for one in found] == [(30, 150, 30), (180, 210, 0), (300, 330, 0)]
    assert longest(found) == 120 and longest([]) == 0
    assert of([NAN, 1, NAN, 0, NAN, 1])[0].end == 60  # a window without AF ends it
    assert len(of([1, NAN, NAN, 1])) == 1 and len(of([1, NAN, NAN, 1], gap=30.0)) == 2
