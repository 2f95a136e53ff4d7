"""Classes as a value: shares, counts, and their plain form."""

import json
from typing import Any

import pytest

from autogan.images.classes import Classes, classes_of

FRUIT = Classes(("apple", "pear", "plum"), (0.5, 0.3, 0.2))


@pytest.mark.parametrize(
    ("shares", "images", "counts"),
    [
        ((0.5, 0.3, 0.2), 10, (5, 3, 2)),
        ((0.5, 0.3, 0.2), 3, (1, 1, 1)),
        ((0.5, 0.3, 0.2), 1, (1, 0, 0)),
        ((1 / 3, 1 / 3, 1 / 3), 5, (2, 2, 1)),
        ((1.0, 0.0), 7, (7, 0)),
        ((0.1,) * 10, 50_000, (5000,) * 10),
    ],
)
def test_images_are_shared_by_the_largest_remainder(
    shares: tuple[float, ...], images: int, counts: tuple[int, ...]
) -> None:
    classes = Classes(tuple(map(str, range(len(shares)))), shares)
    assert classes.counts(images) == counts


@pytest.mark.parametrize("images", [1, 2, 7, 100, 12_345])
def test_every_image_gets_a_class(images: int) -> None:
    classes = classes_of("abcdefg", [3, 1, 4, 1, 5, 9, 2])
    assert classes is not None
    counts = classes.counts(images)
    assert sum(counts) == images
    exact = [images * share for share in classes.shares]
    assert all(abs(count - share) < 1 for count, share in zip(counts, exact, strict=True))


def test_one_class_is_none() -> None:
    assert classes_of(["a"], [3]) is None
    assert classes_of(["a", "b"], [3, 1], unlabelled=True) == Classes(
        ("a", "b"), (0.75, 0.25), True
    )


def test_they_are_read_back() -> None:
    assert Classes.from_plain(json.loads(json.dumps(FRUIT.to_plain()))) == FRUIT


@pytest.mark.parametrize(
    ("plain", "why"),
    [
        (None, "names and shares"),
        ([], "names and shares"),
        ({"names": ["a", "b"]}, "names and shares"),
        ({"names": ["a", "b"], "shares": [0.5, 0.5], "more": 1}, "names and shares"),
        ({"names": "ab", "shares": [0.5, 0.5]}, "two or more"),
        ({"names": ["a"], "shares": [1.0]}, "two or more"),
        ({"names": ["a", 1], "shares": [0.5, 0.5]}, "two or more"),
        ({"names": ["a", ""], "shares": [0.5, 0.5]}, "empty"),
        ({"names": ["a", "b" * 1001], "shares": [0.5, 0.5]}, "longer than 1,000"),
        ({"names": ["a", "a"], "shares": [0.5, 0.5]}, "twice"),
        ({"names": ["a", "b"], "shares": [0.5]}, "one number for each"),
        ({"names": ["a", "b"], "shares": [True, False]}, "one number for each"),
        ({"names": ["a", "b"], "shares": [1.5, -0.5]}, "from 0 to 1"),
        ({"names": ["a", "b"], "shares": [float("nan"), 0.5]}, "from 0 to 1"),
        ({"names": ["a", "b"], "shares": [0.5, 0.4]}, "add up"),
    ],
)
def test_anything_else_is_refused(plain: Any, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Classes.from_plain(plain)
