"""A search with shared weights within limits: proposed, kept and derived is only what keeps them."""

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny import context_of, tiny

from autogan.basics.errors import UserError
from autogan.method.ranking import Ranking
from autogan.method.search import Search
from autogan.method.within_limits import WithinLimits
from autogan.progress.base import Progress
from autogan.runs.drive import drive
from autogan.runs.folder import Run
from autogan.settings.limits import LimitSettings
from autogan.settings.sections import Settings
from autogan.spaces import search_space
from autogan.spaces.architecture import Architecture
from autogan.spaces.around_generators import players
from autogan.spaces.limits import Costs, Limits
from autogan.spaces.sizes import generator_size
from autogan.strategies import STRATEGIES, make_strategy
from autogan.strategies.base import Observation, Rung, Strategy

SPACE = search_space("autogan", 2)
SETTINGS = tiny()


def parameters(architecture: Architecture) -> int:
    """With the widths that train has."""
    channels = SETTINGS.train.generator_channels
    return generator_size(architecture, latent_size=16, channels=channels, bottom_size=4).parameters


def share(of: float) -> int:
    """So many parameters that this share of all architectures keeps them."""
    stream = random.Random(0)
    sizes = sorted(parameters(SPACE.sample(stream)) for _ in range(300))
    return sizes[int(of * len(sizes))]


def limits(**given: Any) -> Limits:
    return Limits(SPACE, LimitSettings(**given), Costs(SETTINGS, None, torch.device("cpu")))


def searched(folder: Path, settings: Settings) -> Search:
    run = Run.create(folder, settings)
    search = Search(context_of(settings, folder), run, Progress())
    drive(search, run.keeper("search"))
    drive(Ranking(search), run.keeper("ranking"))
    run.close()
    return search


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_strategy_searches_within_them(strategy: str, tmp_path: Path) -> None:
    limit = share(0.2)
    settings = tiny(search={"strategy": strategy, "limits": {"parameters": limit}})
    search = searched(tmp_path / "run", settings)
    allowed = limits(parameters=limit)
    assert len(search.children.history) > 6
    assert all(allowed.keeps(child.architecture) for child in search.children.history)
    whole = [child for child in search.children.history if child.stage == 1]
    assert max(parameters(child.architecture) for child in whole) <= limit
    assert search.ranking and search.beams[0]
    assert all(parameters(child.architecture) <= limit for child in search.ranking)


def test_of_pairs_the_generator_keeps_them(tmp_path: Path) -> None:
    limit = share(0.3)
    settings = tiny(search={"discriminator": "together", "limits": {"parameters": limit}})
    search = searched(tmp_path / "run", settings)
    generators = [players(child.architecture)[0] for child in search.ranking]
    assert generators and all(parameters(generator) <= limit for generator in generators)


def test_paths_are_trained_within_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trained = []
    step = Search._next_architecture

    def noting(search: Search) -> Architecture:
        trained.append(step(search))
        return trained[-1]

    monkeypatch.setattr(Search, "_next_architecture", noting)
    limit = share(0.2)
    searched(tmp_path / "run", tiny(search={"limits": {"parameters": limit}}))
    assert trained and all(map(limits(parameters=limit).keeps, trained))


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_without_limits_the_same_is_drawn(strategy: str) -> None:
    one, other = (make_strategy(tiny(search={"strategy": strategy}).search, SPACE, 5) for _ in "ab")
    within, rung = WithinLimits(other, limits(), 5, refuse), Rung(0)
    for _ in range(3):
        assert within.propose(3, rung, []) == one.propose(3, rung, [])
        assert within.candidates(2, rung, []) == one.candidates(2, rung, [])
        streams = random.Random(1), random.Random(1)
        assert within.propose_for_training(4, rung, [], streams[0]) == one.propose_for_training(
            4, rung, [], streams[1]
        )


def refuse(said: str) -> None:
    raise AssertionError(said)


def proposed(strategy: str, share_kept: float, count: int) -> list[Architecture]:
    """One after the other within a limit, scored by the number of parameters: fewer are better."""
    within = WithinLimits(
        make_strategy(tiny(search={"strategy": strategy}).search, SPACE, 5),
        limits(parameters=share(share_kept)),
        5,
        lambda said: None,
    )
    history: list[Observation] = []
    for _ in range(count):
        (architecture,) = within.propose(1, Rung(1), history)
        history.append(Observation(architecture, Rung(1), 5, (-float(parameters(architecture)),)))
    return [o.architecture for o in history]


@pytest.mark.parametrize("strategy", ["evolution", "nsga2", "tpe", "random", "local-search"])
def test_what_was_drawn_after_refusals_is_not_drawn_again(strategy: str) -> None:
    """The next proposal once drew what the refused ones before it had led to."""
    drawn = proposed(strategy, 0.2, 8)
    assert len(set(drawn)) >= 7, drawn  # two uniform draws may be the same


def test_local_search_climbs_anew_after_an_optimum_whose_neighbours_are_beyond_the_limits() -> None:
    drawn = proposed("local-search", 0.3, 120)
    assert len(set(drawn)) == len(drawn)
    starts = [n for n, a in enumerate(drawn) if not any(_near(a, b) for b in drawn[:n])]
    assert len(starts) > 2
    after = starts[2:-1]
    followed = [n for n in after if n + 1 < len(drawn) and _near(drawn[n + 1], drawn[n])]
    assert followed == after, "a start that is not better than the optimum before is climbed from"


def _near(one: Architecture, other: Architecture) -> bool:
    pairs = zip(one.taken, other.taken, strict=True)
    return sum(a != b for s, t in pairs for a, b in zip(s, t, strict=True)) == 1


class Stubborn(Strategy):
    """Proposes one large architecture again and again."""

    asked = 0
    large = Architecture.parse(
        "post-batch-deconvolution+shortcut/post-none-deconvolution+shortcut+skip0"
    )

    def propose(self, count: int, rung: Rung, history: Sequence[Observation]) -> list[Architecture]:
        self.asked += 1
        return [self.large] * count


def test_a_strategy_that_proposes_nothing_within_them_is_given_up_and_that_is_said() -> None:
    said: list[str] = []
    strategy, allowed = Stubborn(SPACE), limits(parameters=share(0.2))
    within = WithinLimits(strategy, allowed, 0, said.append)
    found = within.propose(3, Rung(1), [])
    assert strategy.asked == 50 and len(found) == 3 and all(map(allowed.keeps, found))
    assert within.candidates(3, Rung(1), []) and len(said) == 1
    assert "Hardly any proposal of the strategy keeps search.limits: after 50 tries" in said[0]
    assert within.propose(3, Rung(1), []) == found, "drawn anew from the same place of the search"


def test_where_hardly_anything_keeps_them_the_search_ends_and_says_so() -> None:
    within = WithinLimits(Stubborn(SPACE), limits(parameters=10), 0, lambda said: None)
    with pytest.raises(UserError, match=r"Hardly an architecture keeps search\.limits"):
        within.propose(1, Rung(1), [])


def test_a_search_within_them_that_was_interrupted_ends_as_the_whole_one(tmp_path: Path) -> None:
    settings = tiny(search={"limits": {"parameters": share(0.3)}})
    whole = searched(tmp_path / "whole", settings)
    run = Run.create(tmp_path / "cut", settings)
    search = Search(context_of(settings, tmp_path / "cut"), run, Progress())
    for _ in range(9):
        search.step()
    state = search.state_dict()
    again = Search(context_of(settings, tmp_path / "cut"), run, Progress())
    again.load_state_dict(state)
    while not again.done:
        again.step()
    rewards = [(child.architecture, child.reward) for child in again.children.history]
    expected = [(c.architecture, c.reward) for c in whole.children.history if c.purpose != "derive"]
    assert rewards == expected
    run.close()
