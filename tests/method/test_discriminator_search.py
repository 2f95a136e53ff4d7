"""The search of discriminators: after that of generators, or together with it."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from sources import split, write_folder
from tiny import Listening, context_of, tiny

from autogan.basics.errors import UserError
from autogan.files.storage import load_tensors
from autogan.method.pipeline import (
    prepare_run,
    run_derivation,
    run_everything,
    run_search,
    run_training,
)
from autogan.method.search import Search
from autogan.method.subject import Subject
from autogan.method.train import Training
from autogan.report.page import report_page
from autogan.runs.folder import Run
from autogan.runs.record import read_record
from autogan.runs.status import status_of
from autogan.runs.stopping import Stopped
from autogan.runs.task import Task
from autogan.settings.sections import Settings
from autogan.spaces import search_space
from autogan.spaces.architecture import Architecture
from autogan.spaces.around_generators import players
from autogan.spaces.block_discriminator import BlockDiscriminator
from autogan.spaces.generator_file import load_generator
from autogan.testing.checks import equal_trees
from autogan.verify import verify
from autogan.verify.recompute import recompute

GENERATOR = "autogan:post-batch-nearest+shortcut/pre-none-bilinear+skip0"


@pytest.fixture
def images(tmp_path: Path) -> Path:
    write_folder(split(40, 40), tmp_path / "pets")
    return tmp_path / "pets"


def settings(images: Path, how: str = "after", space: str = "modern", **changes: Any) -> Settings:
    search: dict[str, Any] = {"shared_epochs": None, "shared_steps": 4, "discriminator": how}
    if how != "fixed":
        search["probe_steps"] = 2
    search |= changes.pop("search", {})
    network = {"space": space, **changes.pop("network", {})}
    return tiny(data={"source": f"folder:{images}"}, search=search, network=network, **changes)


def whole_run(folder: Path, chosen: Settings) -> dict[str, Any]:
    run = Run.create(folder, chosen)
    results = run_everything(run, Listening())
    run.close()
    return results


def content(folder: Path, name: str) -> Any:
    return json.loads((folder / name).read_text())


def timeless(tree: Any) -> Any:
    """A tree without what depends on the clock, the memory and the folder."""
    if isinstance(tree, dict):
        left_out = ("seconds", "peak_memory_mib", "recompute")
        return {key: timeless(value) for key, value in tree.items() if key not in left_out}
    return [timeless(item) for item in tree] if isinstance(tree, list) else tree


@pytest.mark.parametrize("space", ["autogan", "modern"])
def test_after_the_generators_the_discriminators_of_the_best_one(
    images: Path, tmp_path: Path, space: str
) -> None:
    results = whole_run(tmp_path / "run", settings(images, space=space))
    found = content(tmp_path / "run", "architectures.json")
    best = found["ranking"][0]["architecture"]
    pairs = found["pairs"]["ranking"]
    assert len(found["pairs"]["stages"]) == 1 and found["pairs"]["scored"] > len(pairs)
    for child in pairs:
        assert str(players(Architecture.parse(child["architecture"]))[0]) == best
    assert len({child["architecture"] for child in pairs}) > 1
    assert results["architecture"] == best
    told = results["discriminator"]
    trained = [candidate["architecture"] for candidate in results["candidates"]]
    assert told["how"] == "after" and trained[0].endswith(f"~{told['architecture']}")
    saved = load_generator(tmp_path / "run" / "generator.safetensors")
    assert saved.origin["discriminator"] == told["architecture"]
    checked = verify(tmp_path / "run")
    assert checked.sound, checked.problems
    assert recompute(tmp_path / "run", Listening()) == []
    assert status_of(tmp_path / "run").part == "finished"
    page = (tmp_path / "run" / "report.html").read_text()
    for words in (
        "The discriminator that it was trained against",
        "It was searched after the generators",
        "Discriminators for the best generator, stage by stage",
        "Discriminators: reward of every child",
        "Discriminators: share of each option",
        told["architecture"],
    ):
        assert words in page, words
    identifiers = re.findall(r' id="([^"]+)"', page)
    assert len(set(identifiers)) == len(identifiers)


def test_together_a_pair_is_one_architecture(images: Path, tmp_path: Path) -> None:
    results = whole_run(tmp_path / "run", settings(images, "together"))
    found = content(tmp_path / "run", "architectures.json")
    assert "pairs" not in found
    pairs = [Architecture.parse(child["architecture"]) for child in found["ranking"]]
    assert all(pair in search_space("modern+discriminator", 2) for pair in pairs)
    assert len({players(pair)[0] for pair in pairs}) > 1
    assert len({players(pair)[1] for pair in pairs}) > 1
    assert results["discriminator"]["how"] == "together"
    assert results["architecture"].startswith("modern:")
    checked = verify(tmp_path / "run")
    assert checked.sound, checked.problems
    assert recompute(tmp_path / "run", Listening()) == []
    page = (tmp_path / "run" / "report.html").read_text()
    assert "It was searched together with the generator" in page
    assert "Discriminator attention" in page and "for the best generator" not in page


def stopped_after(kind: Any, steps: int, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run is asked to stop in a step of this kind of work, and stops."""
    step, count = kind.step, 0

    def stopping(work: Any) -> Any:
        nonlocal count
        if kind is not Search or work.subject.probes:
            count += 1
        if count == steps:
            run.stopping.reason = "SIGTERM"
        return step(work)

    with monkeypatch.context() as patch, pytest.raises(Stopped):
        patch.setattr(kind, "step", stopping)
        try:
            run_everything(run, Listening())
        finally:
            run.close()


@pytest.mark.parametrize("how", ["after", "together"])
def test_a_run_that_was_interrupted_ends_as_the_whole_one(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """Stopped in a step of shared training, inside a probe, and in the training of a candidate."""
    results = whole_run(tmp_path / "whole", settings(images, how))
    Run.create(tmp_path / "stopped", settings(images, how)).close()
    for kind, steps in ((Search, 2), (Search, 4), (Search, 6), (Training, 3)):
        stopped_after(kind, steps, Run.resume(tmp_path / "stopped"), monkeypatch)
    part = status_of(tmp_path / "stopped").part
    assert part == "derive"
    again = Run.resume(tmp_path / "stopped")
    assert timeless(run_everything(again, Listening())) == timeless(results)
    again.close()
    own, other = (
        load_tensors(tmp_path / name / "generator.safetensors")[0] for name in ("whole", "stopped")
    )
    assert equal_trees(own, other)
    whole, interrupted = (content(tmp_path / n, "architectures.json") for n in ("whole", "stopped"))
    assert timeless(whole) == timeless(interrupted)


def test_status_and_report_tell_of_the_search_for_discriminators(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run.create(tmp_path / "run", settings(images))
    stopped_after(Search, 4, run, monkeypatch)
    status = status_of(tmp_path / "run")
    assert status.part == "discriminator"
    assert status.position.startswith("iteration 1 of 2, stage 1 of 2")
    assert "for discriminators" in status.kept
    assert status.left == ["discriminator", "derive", "train", "evaluate"]
    assert status.share is not None and 0 < status.share < 1
    page = report_page(read_record(tmp_path / "run"))
    assert "discriminator: 0 of 2 iterations" in page


def test_a_search_and_its_derivation_find_what_one_run_finds(images: Path, tmp_path: Path) -> None:
    results = whole_run(tmp_path / "whole", settings(images))
    run = Run.create(tmp_path / "parts", settings(images), Task("search"))
    run_search(run, Listening())
    run.close()
    status = status_of(tmp_path / "parts")
    assert status.next_command is not None and status.next_command.startswith("autogan derive")
    run = Run.resume(tmp_path / "parts")
    candidates = run_derivation(run, Listening())
    run.close()
    assert [str(c.architecture) for c in candidates] == [
        candidate["architecture"] for candidate in results["candidates"]
    ]


def test_a_derivation_waits_for_the_search_for_discriminators(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run.create(tmp_path / "run", settings(images), Task("search"))
    stopped_after(Search, 4, run, monkeypatch)
    run = Run.resume(tmp_path / "run")
    with pytest.raises(UserError, match="has not ended"):
        run_derivation(run, Listening())
    run.close()


GAMES: dict[str, dict[str, Any]] = {
    "hinge": {},
    "penalties": {
        "objective": {
            "loss": "relativistic-pairing",
            "real_penalty": 1,
            "generated_penalty": 1,
            "penalty_every_steps": 3,
            "spectral_norm": False,
        },
    },
    "memory": {
        "objective": {"lecam_penalty": 0.3, "lecam_from_step": 0},
        "augmentation": ["colour", "shift"],
        "augmentation_probability": "adaptive",
        "augmentation_images": 100,
        "mirror": True,
    },
    "direction": {"objective": {"direction_head": True}},
    "slope": {"objective": {"loss": "wasserstein", "slope_penalty": 10, "spectral_norm": False}},
}


@pytest.mark.parametrize("game", GAMES)
@pytest.mark.parametrize("conditional", ["never", "always"])
def test_a_probe_changes_the_reward_and_nothing_else(
    tmp_path: Path, game: str, conditional: str
) -> None:
    """In every kind of game, of networks that are told classes and not."""
    if game == "direction" and conditional == "always":
        pytest.skip("a direction has no classes")
    chosen = tiny(
        search={**GAMES[game], "discriminator": "together", "probe_steps": 2},
        network={"conditional": conditional},
    )
    run = Run.create(tmp_path / "run", chosen)
    unlabelled = 9 if conditional == "always" else 0
    context = context_of(chosen, tmp_path, unlabelled=unlabelled)
    search = Search(context, run, Listening(), Subject.first(context))
    for _ in range(4):
        search.shared_training_step()
    first, second = search._propose(2)
    before = _stored(search)
    rewards = [search.scorer.score(pair) for pair in (first, second, first)]
    assert equal_trees(before, _stored(search))
    assert rewards[0] == rewards[2], "from one state a pair has one reward"
    probe, search.scorer.probe = search.scorer.probe, None
    latents = search.gan.streams.latents.state()
    unprobed = search.scorer.score(first)
    search.gan.streams.latents.set_state(latents)
    search.scorer.probe = probe
    assert unprobed != rewards[0], "the probe trained nothing"
    search.shared_training_step()
    assert not equal_trees(before, _stored(search))
    run.close()


def _stored(search: Search) -> Any:
    """The state as a checkpoint would have it, with tensors of its own."""
    return _copied({"gan": search.gan.state_dict(), "batches": search.batches.state_dict()})


def _copied(tree: Any) -> Any:
    if isinstance(tree, torch.Tensor):
        return tree.clone()
    if isinstance(tree, dict):
        return {key: _copied(value) for key, value in tree.items()}
    return [_copied(value) for value in tree] if isinstance(tree, list | tuple) else tree


def test_a_probe_that_is_given_up_leaves_the_state_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = tiny(search={"discriminator": "together", "probe_steps": 3})
    run = Run.create(tmp_path / "run", chosen)
    context = context_of(chosen, tmp_path)
    search = Search(context, run, Listening(), Subject.first(context))
    search.shared_training_step()
    (pair,) = search._propose(1)
    before = _stored(search)
    step, count = search.gan.generator_step, 0

    def stopping(*given: Any) -> torch.Tensor:
        nonlocal count
        count += 1
        if count == 2:
            run.stopping.reason = "SIGTERM"
        return step(*given)

    monkeypatch.setattr(search.gan, "generator_step", stopping)
    with pytest.raises(Stopped) as stopped:
        search.scorer.score(pair)
    assert stopped.value.state_is_whole and count == 2
    assert equal_trees(before, _stored(search))
    run.close()


def test_one_architecture_is_trained_against_a_told_discriminator(
    images: Path, tmp_path: Path
) -> None:
    chosen = settings(
        images, "fixed", "autogan", network={"discriminator": "bottleneck/residual+half"}
    )
    run = Run.create(tmp_path / "run", chosen, Task("train", GENERATOR))
    results = run_training(run, Architecture.parse(GENERATOR), Listening())
    run.close()
    told = results["discriminator"]
    assert told["architecture"] == "bottleneck/residual+half" and told["how"] == "fixed"
    assert told["parameters"] > 0 and told["multiply_accumulates"] > 0
    assert "bottleneck/residual+half" in (tmp_path / "run" / "report.html").read_text()


def test_the_plain_discriminator_by_its_text_is_the_spaces_own(
    images: Path, tmp_path: Path
) -> None:
    """To the bit, in both spaces."""
    for space in ("autogan", "modern"):
        states = []
        for told in (None, "residual/residual"):
            chosen = settings(images, "fixed", space, network={"discriminator": told})
            folder = tmp_path / f"{space}-{told is None}"
            whole_run(folder, chosen)
            states.append(load_tensors(folder / "generator.safetensors")[0])
        assert equal_trees(*states)


def test_a_search_with_a_told_discriminator_trains_it(tmp_path: Path) -> None:
    chosen = tiny(network={"discriminator": "residual/bottleneck+softmax/deviation"})
    run = Run.create(tmp_path / "run", chosen)
    context = context_of(chosen, tmp_path)
    search = Search(context, run, Listening())
    assert isinstance(search.gan.discriminator, BlockDiscriminator)
    search.shared_training_step()
    run.close()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"network": {"discriminator": "conv/conv"}},
            r"network\.discriminator: Cannot read 'conv'",
        ),
        (
            {"network": {"discriminator": "residual"}},
            "1 growing blocks, and the generator has 2 cells",
        ),
        (
            {
                "network": {"discriminator": "residual/residual/deviation"},
                "train": {"discriminator_batch": 6},
            },
            r"train\.discriminator_batch is 6.*multiple of 4",
        ),
        (
            {"search": {"discriminator": "after", "discriminator_batch": 6}},
            r"search\.discriminator_batch is 6.*multiple of 4",
        ),
        (
            {"search": {"discriminator": "after", "generator_batch": 6}},
            r"search\.generator_batch is 6.*multiple of 4",
        ),
    ],
)
def test_what_cannot_be_is_refused_before_anything_begins(
    images: Path, tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    run = Run.create(tmp_path / "run", settings(images, "fixed", **changes))
    with pytest.raises(UserError, match=message):
        run_everything(run, Listening())
    run.close()


def test_a_search_refuses_what_its_derivation_would_refuse(images: Path, tmp_path: Path) -> None:
    given = settings(images, "together", train={"discriminator_batch": 6})
    run = Run.create(tmp_path / "run", given, Task("search"))
    with pytest.raises(UserError, match=r"train\.discriminator_batch is 6.*multiple of 4"):
        prepare_run(run, Listening())
    run.close()
