"""Each score against a closed form or an independent computation."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_fidelity.metric_isc import isc_features_to_metric
from torch_fidelity.metric_kid import kid_features_to_metric
from torch_fidelity.metric_prc import prc_features_to_metric

from autogan.basics.errors import UserError
from autogan.judges import (
    FeatureStatistics,
    frechet_distance,
    inception_score,
    kernel_distance,
    precision_recall,
)


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def moments(mean: list[float], covariance: list[list[float]]) -> FeatureStatistics:
    return FeatureStatistics.from_moments(1000, torch.tensor(mean), torch.tensor(covariance))


def test_inception_score_of_a_judge_that_cannot_tell_is_one() -> None:
    score = inception_score(torch.full((120, 6), 1 / 6))
    assert score.mean == pytest.approx(1.0, abs=1e-6)
    assert score.std == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("classes", [2, 7, 10])
def test_inception_score_of_balanced_certain_images_is_the_number_of_classes(classes: int) -> None:
    probabilities = torch.eye(classes).repeat(20, 1)
    score = inception_score(probabilities, splits=10)
    assert score.mean == pytest.approx(classes)
    assert score.std == pytest.approx(0.0, abs=1e-9)


def test_inception_splits_are_consecutive_and_their_spread_is_the_population_one() -> None:
    one_class = torch.eye(4)[[0]].repeat(8, 1)  # alone: 1
    two_classes = torch.eye(4)[[0, 1]].repeat(4, 1)  # alone: 2
    score = inception_score(torch.cat([one_class, two_classes]), splits=2)
    assert score.mean == pytest.approx(1.5)
    assert score.std == pytest.approx(0.5)
    together = inception_score(torch.cat([one_class, two_classes]), splits=1)
    marginal = np.array([12 / 16, 4 / 16])
    assert together.mean == pytest.approx(float(np.exp(-(marginal * np.log(marginal)).sum())))
    assert together.std == 0.0


def test_inception_score_against_numpy() -> None:
    p = torch.softmax(3 * normal(103, 5), dim=1)
    q = p.double().numpy()
    expected = []
    for i in range(4):
        part = q[i * 103 // 4 : (i + 1) * 103 // 4]
        kl = (part * (np.log(part) - np.log(part.mean(0)))).sum(1)
        expected.append(np.exp(kl.mean()))
    score = inception_score(p, splits=4)
    assert score.mean == pytest.approx(np.mean(expected), rel=1e-12)
    assert score.std == pytest.approx(np.std(expected), rel=1e-9)


def test_shuffled_splits_are_those_of_torch_fidelity() -> None:
    logits = 3 * normal(103, 5)
    theirs = isc_features_to_metric(logits, splits=4, shuffle=True, rng_seed=2020)
    probabilities = torch.softmax(logits, 1)
    ours = inception_score(probabilities, 4, shuffle_seed=2020)
    assert ours.mean == pytest.approx(theirs["inception_score_mean"], rel=1e-6)
    assert ours.std == pytest.approx(theirs["inception_score_std"], rel=1e-5)
    assert inception_score(probabilities, 4).std != pytest.approx(ours.std, rel=1e-3)


def test_inception_score_refuses_too_few_images() -> None:
    with pytest.raises(UserError, match="at least 100 images, not 99"):
        inception_score(torch.full((99, 10), 0.1), splits=10)
    # Of many classes, the 500 images a split of published scores are enough.
    with pytest.raises(UserError, match="at least 1000 images, not 999"):
        inception_score(torch.full((999, 1008), 1 / 1008), splits=2)
    assert inception_score(torch.full((1000, 1008), 1 / 1008), splits=2).mean == pytest.approx(1.0)
    with pytest.raises(UserError, match="NaN"):
        inception_score(torch.full((100, 10), float("nan")))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 40), min_size=1, max_size=6), st.integers(0, 2**31))
def test_statistics_in_batches_are_those_of_all_at_once(sizes: list[int], seed: int) -> None:
    features = normal(sum(sizes) + 5, 4, seed=seed) * 3 + 100
    statistics = FeatureStatistics(4)
    for part in torch.split(features, [*sizes, 5]):
        statistics.update(part)
    exact = features.double().numpy()
    assert statistics.count == len(features)
    np.testing.assert_allclose(statistics.mean.numpy(), exact.mean(0), rtol=1e-12)
    np.testing.assert_allclose(
        statistics.covariance.numpy(), np.cov(exact, rowvar=False), rtol=1e-9, atol=1e-10
    )


def test_frechet_distance_of_diagonal_gaussians() -> None:
    a = moments([0.0, 1.0, 2.0], torch.diag(torch.tensor([1.0, 4.0, 9.0])).tolist())
    b = moments([1.0, 1.0, 0.0], torch.diag(torch.tensor([4.0, 1.0, 0.25])).tolist())
    # |μa − μb|² + Σ (σa − σb)²
    assert frechet_distance(a, b) == pytest.approx(5 + 1 + 1 + 2.5**2, rel=1e-12)
    assert frechet_distance(b, a) == pytest.approx(frechet_distance(a, b), rel=1e-12)


def test_frechet_distance_of_covariances_that_do_not_commute() -> None:
    sigma_a, sigma_b = np.array([[2.0, 1.0], [1.0, 3.0]]), np.array([[1.0, -0.5], [-0.5, 4.0]])
    assert not np.allclose(sigma_a @ sigma_b, sigma_b @ sigma_a)
    # tr (M^½) of a 2×2 matrix of positive eigenvalues is sqrt(tr M + 2 sqrt(det M)).
    product = sigma_a @ sigma_b
    root_trace = np.sqrt(np.trace(product) + 2 * np.sqrt(np.linalg.det(product)))
    expected = 25 + np.trace(sigma_a) + np.trace(sigma_b) - 2 * root_trace
    a, b = moments([0.0, 0.0], sigma_a.tolist()), moments([3.0, 4.0], sigma_b.tolist())
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-12)


def test_frechet_distance_of_equal_statistics_is_zero_and_of_shifted_ones_the_square() -> None:
    features = normal(500, 16)
    same = FeatureStatistics.from_features(features)
    moved = FeatureStatistics.from_features(features + 0.5)
    assert frechet_distance(same, same) == pytest.approx(0.0, abs=1e-9)
    assert frechet_distance(same, moved) == pytest.approx(16 * 0.25, rel=1e-5)


def test_frechet_distance_refuses_few_images_and_non_finite_features() -> None:
    enough = FeatureStatistics.from_features(normal(9, 8))
    with pytest.raises(UserError, match=r"8 features needs at least 9 images .* not 8"):
        frechet_distance(enough, FeatureStatistics.from_features(normal(8, 8)))
    few = FeatureStatistics.from_features(normal(8, 8))
    assert frechet_distance(enough, few, allow_few=True) > 0
    broken = normal(20, 8)
    broken[3, 4] = float("inf")
    with pytest.raises(UserError, match="NaN or infinite"):
        frechet_distance(enough, FeatureStatistics.from_features(broken))


def test_kernel_distance_by_hand() -> None:
    a, b = torch.tensor([[0.0], [1.0]]), torch.tensor([[0.0], [2.0]])
    # k(x, y) = (x y + 1)³. Within a: k(0, 1) = 1; within b: k(0, 2) = 1;
    # between: (1 + 1 + 1 + 27) / 4 = 7.5. 1 + 1 − 2 · 7.5 = −13.
    score = kernel_distance(a, b, subsets=3, subset_size=2)
    assert score.mean == pytest.approx(-13.0)
    assert score.std == pytest.approx(0.0, abs=1e-12)


def test_kernel_distance_and_its_subsets_are_those_of_torch_fidelity() -> None:
    generated, real = normal(50, 16) + 0.3, normal(40, 16, seed=1)
    theirs = kid_features_to_metric(generated, real, kid_subsets=7, kid_subset_size=20)
    ours = kernel_distance(generated, real, subsets=7, subset_size=20)
    assert ours.mean == pytest.approx(theirs["kernel_inception_distance_mean"], rel=1e-4)
    assert ours.std == pytest.approx(theirs["kernel_inception_distance_std"], rel=1e-4)


def test_precision_and_recall_are_those_of_torch_fidelity() -> None:
    generated, real = normal(60, 4) * 0.8, normal(50, 4, seed=1)
    theirs = prc_features_to_metric(generated, real)
    precision, recall = precision_recall(real, generated)
    assert (precision, recall) == pytest.approx((theirs["precision"], theirs["recall"]), rel=1e-6)
    assert precision != recall


def test_kernel_distance_of_one_distribution_is_unbiased() -> None:
    values = [
        kernel_distance(
            normal(60, 4, seed=2 * i), normal(60, 4, seed=2 * i + 1), subsets=1, subset_size=60
        ).mean
        for i in range(300)
    ]
    error = np.std(values) / np.sqrt(len(values))
    assert abs(np.mean(values)) < 4 * error
    # A biased estimate would keep the diagonal: about mean k(x, x) · 2 / n = 0.7, far outside.
    assert 4 * error < 0.1
    moved = kernel_distance(normal(60, 4), normal(60, 4, seed=1) + 1, subsets=5, subset_size=50)
    assert moved.mean > 1.0


def test_kernel_distance_draws_from_its_seed_only_and_refuses_few_images() -> None:
    a, b = normal(40, 4), normal(50, 4, seed=1)
    state = torch.get_rng_state()
    first = kernel_distance(a, b, subsets=4, subset_size=20, seed=5)
    assert kernel_distance(a, b, subsets=4, subset_size=20, seed=5) == first
    assert kernel_distance(a, b, subsets=4, subset_size=20, seed=6) != first
    assert torch.equal(torch.get_rng_state(), state)
    with pytest.raises(UserError, match="at least 45 images on each side, not 40"):
        kernel_distance(a, b, subset_size=45)


def test_precision_and_recall_of_clusters() -> None:
    left, right = normal(40, 2), normal(40, 2, seed=1) + 100
    both = torch.cat([left, right])
    assert precision_recall(both, both) == (1.0, 1.0)
    # Generated images that copy one of two clusters: all good, half of the variety.
    assert precision_recall(both, left) == (1.0, 0.5)
    # Generated images of both, real ones of one.
    assert precision_recall(left, both) == (0.5, 1.0)
    assert precision_recall(left, right) == (0.0, 0.0)


def test_a_point_on_the_radius_lies_within_it() -> None:
    """Kynkäänniemi et al., equation 1: at most the distance, not less than it."""
    real, generated = torch.tensor([[0.0], [1.0], [2.0]]), torch.tensor([[3.0], [5.0], [7.0]])
    assert precision_recall(real, generated, neighbours=1) == pytest.approx((1 / 3, 2 / 3))


def test_precision_uses_the_radius_of_the_kth_neighbour() -> None:
    real = torch.tensor([[0.0], [1.0], [2.0]])
    generated = torch.tensor([[2.9], [3.1], [3.9], [4.1]])
    # k = 1: every radius is 1; k = 2: the radii are 2, 1 and 2.
    assert precision_recall(real, generated, neighbours=1)[0] == 0.25
    assert precision_recall(real, generated, neighbours=2)[0] == 0.75
    with pytest.raises(UserError, match="at least 4 images on each side, not 3"):
        precision_recall(real, generated, neighbours=3)
