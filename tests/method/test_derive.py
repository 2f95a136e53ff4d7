"""The derivation: who wins, what is done again after an interruption, what becomes of failures."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from tiny import Listening, context_of, tiny

from autogan.basics.errors import Diverged, UserError
from autogan.files.storage import load_tensors
from autogan.method import derive as module
from autogan.method import train as training_module
from autogan.method.context import Context
from autogan.method.derive import derive, keep_as_winner, kept_derivation
from autogan.method.train import Training
from autogan.runs.folder import Run
from autogan.runs.outcomes import Candidate, Child, Validation
from autogan.runs.stopping import Stopped
from autogan.spaces.architecture import Architecture
from autogan.spaces.generator_file import load_generator
from autogan.spaces.networks import Generator

TEXTS = (
    "pre-batch-nearest/pre-batch-nearest+skip0",
    "post-none-bilinear+shortcut/pre-none-nearest",
    "pre-none-deconvolution/post-batch-bilinear",
    "post-instance-nearest/post-none-nearest+shortcut",
)
RANKING = [
    Child(Architecture.parse(text), 1, 1, "derive", 3.0 - number / 10, 0.1)
    for number, text in enumerate(TEXTS)
]


class Derivation:
    """One in a run of its own. `validations`: what each architecture of the ranking scores."""

    def __init__(
        self, folder: Path, patch: pytest.MonkeyPatch, *validations: Validation, **options: Any
    ) -> None:
        self.context = context_of(tiny(derive=options), folder)
        self.run = Run.create(folder / "run", self.context.settings)
        self.progress = Listening()
        self.trained: list[str] = []
        scores = dict(zip(TEXTS, validations, strict=False))

        def validation_of(generator: Generator, steps: int, context: Context) -> Validation:
            text = str(generator.architecture)
            self.trained.append(text)
            return replace(scores.get(text, scored(1.0, 1.0)), generator_steps=steps)

        patch.setattr(training_module, "validation_of", validation_of)

    def __call__(self, ranking: list[Child] = RANKING) -> list[Candidate]:
        return derive(ranking, self.context, self.run, self.progress)

    def written(self) -> dict[str, Any]:
        written: dict[str, Any] = json.loads((self.run.folder / "derive.json").read_text())
        return written

    def events(self, kind: str) -> list[dict[str, Any]]:
        lines = (self.run.folder / "log.jsonl").read_text().splitlines()
        return [line for line in map(json.loads, lines) if line["event"] == kind]


def scored(inception: float | None, frechet: float, spread: float = 0.5) -> Validation:
    return Validation(0, inception, frechet, spread)


def diverging(patch: pytest.MonkeyPatch, *names: str) -> None:
    """The trainings of these names go wrong for good."""
    whole = module.train

    def train(architecture: Architecture, steps: int, name: str, *rest: Any) -> Training:
        if name in names:
            raise Diverged(f"{name} went wrong.")
        return whole(architecture, steps, name, *rest)

    patch.setattr(module, "train", train)


def texts(candidates: list[Candidate]) -> list[str]:
    return [str(candidate.architecture) for candidate in candidates]


THREE = (scored(2.0, 30.0), scored(3.0, 20.0), scored(2.5, 10.0))


@pytest.mark.parametrize(
    ("metric", "order"),
    [("inception_score", [1, 2, 0]), ("frechet_distance", [2, 1, 0]), ("auto", [1, 2, 0])],
)
def test_the_winner_has_the_higher_inception_score_or_the_lower_distance(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, metric: str, order: list[int]
) -> None:
    derivation = Derivation(tmp_path, monkeypatch, *THREE, metric=metric)
    candidates = derivation()
    assert texts(candidates) == [TEXTS[number] for number in order]
    assert derivation.trained == list(TEXTS[:3])  # the best of the ranking, one after the other
    assert texts(candidates) != derivation.trained


def test_a_candidate_stands_for_its_best_validation_not_for_its_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that was best early beats one that is better now; its generator is that of then."""
    derivation = Derivation(tmp_path, monkeypatch, generator_steps=4)
    scores = {TEXTS[0]: {2: 1.0, 4: 2.0}, TEXTS[1]: {2: 3.0, 4: 1.5}, TEXTS[2]: {2: 1.0, 4: 1.0}}
    weights: dict[tuple[str, int], Any] = {}

    def validation_of(generator: Generator, steps: int, context: Context) -> Validation:
        text = str(generator.architecture)
        weights[text, steps] = generator.get_parameter("to_rgb.weight").detach().clone()
        return Validation(steps, scores[text][steps], 1.0, 0.5)

    monkeypatch.setattr(training_module, "validation_of", validation_of)
    winner, second, _ = derivation()
    assert [str(c.architecture) for c in (winner, second)] == [TEXTS[1], TEXTS[0]]
    assert (winner.validation.generator_steps, winner.validation.inception_score) == (2, 3.0)
    saved = load_generator(derivation.run.folder / winner.file).generator
    kept = saved.get_parameter("to_rgb.weight")
    assert kept.equal(weights[TEXTS[1], 2]) and not kept.equal(weights[TEXTS[1], 4])


@pytest.mark.parametrize("metric", ["inception_score", "frechet_distance"])
def test_the_collapsed_come_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, metric: str
) -> None:
    collapsed = scored(9.0, 0.1, spread=1e-5)
    derivation = Derivation(tmp_path, monkeypatch, THREE[0], collapsed, THREE[2], metric=metric)
    assert texts(derivation()) == [TEXTS[2], TEXTS[0], TEXTS[1]]
    collapses = [note for note in derivation.progress.notes if "has collapsed" in note]
    assert len(collapses) == 1 and TEXTS[1] in collapses[0]


def test_where_all_collapsed_the_best_is_taken_and_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    validations = [replace(validation, spread=1e-5) for validation in THREE]
    derivation = Derivation(tmp_path, monkeypatch, *validations)
    assert texts(derivation())[0] == TEXTS[1]
    assert "Every candidate collapsed" in derivation.progress.notes[-1]


def test_what_a_derivation_leaves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    derivation = Derivation(tmp_path, monkeypatch, *THREE)
    folder = derivation.run.folder
    derivation.run.checkpoints.save("ranking", {"kept": 1})
    candidates = derivation()
    for number, candidate in enumerate(sorted(candidates, key=lambda c: c.file)):
        assert candidate.file == f"candidates/{number}.safetensors"
        assert (candidate.shared_reward, candidate.generator_steps) == (RANKING[number].reward, 2)
        saved = load_generator(folder / candidate.file)
        assert saved.generator.architecture == candidate.architecture
        assert saved.origin["validation"] == asdict(candidate.validation)
        assert saved.origin["judge"] == "colours" and saved.origin["data"] == "noise"
    assert [c["architecture"] for c in derivation.written()["ranking"]] == list(TEXTS)
    assert [c["architecture"] for c in derivation.written()["candidates"]] == list(TEXTS[:3])
    assert [line["architecture"] for line in derivation.events("candidate")] == list(TEXTS[:3])
    parts = {file.stem[:-9] for file in (folder / "checkpoints").iterdir()}
    assert parts == {"derive"}  # of what has ended, nothing else is kept
    assert derivation.run.checkpoints.position("derive") == {"candidates": 3, "of": 4}
    winner = load_tensors(keep_as_winner(derivation.run, candidates[0]))
    assert winner[1] == load_tensors(folder / candidates[0].file)[1]
    assert winner[1]["architecture"] == TEXTS[1]


@pytest.mark.parametrize(
    ("options", "ranked", "steps", "trained"),
    [
        ({"top": 2}, 4, [2], 2),
        ({"top": 3}, 1, [2], 1),
        ({"top": 1, "generator_steps": None}, 4, [2, 4, 6], 1),  # the full budget
    ],
)
def test_how_many_are_trained_and_for_how_long(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: dict[str, Any],
    ranked: int,
    steps: list[int],
    trained: int,
) -> None:
    derivation = Derivation(tmp_path, monkeypatch, **options)
    candidates = derivation(RANKING[:ranked])
    assert len(candidates) == trained
    validated = [line["generator_steps"] for line in derivation.events("validation")]
    assert validated == steps * trained
    assert {candidate.generator_steps for candidate in candidates} == {steps[-1]}


def test_an_interrupted_derivation_is_taken_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "whole").mkdir()
    expected = Derivation(tmp_path / "whole", monkeypatch, *THREE)()
    derivation = Derivation(tmp_path, monkeypatch, *THREE)
    step = Training.step

    def interrupted(training: Training) -> bool:
        if training.name == "candidate-1":
            derivation.run.stopping.reason = "SIGTERM"
        return step(training)

    with monkeypatch.context() as patch, pytest.raises(Stopped):
        patch.setattr(Training, "step", interrupted)
        derivation()
    derivation.run.stopping.reason = None
    assert derivation.trained == [TEXTS[0]]
    kept = kept_derivation(derivation.run)
    assert kept is not None and kept.ranking == RANKING and kept.ended == 1
    position = derivation.run.checkpoints.position("candidate-1")
    assert position == {"step": 1}
    assert derivation([]) == expected  # the ranking that it was begun with counts
    assert derivation.trained == list(TEXTS[:3])
    costs = derivation.context.workload
    assert derivation.progress.skips == [costs.training(2), costs.training(1)]
    for candidate in expected:
        files = [root / "run" / candidate.file for root in (tmp_path / "whole", tmp_path)]
        one, other = (load_tensors(file)[0] for file in files)
        assert all(bool((one[name] == other[name]).all()) for name in one)


def test_a_derivation_that_has_ended_is_not_done_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    derivation = Derivation(tmp_path, monkeypatch, *THREE)
    first = derivation()
    derivation.run.checkpoints.save("candidate-2", {"left": "by a kill"})
    assert derivation() == first and len(derivation.trained) == 3
    assert derivation.run.checkpoints.load("candidate-2") is None


def test_a_failed_candidate_is_recorded_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    diverging(monkeypatch, "candidate-1")
    derivation = Derivation(tmp_path, monkeypatch, *THREE)
    assert texts(derivation()) == [TEXTS[2], TEXTS[0]]
    reward, reason = RANKING[1].reward, "candidate-1 went wrong."
    failed = {"architecture": TEXTS[1], "shared_reward": reward, "reason": reason}
    assert derivation.written()["failed"] == [failed]
    (line,) = derivation.events("failed")
    assert line["purpose"] == "candidate" and failed.items() <= line.items()
    assert f"Candidate {TEXTS[1]} is given up: {reason}" in derivation.progress.notes
    again = derivation()  # it has ended, too
    assert texts(again) == [TEXTS[2], TEXTS[0]] and len(derivation.trained) == 2
    files = {file.name for file in (derivation.run.folder / "candidates").iterdir()}
    assert files == {"0.safetensors", "2.safetensors"}


def test_where_all_failed_it_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    diverging(monkeypatch, *(f"candidate-{number}" for number in range(3)))
    derivation = Derivation(tmp_path, monkeypatch)
    for _ in range(2):  # going on with it finds the same
        with pytest.raises(
            UserError, match=r"every one of 3 candidates.*lower train\.learning_rate"
        ):
            derivation()
    assert len(derivation.written()["failed"]) == 3
