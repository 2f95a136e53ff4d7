"""The search, on random pixels and with a judge that only looks at colours."""

import json
import math
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from tiny import ColourJudge
from torch import Tensor

from autogan.basics.errors import Diverged, UserError
from autogan.device.compute import Compute
from autogan.files.storage import load_tree, save_tree
from autogan.gan.generation import generate
from autogan.images import DataSet, ImageSet
from autogan.judges import DomainJudge, Judgement, Reference
from autogan.method.context import Context
from autogan.method.dynamic_reset import LossWindow
from autogan.method.position import CONTROLLER, GROWTH, SHARED_TRAINING, Position
from autogan.method.ranking import Ranking
from autogan.method.search import Search
from autogan.progress.base import Progress
from autogan.runs.drive import drive
from autogan.runs.folder import Run
from autogan.runs.outcomes import Child
from autogan.runs.plan import Plan
from autogan.runs.workload import Workload
from autogan.settings.decided import decide_for_data
from autogan.settings.loading import settings_from_tree
from autogan.settings.sections import Settings
from autogan.spaces import search_space
from autogan.spaces.architecture import Architecture
from autogan.strategies import STRATEGIES
from autogan.testing.checks import equal_trees


def settings(every_minutes: float = 10, conditional: str = "never", **search: Any) -> Settings:
    tree = {
        "checkpoint_every_minutes": every_minutes,
        "log_every_steps": 2,
        "data": {"image_size": 16},
        "network": {"latent_size": 16, "conditional": conditional},
        "compute": {"device": "cpu", "precision": "float32"},
        "search": {
            "stage_weights": [1, 1],
            "iterations": 2,
            "generator_channels": 8,
            "discriminator_channels": 8,
            "generator_batch": 4,
            "discriminator_batch": 4,
            "discriminator_steps": 2,
            "shared_epochs": 0.5,
            "controller_steps": 2,
            "reward_images": 20,
            "candidates": 4,
            "beams": 2,
            "controller": {"samples_per_step": 2},
            **search,
        },
        "evaluate": {"inception_splits": 1},
    }
    return settings_from_tree(tree)


def images(seed: int, unlabelled: int = 0) -> ImageSet:
    stream = torch.Generator().manual_seed(seed)
    pixels = torch.randint(0, 256, (32, 3, 16, 16), generator=stream, dtype=torch.uint8)
    labels = torch.arange(32) % 3
    labels[:unlabelled] = -1
    return ImageSet(pixels, labels)


def make(
    folder: Path, name: str = "run", layout: str = "auto", unlabelled: int = 0, **search: Any
) -> Search:
    chosen = decide_for_data(
        settings(**search), "noise", has_classes=True, judge_knows_classes=True
    )
    data = DataSet(
        "noise",
        "x" * 64,
        ("a", "b", "c"),
        images(0, unlabelled),
        images(1),
        cache_directory=folder / "cache",
    )
    compute = Compute.resolve("cpu", "float32", layout)
    classes = data.classes if chosen.network.conditional == "always" else None
    workload = Workload(chosen, len(data.train), len(data.train), classes)
    context = Context(
        chosen,
        data,
        cast(DomainJudge, ColourJudge()),
        cast(Reference, None),
        compute,
        Plan.of(chosen, None, workload),
        workload,
        search_space("autogan", chosen.cells),
        classes,
    )
    return Search(context, Run.create(folder / name, chosen), Progress())


def searched(search: Search) -> Search:
    drive(search, search.run.keeper("search"))
    return search


def ranked(search: Search) -> list[Child]:
    drive(Ranking(search), search.run.keeper("ranking"))
    return search.ranking


def through(search: Search, phase: str) -> None:
    """Steps until a phase of the present iteration has ended."""
    while search.at.phase == phase and not (
        search._shared_training_has_ended()
        if phase == SHARED_TRAINING
        else search.at.step >= search.options.controller_steps
    ):
        search.step()
    following = {SHARED_TRAINING: CONTROLLER, CONTROLLER: GROWTH}[phase]
    search.at = Position(following, collapsed=search.at.collapsed)


def grown(search: Search) -> None:
    while not search.all_scored(lambda: search.distinct(search.options.candidates), "beam"):
        pass
    search.grow()
    search.at = Position()


def copied(tree: Any, path: Path) -> Any:
    save_tree(path, tree)
    return load_tree(path)


def filled(losses: list[float]) -> LossWindow:
    window = LossWindow(10, torch.device("cpu"))
    for loss in losses:
        window.add(torch.tensor(loss))
    return window


def test_the_window_fires_on_a_constant_loss_and_only_when_it_is_full() -> None:
    assert not filled([2.0] * 9).collapsed(1e-3)
    assert not filled([0.0] * 9).collapsed(1e-3)  # what is not filled yet looks like this
    assert filled([2.0] * 10).collapsed(1e-3)
    assert filled([2.0] * 25).collapsed(1e-3)
    assert not filled([2.0, 1.0] * 5).collapsed(1e-3)
    assert not filled([2.0] * 10).collapsed(0)  # a threshold of 0 never resets


def test_the_window_looks_at_the_latest_losses_alone() -> None:
    assert filled([9.0, -3.0, 5.0] + [2.0] * 10).collapsed(1e-3)
    assert not filled([9.0, -3.0, 5.0] + [2.0] * 9).collapsed(1e-3)
    assert not filled([2.0] * 10 + [3.0]).collapsed(1e-3)


@pytest.mark.parametrize(("spread", "fires"), [(2e-3, False), (5e-4, True)])
def test_the_window_compares_the_standard_deviation(spread: float, fires: bool) -> None:
    """Of 2e-3 the variance is 4e-6, far below the threshold: a variance would fire."""
    assert filled([1 - spread, 1 + spread] * 5).collapsed(1e-3) is fires


def test_a_window_can_be_cleared_and_restored(tmp_path: Path) -> None:
    window = filled([2.0] * 15)
    restored = filled([1.0, 5.0])
    restored.load_state_dict(copied(window.state_dict(), tmp_path / "window"))
    assert restored.collapsed(1e-3)
    restored.add(torch.tensor(3.0))
    assert not restored.collapsed(1e-3) and window.collapsed(1e-3)
    window.clear()
    assert not window.collapsed(1e-3)
    for _ in range(9):
        window.add(torch.tensor(4.0))
    assert not window.collapsed(1e-3)
    window.add(torch.tensor(4.0))
    assert window.collapsed(1e-3)


def test_a_search_runs_to_its_end_and_remembers_every_child(tmp_path: Path) -> None:
    search = make(tmp_path)
    searched(search)
    assert search.iteration == 2 and search.stage == 1 and search.steps == 8
    expected = [(0, 0, "controller")] * 4 + [(0, 0, "beam")] * 4 + [(1, 1, "controller")] * 4
    assert [(c.stage, c.iteration, c.purpose) for c in search.children.history] == expected
    for child in search.children.history:
        assert len(child.architecture) == child.stage + 1
        assert 1 <= child.reward <= 3 and child.seconds >= 0
    assert len({child.reward for child in search.children.history}) > 4

    candidates = [child for child in search.children.history if child.purpose == "beam"]
    assert len({child.architecture for child in candidates}) == 4
    best = sorted(candidates, key=lambda child: child.reward, reverse=True)[:2]
    assert search.beams == [best]
    beams = [child.architecture for child in best]
    assert search.strategy.state_dict()["beams"] == [str(beam) for beam in beams]
    later = [c.architecture for c in search.children.history if c.stage == 1]
    assert all(architecture.prefix(1) in beams for architecture in later)
    written = search.run.read("architectures.json")
    assert [c["architecture"] for c in written["stages"][0]] == [str(beam) for beam in beams]
    assert [c["vector"] for c in written["stages"][0]] == [beam.to_vector() for beam in beams]

    more = ranked(search)
    assert [c.reward for c in more] == sorted((c.reward for c in more), reverse=True)
    assert len({c.architecture for c in more}) == len(more) == 10 and {c.purpose for c in more} == {
        "derive"
    }


@pytest.mark.parametrize(("weights", "stages"), [((1, 2), [0, 1, 1]), ((2, 1), [0, 0, 1])])
def test_growth_comes_at_its_iteration(
    tmp_path: Path, weights: tuple[int, int], stages: list[int]
) -> None:
    search = make(tmp_path, iterations=3, stage_weights=weights, controller_steps=1)
    searched(search)
    children = [c for c in search.children.history if c.purpose == "controller"]
    assert [c.stage for c in children[::2]] == stages
    assert [c.iteration for c in children[::2]] == [0, 1, 2]
    assert {c.iteration for c in search.children.history if c.purpose == "beam"} == {
        stages.index(1) - 1
    }
    assert search.batches.next().pixels.shape == (4, 3, 16, 16)


def test_a_stage_trains_on_images_of_its_own_size(tmp_path: Path) -> None:
    search = make(tmp_path)
    assert search.batches.next().pixels.shape == (4, 3, 8, 8)
    grown(search)
    assert search.batches.next().pixels.shape == (4, 3, 16, 16)


def test_a_reset_keeps_the_controller_and_draws_fresh_weights(tmp_path: Path) -> None:
    search = make(tmp_path, reset={"window": 2})
    through(search, SHARED_TRAINING)
    through(search, CONTROLLER)
    for window in (search.generator_losses, search.discriminator_losses):
        for _ in range(2):
            window.add(torch.tensor(1.0))
        assert window.collapsed(1e-3)
    strategy = copied(search.strategy.state_dict(), tmp_path / "strategy")
    weights = {n: v.clone() for n, v in search.gan.generator.state_dict().items()}
    discriminator = {n: v.clone() for n, v in search.gan.discriminator.state_dict().items()}
    history = list(search.children.history)
    search.reset()
    assert equal_trees(search.strategy.state_dict(), strategy)
    for network, before in (
        (search.gan.generator, weights),
        (search.gan.discriminator, discriminator),
    ):
        matrices = [n for n, p in network.named_parameters() if p.ndim > 1]
        now = network.state_dict()
        assert matrices and all(not torch.equal(now[n], before[n]) for n in matrices)
    assert not search.generator_losses.collapsed(1e-3)
    assert not search.discriminator_losses.collapsed(1e-3)
    assert search.children.history == history


def test_shared_training_stops_when_the_game_has_ended(tmp_path: Path) -> None:
    reset = {"window": 2, "threshold": 1e9}
    ended = make(tmp_path, shared_epochs=3, reset=reset)
    through(ended, SHARED_TRAINING)
    assert ended.at.collapsed and ended.steps == 10
    alive = make(tmp_path, "alive", shared_epochs=3, reset={**reset, "threshold": 0})
    through(alive, SHARED_TRAINING)
    assert not alive.at.collapsed and alive.steps == 24


def test_a_collapsed_game_is_reset_after_growth_and_never_at_the_very_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    search = make(tmp_path, iterations=3, stage_weights=[1, 2], controller_steps=1)
    seen: list[tuple[str, int]] = []
    for name in ("grow", "reset"):
        original = getattr(search, name)

        def noted(name: str = name, original: Any = original) -> None:
            seen.append((name, search.iteration))
            original()

        monkeypatch.setattr(search, name, noted)

    def collapse() -> None:
        search.at = Position("controller", collapsed=True)

    monkeypatch.setattr(search, "shared_training_step", collapse)
    searched(search)
    assert seen == [("grow", 0), ("reset", 0), ("reset", 1)]


def reward_of(search: Search, architecture: Architecture) -> float:
    child = search.score(architecture, "controller")
    assert child is not None
    return child.reward


@pytest.mark.parametrize("text", ["pre-batch-nearest", "post-none-deconvolution+shortcut"])
def test_scoring_neither_reads_nor_writes_running_statistics(tmp_path: Path, text: str) -> None:
    search = make(tmp_path)
    through(search, SHARED_TRAINING)
    architecture = Architecture.parse(text)
    generator = search.gan.generator
    latents = torch.randn(6, 16, generator=torch.Generator().manual_seed(0))
    state = copied(search.gan.state_dict(), tmp_path / "gan")
    reward = reward_of(search, architecture)
    after = search.gan.state_dict()
    assert equal_trees(after["generator"], state["generator"])
    assert not torch.equal(after["latents_generator"], state["latents_generator"])
    assert reward_of(search, architecture) != reward  # of other latents

    with_running = generate(generator, latents, search.compute, architecture)
    for name, value in state["generator"].items():
        if name.endswith("running_mean"):
            value.fill_(1e3)
        elif name.endswith("running_var"):
            value.fill_(1e-3)
    search.gan.load_state_dict(state)
    corrupted = generate(generator, latents, search.compute, architecture)
    assert not torch.equal(corrupted, with_running)
    assert reward_of(search, architecture) == reward


def test_a_schedule_of_the_search_counts_from_the_last_reset(tmp_path: Path) -> None:
    """Over the discriminator steps of all iterations; also after going on from a state."""
    schedule = {"learning_rate": "cosine"}
    shape = {"iterations": 2, "stage_weights": [1, 1], "shared_steps": 10, "shared_epochs": None}
    search = make(tmp_path, schedule=schedule, **shape)

    def rate() -> float:
        """Of the step that was done last, as a share of the first step's."""
        (group,) = search.gan.learners.discriminator.optimiser.param_groups
        return float(group["lr"]) / search.options.learning_rate

    def cosine(step: int) -> float:
        return (1 + math.cos(math.pi * step / 20)) / 2

    for step in range(4):
        search.shared_training_step()
        assert rate() == pytest.approx(cosine(step))
    search.reset()
    for step in range(3):
        search.shared_training_step()
        assert rate() == pytest.approx(cosine(step))
    state = copied(search.state_dict(), tmp_path / "state")
    search = make(tmp_path, "again", schedule=schedule, **shape)
    search.load_state_dict(state)
    search.shared_training_step()
    assert rate() == pytest.approx(cosine(3))
    del state["restarted_at"]  # as 0.1.0 kept it
    search.load_state_dict(state)
    search.shared_training_step()
    assert rate() == pytest.approx(cosine(7))


EVERYTHING = {
    "objective": {
        "loss": "relativistic-average",
        "slope_penalty": 0.1,
        "penalty_every_steps": 2,
        "spectral_norm": False,
    },
    "augmentation": ["shift", "cutout"],
    "mirror": True,
    "schedule": {"learning_rate": "cosine", "second_decay_rate_end": 0.95},
}


@pytest.mark.parametrize(
    ("layout", "game"),
    [
        ("channels-last", {}),
        ("contiguous", {}),
        ("channels-last", EVERYTHING),
        ("channels-last", {"conditional": "always"}),
        ("contiguous", {"conditional": "auto", "unlabelled": 20, **EVERYTHING}),
        *(("channels-last", {"strategy": name}) for name in STRATEGIES if name != "reinforce"),
    ],
)
def test_a_search_goes_on_from_every_step_as_if_never_interrupted(
    tmp_path: Path, layout: str, game: dict[str, Any]
) -> None:
    """Every state that is kept, at every step of every phase, leads to the same end."""
    shape = {"layout": layout, "iterations": 3, "stage_weights": [2, 1], "shared_steps": 3}
    shape |= {"shared_epochs": None, "controller_steps": 1, **game}
    whole = make(tmp_path, every_minutes=0, **shape)
    saved: list[Any] = []
    save_checkpoint = whole.run.checkpoints.save

    def save(part: str, state: dict[str, Any], position: dict[str, Any] | None = None) -> None:
        save_checkpoint(part, state, position)
        saved.append((part, copied(state, tmp_path / "state"), dict(position or {})))

    whole.run.checkpoints.save = save  # type: ignore[method-assign]
    searched(whole)
    ranked(whole)
    phases = [position["phase"] for _, _, position in saved]
    assert set(phases) == {"shared training", "controller", "growth", "ranking"}
    expected = timeless(whole.state_dict())
    for number, (part, state, _) in enumerate(saved):
        if number % 7 and number < len(saved) - 2:
            continue
        restored = make(tmp_path, f"from-{number}", **shape)
        restored.run.checkpoints.save(part, state)
        if part == "search":
            searched(restored)
        else:
            restored.load_state_dict(state)
        ranked(restored)
        assert equal_trees(timeless(restored.state_dict()), expected), phases[number]


def timeless(tree: Any) -> Any:
    """A tree without the seconds that children took."""
    if isinstance(tree, dict):
        return {key: timeless(value) for key, value in tree.items() if key != "seconds"}
    return [timeless(item) for item in tree] if isinstance(tree, list) else tree


def spoil(monkeypatch: pytest.MonkeyPatch, search: Search, calls: set[int] | None) -> None:
    """Makes the weights no finite numbers at these discriminator steps, None: at every one."""
    whole, count = search.gan.discriminator_step, 0

    def step(real_images: Tensor, architecture: Architecture) -> Tensor:
        nonlocal count
        loss = whole(real_images, architecture)
        if calls is None or count in calls:
            with torch.no_grad():
                next(search.gan.generator.parameters()).view(-1)[0] = float("nan")
            loss = loss * float("nan")
        count += 1
        return loss

    monkeypatch.setattr(search.gan, "discriminator_step", step)


def events(search: Search, kind: str) -> list[dict[str, Any]]:
    lines = (search.run.folder / "log.jsonl").read_text().splitlines()
    return [line for line in map(json.loads, lines) if line["event"] == kind]


@pytest.mark.parametrize("log_every", [1, 1000])
def test_training_that_went_wrong_goes_back_to_the_last_good_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, log_every: int
) -> None:
    """Noticed in the losses, or at the latest before a state is kept."""
    search = make(tmp_path, discriminator_steps=1)
    monkeypatch.setattr(
        search, "settings", search.settings.model_copy(update={"log_every_steps": log_every})
    )
    spoil(monkeypatch, search, {5})
    with pytest.warns(UserWarning, match="last good checkpoint"):
        searched(search)
    assert search.iteration == 2 and len(events(search, "rolled_back")) == 1
    assert all(bool(p.isfinite().all()) for p in search.gan.generator.parameters())
    losses = [line["step"] for line in events(search, "losses")]
    assert losses == sorted(set(losses))


def test_training_that_goes_wrong_again_and_again_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    search = make(tmp_path)
    spoil(monkeypatch, search, None)
    with (
        pytest.warns(UserWarning, match="attempt 3 of 3"),
        pytest.raises(Diverged, match=r"happened 4 times.*learning rate"),
    ):
        searched(search)
    kept = search.run.checkpoints.load("search")
    assert kept is not None
    search.load_state_dict(kept)
    search.refuse_non_finite()


def test_a_child_that_cannot_be_scored_is_recorded_and_the_search_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    search, calls = make(tmp_path), 0
    whole = search.scorer.reward

    def reward(judgement: Judgement) -> float:
        nonlocal calls
        calls += 1
        if calls in (2, 5):  # one of the controller's samples, one of the candidates
            raise FloatingPointError("its reward is nan")
        return whole(judgement)

    monkeypatch.setattr(search.scorer, "reward", reward)
    searched(search)
    failed = events(search, "failed")
    assert [line["purpose"] for line in failed] == ["controller", "beam"]
    assert len(search.children.history) == 10 and len(search.children.failures) == 2
    assert search.run.read("architectures.json")["failed"] == 2
    assert failed[1]["architecture"] not in {str(child.architecture) for child in search.beams[0]}


def test_a_search_of_which_no_candidate_can_be_scored_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    search = make(tmp_path)
    monkeypatch.setattr(
        search.scorer, "reward", lambda judgement: float("nan") / search.no_such_thing
    )
    with pytest.raises(AttributeError):  # a fault of ours is not taken for a child's
        searched(search)
    monkeypatch.setattr(search.scorer, "reward", lambda judgement: 1 / 0)
    with pytest.raises(UserError, match="None of 4 candidates could be scored"):
        searched(search)


def test_strategies_of_the_history_train_all_paths_alike(tmp_path: Path) -> None:
    """Also after they saw which architectures are better; and each path extends a beam."""
    search = make(tmp_path, strategy="local-search", iterations=3, stage_weights=[2, 1])
    trained: list[tuple[int, Architecture]] = []
    step = search.gan.discriminator_step

    def noted(real: Any, architecture: Architecture) -> Tensor:
        trained.append((search.stage, architecture))
        return step(real, architecture)

    search.gan.discriminator_step = noted  # type: ignore[method-assign]
    searched(search)
    assert len({a for stage, a in trained if stage == 0}) >= 6  # of 8 batches
    beams = [child.architecture for child in search.beams[0]]
    assert all(a.prefix(1) in beams for stage, a in trained if stage == 1)


def test_the_beams_are_among_the_best_that_a_strategy_of_the_history_saw(tmp_path: Path) -> None:
    """They are scored once more, as the weights have changed since."""
    search = make(tmp_path, strategy="evolution", candidates=2, beams=1, controller_steps=4)
    searched(search)
    seen = [c for c in search.children.history if c.stage == 0 and c.purpose == "controller"]
    best: dict[Architecture, None] = {}
    for child in sorted(seen, key=lambda child: -child.reward):
        best.setdefault(child.architecture)
    scored_again = [c.architecture for c in search.children.history if c.purpose == "beam"]
    assert scored_again == list(best)[:2]
