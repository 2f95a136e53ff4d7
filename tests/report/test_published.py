"""The published tables, and that own results stand only beside rows they share a protocol with."""

import json
from typing import Any

import pytest

from autogan.report.published import CIFAR10, ROWS, STL10, OwnResult, leaderboard
from autogan.runs.contents import Evaluated
from autogan.runs.outcomes import from_plain
from autogan.settings.protocols import PROTOCOLS

SCORES = {
    "inception_score": 8.5,
    "inception_score_std": 0.1,
    "frechet_distance": 13.0,
    "kernel_distance": None,
    "kernel_distance_std": None,
    "precision": None,
    "recall": None,
    "class_shares": [],
    "images": 50_000,
    "real_images": 50_000,
    "kernel_subset_size": 0,
    "manifold_images": 0,
    "judge": "inception-2015",
    "marks": [],
}


def result(**changes: Any) -> Evaluated:
    plain = {
        "judge": {"name": "inception-2015"},
        "protocol": {"name": "autogan-paper", "statistics": "computed"},
        "data": {"name": "CIFAR-10"},
        "image_size": 32,
        "parameters": 4_400_000,
        "scores": SCORES,
        **changes,
    }
    return from_plain(Evaluated, plain)


def test_figures_and_protocols_of_the_papers() -> None:
    assert len(ROWS) == 22 + 2 * 9
    (top,) = (row for row in ROWS if row.system == "AutoGAN top 1")
    assert (top.inception_score, top.inception_score_std, top.frechet_distance) == (
        8.55,
        0.10,
        12.42,
    )
    (stl,) = (row for row in ROWS if row.system == "AutoGAN")
    assert (stl.table, stl.inception_score, stl.frechet_distance) == (STL10, 9.16, 31.01)
    assert all(row.source and (row.inception_score or row.frechet_distance) for row in ROWS)
    assert {row.protocol for row in ROWS} - set(PROTOCOLS) == {"not stated"}
    assert (PROTOCOLS["autogan-paper"].images, PROTOCOLS["autogan-paper"].real) == (
        50_000,
        "training",
    )
    sngan = PROTOCOLS["sngan"]
    assert (sngan.images, sngan.real, sngan.real_images) == (5000, "held-out", 10_000)


def test_an_own_result_stands_in_the_order_of_its_table() -> None:
    groups, apart = leaderboard([OwnResult("runs/mine", result())])
    assert apart == {}
    (group,) = (g for g in groups if g.own)
    assert (group.table, group.protocol) == (CIFAR10, "autogan-paper")
    assert [row.system for row in group.rows] == [
        "AutoGAN top 1",
        "runs/mine",
        "AutoGAN top 2",
        "AutoGAN top 3",
    ]
    described = json.loads(json.dumps(group.to_dict()))
    assert [row["own"] for row in described["rows"]] == [False, True, False, False]
    assert described["rows"][1]["million_parameters"] == 4.4
    assert described["judge"] == "inception-2015"


def test_an_own_result_with_a_published_name_is_alone_ones_own() -> None:
    groups, _ = leaderboard([OwnResult("AutoGAN top 1", result())])
    (group,) = (g for g in groups if g.own)
    named = [row["own"] for row in group.to_dict()["rows"] if row["system"] == "AutoGAN top 1"]
    assert sorted(named) == [False, True]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"judge": {"name": "domain-12345678"}}, "its judge is domain-12345678"),
        ({"judge": {"name": "inception-unverified-12345678"}}, "its judge is inception-unverified"),
        ({"protocol": {"name": "quick", "statistics": "computed"}}, "its protocol, quick"),
        ({"protocol": {"name": "custom", "statistics": "computed"}}, "its protocol, custom"),
        ({"protocol": {"name": "not stated", "statistics": "computed"}}, "its protocol"),
        ({"data": {"name": "folder:CIFAR-10"}}, "folder:CIFAR-10 at 32 pixels"),
        ({"image_size": 48}, "CIFAR-10 at 48 pixels"),
    ],
)
def test_what_shares_no_row_stands_apart_and_is_told_why(changes: dict[str, Any], why: str) -> None:
    groups, apart = leaderboard([OwnResult("mine", result(**changes))])
    assert why in apart["mine"]
    assert not any(group.own for group in groups)


def test_a_result_without_a_distance_stands_after_those_with_one() -> None:
    scores = {**SCORES, "inception_score": 9.0, "frechet_distance": None}
    groups, _ = leaderboard([OwnResult("mine", result(scores=scores))])
    (group,) = (g for g in groups if g.own)
    assert group.rows[-1].system == "mine"
