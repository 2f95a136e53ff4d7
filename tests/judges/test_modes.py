"""Kinds of images: found where they are, measured as counted, and missing only beyond chance."""

import math

import pytest
import torch
from torch import Tensor

from autogan.judges.modes import (
    EXAMPLES,
    MOST_CLUSTERS,
    find_clusters,
    hardly_ever,
    k_means,
    measure,
    nearest,
    probability_of_so_few,
)
from autogan.judges.values import Mode, Modes

CENTRES = torch.tensor([[0.0, 0.0], [0.0, 20.0], [100.0, 0.0], [100.0, 20.0]])
"""Two classes, far from each other, of two kinds."""


def images(counts: tuple[int, ...], seed: int = 0) -> tuple[Tensor, Tensor]:
    """Features around the centres, so many of each, and the kind of each; mixed."""
    stream = torch.Generator().manual_seed(seed)
    kinds = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
    kinds = kinds[torch.randperm(len(kinds), generator=stream)]
    return CENTRES[kinds] + torch.randn(len(kinds), 2, generator=stream), kinds


def mode(real: float, missing: bool) -> Mode:
    return Mode("", 0.0, real, missing, ())


def test_k_means_finds_the_centres_and_the_same_ones_every_time() -> None:
    features, kinds = images((300, 200, 100, 50))
    centres = k_means(features, 4)
    order = torch.cdist(CENTRES, centres).argmin(1)
    assert sorted(order.tolist()) == [0, 1, 2, 3]
    means = torch.stack([features[kinds == kind].mean(0) for kind in range(4)])
    torch.testing.assert_close(centres[order], means, atol=1e-3, rtol=0)
    assert torch.equal(order[kinds], nearest(features, centres))
    assert torch.equal(k_means(features, 4), centres)


def test_k_means_of_equal_features_makes_one_cluster_of_each_value() -> None:
    features = torch.tensor([[1.0, 2.0], [3.0, 4.0]]).repeat_interleave(10, 0)
    assert sorted(k_means(features, 5).tolist()) == [[1.0, 2.0], [3.0, 4.0]]


def test_a_cluster_of_too_few_is_dissolved() -> None:
    features, kinds = images((300, 200, 100, 9))
    assert len(k_means(features, 4, fewest=9)) == 4
    centres = k_means(features, 4, fewest=10)
    assert len(centres) == 3
    nearest_of_few = nearest(features[kinds == 3], centres)
    assert set(nearest_of_few.tolist()) == set(nearest(features[kinds == 2], centres).tolist())


def test_far_from_zero_the_nearest_centre_is_still_found() -> None:
    shift = torch.full((2,), 5e4)  # squares of it have no room for the differences in float32
    features, kinds = images((50, 50, 50, 50))
    assert torch.equal(nearest(features + shift, CENTRES + shift), kinds)


def test_clusters_lie_inside_the_classes_and_name_their_images() -> None:
    features, kinds = images((90, 90, 90, 90))
    numbers = 1000 + torch.arange(len(features))
    clusters = find_clusters(features, numbers, 20, kinds // 2, ("low", "high"))
    assert clusters is not None
    assert clusters.class_names == ("low",) * 2 + ("high",) * 2
    assert clusters.images == 360
    found = nearest(CENTRES, clusters.centres)
    for kind, place in enumerate(found.tolist()):
        assert clusters.class_names[place] == ("low", "high")[kind // 2]
        examples = torch.tensor(clusters.examples[place]) - 1000
        assert len(examples) == EXAMPLES and set(kinds[examples].tolist()) == {kind}
        distances = (features - clusters.centres[place]).norm(dim=1)
        assert torch.equal(distances[examples], distances.sort().values[:EXAMPLES])


def test_without_classes_the_clusters_are_of_all_images() -> None:
    features, _ = images((50, 50, 50, 50))
    clusters = find_clusters(features, torch.arange(200), 20)
    assert clusters is not None and set(clusters.class_names) == {""}
    assert sorted(nearest(CENTRES, clusters.centres).tolist()) == [0, 1, 2, 3]


def test_images_without_a_label_are_left_out() -> None:
    features, kinds = images((90, 90, 90, 90))
    labels = torch.where(kinds == 3, -1, kinds // 2)
    clusters = find_clusters(features, torch.arange(360), 100, labels, ("low", "high"))
    assert clusters is not None and clusters.images == 270
    shown = [number for examples in clusters.examples for number in examples]
    assert 3 not in kinds[shown].tolist()


@pytest.mark.parametrize(
    ("training", "held_out", "clusters"),
    [
        (79, 1000, 0),  # a cluster needs 40 training images
        (80, 1000, 2),
        (800, 9, 0),  # and 5 held-out ones
        (800, 10, 2),
        (800, 0, 0),
        (0, 10, 0),
        (4000, 4000, MOST_CLUSTERS),
    ],
)
def test_the_number_of_clusters_goes_by_the_number_of_images(
    training: int, held_out: int, clusters: int
) -> None:
    features = torch.randn(training, 3, generator=torch.Generator().manual_seed(1))
    found = find_clusters(features, torch.arange(training), held_out)
    count = len(found.centres) if found else 0
    assert count <= clusters and (count > clusters // 2) == bool(clusters)


def test_more_classes_than_clusters_are_not_divided() -> None:
    classes = MOST_CLUSTERS + 1
    features = torch.randn(classes * 10, 3, generator=torch.Generator().manual_seed(1))
    labels = torch.arange(len(features)) % classes
    names = [str(number) for number in range(classes)]
    assert find_clusters(features, torch.arange(len(features)), 9000, labels, names) is None


def test_shares_are_counted_and_a_left_out_kind_is_missing() -> None:
    features, kinds = images((90, 90, 90, 90))
    clusters = find_clusters(features, torch.arange(360), 20, kinds // 2, ("low", "high"))
    assert clusters is not None
    generated, _ = images((500, 300, 198, 2), seed=1)
    held_out, _ = images((30, 30, 20, 20), seed=2)
    modes = measure(clusters, generated, held_out)
    by_kind = [modes.modes[place] for place in nearest(CENTRES, clusters.centres).tolist()]
    assert [m.generated for m in by_kind] == [0.5, 0.3, 0.198, 0.002]
    assert [m.real for m in by_kind] == [0.3, 0.3, 0.2, 0.2]
    assert [m.missing for m in by_kind] == [False, False, False, True]
    assert [modes.modes[place] for place in modes.missing] == by_kind[3:]
    counted = (modes.clustered_images, modes.generated_images, modes.held_out_images)
    assert counted == (360, 1000, 100)


def test_real_images_miss_no_kind() -> None:
    """Drawn alike, 300 times: as good as never is a kind called missing."""
    features, kinds = images((200, 100, 60, 40))
    clusters = find_clusters(features, torch.arange(400), 60, kinds // 2, ("low", "high"))
    assert clusters is not None
    stream = torch.Generator().manual_seed(3)
    shares = torch.tensor([0.5, 0.25, 0.15, 0.1])
    missing = 0
    for _ in range(300):
        generated, held_out = (
            CENTRES[torch.multinomial(shares, count, replacement=True, generator=stream)]
            for count in (40, 60)
        )
        missing += bool(measure(clusters, generated, held_out).missing)
    assert missing <= 300 * 0.02


def test_so_few_by_chance_is_the_hypergeometric_probability() -> None:
    expected = sum(math.comb(40, k) * math.comb(10, 8 - k) for k in range(3)) / math.comb(50, 8)
    assert probability_of_so_few(2, 40, 6, 10) == pytest.approx(expected, rel=1e-9)
    assert probability_of_so_few(8, 40, 0, 10) == pytest.approx(1, rel=1e-9)
    assert probability_of_so_few(1, 10_000, 300, 10_000) < 1e-80  # nothing overflows


@pytest.mark.parametrize(
    ("made", "generated", "real", "held_out", "missing"),
    [
        (0, 1000, 10, 100, True),
        (9, 1000, 10, 100, True),
        (10, 1000, 10, 100, False),  # a tenth of the real share is enough
        (0, 1000, 1, 100, False),  # one real image is too few to say
        (0, 10, 10, 100, False),  # and so is the one generated image expected here
        (0, 1000, 0, 100, False),
        (0, 5, 0, 5, False),
    ],
)
def test_missing_is_less_than_a_tenth_and_no_accident(
    made: int, generated: int, real: int, held_out: int, missing: bool
) -> None:
    assert hardly_ever(made, generated, real, held_out, 1e-3) is missing


def test_missing_modes_come_with_the_most_frequent_first_and_as_json() -> None:
    modes = Modes((mode(0.1, True), mode(0.5, False), mode(0.4, True)), 100, 10, 20)
    assert modes.missing == [2, 0]
    content = modes.to_dict()
    assert content["held_out_images"] == 20 and content["modes"][1]["examples"] == []
    assert (
        Modes(tuple(Mode(**{**m, "examples": ()}) for m in content["modes"]), 100, 10, 20) == modes
    )
