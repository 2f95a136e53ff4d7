"""Tests of significance, against SciPy where it is installed, and against hand-worked numbers."""

import random

import pytest

from autogan.trials.significance import average_ranks, holm, mann_whitney


def test_mann_whitney_is_that_of_scipy() -> None:
    stats = pytest.importorskip("scipy.stats")
    stream = random.Random(0)
    for shift in (0.0, 0.2, 1.0):
        one = [round(stream.gauss(0, 1), 1) for _ in range(60)]  # with ties
        other = [round(stream.gauss(shift, 1), 1) for _ in range(50)]
        expected = stats.mannwhitneyu(one, other, method="asymptotic").pvalue
        assert mann_whitney(one, other) == pytest.approx(expected, rel=1e-9)
        assert average_ranks(one) == pytest.approx(list(stats.rankdata(one)))
    assert mann_whitney([1.0] * 20, [1.0] * 20) == 1


def test_holm_adjusts_for_the_number_of_comparisons() -> None:
    adjusted = holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.5})
    assert adjusted == pytest.approx({"a": 0.04, "b": 0.09, "c": 0.09, "d": 0.5})
    assert list(adjusted) == ["a", "b", "c", "d"]
    assert holm({}) == {}
