"""Kendall's τ."""

import numpy as np
import pytest
from scipy.stats import kendalltau

from autogan.trials.rank_correlation import kendall


def test_kendall_is_scipys_with_ties_too() -> None:
    stream = np.random.default_rng(0)
    one, other = stream.integers(0, 9, 50).astype(float), stream.normal(size=50)
    assert kendall(one, other) == pytest.approx(kendalltau(one, other).statistic)
    assert kendall([1, 2, 3, 4], [1, 2, 4, 3]) == pytest.approx(4 / 6)
    assert kendall(np.zeros(5), np.arange(5.0)) == 0
