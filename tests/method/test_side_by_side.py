"""Children that several processes score: the same rewards as of one, and no loss when one dies."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from judges_elsewhere import Deadly, Faulty, Uneven
from sources import split, write_folder
from tiny import TINY, ColourJudge, context_of, tiny

from autogan.basics.errors import UserError
from autogan.device.compute import Compute
from autogan.judges import Judge
from autogan.method.ranking import Ranking
from autogan.method.search import Search
from autogan.method.side_by_side import SideBySide, scorers_of
from autogan.progress.base import Progress
from autogan.runs.drive import drive
from autogan.runs.folder import Run
from autogan.runs.stopping import Stopped
from autogan.settings.loading import merged, settings_from_tree, settings_to_yaml
from autogan.testing.checks import equal_trees


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Sums over other numbers of threads differ in their last digits."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def search_in(folder: Path, scorers: int, judge: Judge | None = None, **search: Any) -> Search:
    changes = {"search": {"scorers": scorers, **search}}
    conditional = search.pop("conditional", "never")
    changes["search"].pop("conditional", None)
    settings = tiny(network={"conditional": conditional}, **changes)
    context = replace(context_of(settings, folder.parent), judge=judge or ColourJudge())
    return Search(context, Run.create(folder, settings), Progress())


def found(search: Search) -> tuple[list[Any], dict[str, Any]]:
    """Every child, and all that the search knows at its end."""
    drive(search, search.run.keeper("search"))
    drive(Ranking(search), search.run.keeper("ranking"))
    search.scorer.close()
    search.run.close()
    children = [
        (child.architecture, child.stage, child.purpose, child.reward)
        for child in search.children.history
    ]
    state = search.state_dict()
    for name in ("history", "beams", "ranking", "at"):  # they tell seconds
        state.pop(name)
    return children, state


@pytest.mark.parametrize(
    "search",
    [
        {},
        {"reward": "frechet_distance", "strategy": "evolution"},
        {"conditional": "always", "controller": {"samples_per_step": 3}},
    ],
    ids=["reinforce", "distance", "classes"],
)
def test_the_rewards_are_those_of_one_process(search: dict[str, Any], tmp_path: Path) -> None:
    """To the bit, with two processes, one of which takes longer now and then."""
    children, state = found(search_in(tmp_path / "one", 1, Uneven(), **search))
    beside = search_in(tmp_path / "two", 2, Uneven(), **search)
    assert isinstance(beside.scorer, SideBySide)
    theirs, their_state = found(beside)
    assert theirs == children and len(children) > 8
    assert equal_trees(their_state, state)


def test_a_child_that_cannot_be_scored_changes_nothing_for_those_after_it(tmp_path: Path) -> None:
    """It draws fewer latents, so what was scored ahead from elsewhere is scored anew."""
    given = {"reward_images": 300}
    one = search_in(tmp_path / "one", 1, Uneven(wrong=True), **given)
    children, state = found(one)
    two = search_in(tmp_path / "two", 2, Uneven(wrong=True), **given)
    theirs, their_state = found(two)
    assert one.children.failures and two.children.failures == one.children.failures
    assert theirs == children and equal_trees(their_state, state)


def test_a_process_that_dies_ends_the_search_which_then_goes_on(tmp_path: Path) -> None:
    children, _ = found(search_in(tmp_path / "whole", 1))
    deadly = tmp_path / "deadly"
    search = at_the_first_children(search_in(tmp_path / "run", 2, Deadly(deadly)))
    keeper = search.run.keeper("search")
    keeper.keep(search)
    deadly.touch()
    with pytest.raises(UserError, match=r"died \(code 3\).*--resume"):
        drive(search, keeper)
    assert not search.children.history and not search.at.scored
    deadly.unlink()
    theirs, _ = found(search)
    assert theirs == children


def test_a_bug_in_a_process_is_no_child_that_failed(tmp_path: Path) -> None:
    search = search_in(tmp_path / "run", 2, Faulty())
    with pytest.raises(RuntimeError, match="a bug"):
        found(search)
    assert not search.children.failures


def test_a_request_to_stop_does_not_wait_for_them(tmp_path: Path) -> None:
    search = at_the_first_children(search_in(tmp_path / "run", 2))
    before = search.gan.streams.latents.state()
    search.run.stopping.reason = "SIGTERM"
    with pytest.raises(Stopped):
        search.step()
    assert not search.at.scored and torch.equal(search.gan.streams.latents.state(), before)
    search.run.close()


def test_a_round_of_one_child_needs_no_other_process(tmp_path: Path) -> None:
    alone = search_in(tmp_path / "run", 2, controller={"samples_per_step": 1})
    search = at_the_first_children(alone)
    search.step()
    assert len(search.at.scored) == 1 and not search.scorer._scorers._processes  # type: ignore[attr-defined]
    search.run.close()


def test_pairs_are_scored_here(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="scorers is 2, and pairs"):
        tiny(search={"scorers": 2, "discriminator": "together"})
    search = search_in(tmp_path / "run", 1, discriminator="together")
    assert not isinstance(search.scorer, SideBySide)
    search.run.close()


def test_as_many_as_there_are_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autogan.method.side_by_side.visible_gpus", lambda: ["0", "1", "5"])
    cpu = Compute.resolve("cpu")
    options = tiny().search
    assert scorers_of(options, cpu) == 1
    assert scorers_of(options, replace(cpu, device=torch.device("cuda"))) == 3
    other = replace(cpu, device=torch.device("cuda", 1))
    assert scorers_of(options, other) == 1
    with pytest.raises(UserError, match="names one GPU"):
        scorers_of(tiny(search={"scorers": 2}).search, other)


def at_the_first_children(search: Search) -> Search:
    """All of the first shared training is done."""
    while not search._shared_training_has_ended():
        search.shared_training_step()
    return search


def children_of(process: int) -> list[int]:
    return [
        int(child)
        for task in Path(f"/proc/{process}/task").iterdir()
        for child in (task / "children").read_text().split()
    ]


@pytest.mark.skipif("AUTOGAN_TORTURE" not in os.environ, reason="takes a while: make torture")
def test_ctrl_c_ends_all_of_them_and_the_search_goes_on_with_one(tmp_path: Path) -> None:
    """Pressed in a terminal, where it reaches every process."""
    images = write_folder(split(40, 40), tmp_path / "pets")
    changes = {
        "data": {"source": f"folder:{images}"},
        "search": {"scorers": 2, "iterations": 4, "reward_images": 600},
    }
    config = tmp_path / "config.yaml"
    config.write_text(settings_to_yaml(settings_from_tree(merged(TINY, changes))))
    command = [sys.executable, "-m", "autogan", "search", "--out", "run"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "AUTOGAN_CACHE": str(tmp_path / "cache")}
    begun = subprocess.Popen(
        [*command, "--config", str(config)],
        cwd=tmp_path, env=environment, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    log = tmp_path / "run" / "log.jsonl"
    latest = time.monotonic() + 200
    while begun.poll() is None and (not log.exists() or '"reward"' not in log.read_text()):
        assert time.monotonic() < latest
        time.sleep(0.05)
    beside = children_of(begun.pid)
    os.killpg(begun.pid, signal.SIGINT)
    _, said = begun.communicate(timeout=100)
    assert begun.returncode == 130 and "Traceback" not in said, said
    assert len(beside) >= 2
    latest = time.monotonic() + 30  # Python's tracker of resources ends a moment later
    while any(Path(f"/proc/{child}").exists() for child in beside):
        assert time.monotonic() < latest
        time.sleep(0.1)
    again = subprocess.run(
        [*command, "--resume", "--set", "search.scorers=1"],
        cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=250, check=False,
    )  # fmt: skip
    assert again.returncode == 0, again.stderr
