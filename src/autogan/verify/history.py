"""The story of a search against its outcome: children, beams, ranking, candidates, winner.

Each function yields a sentence for every contradiction.
"""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import torch

from autogan.images.classes import Classes
from autogan.runs.contents import Architectures, Derived, Searched
from autogan.runs.outcomes import Child, best_first, from_plain
from autogan.runs.plan import Plan
from autogan.runs.task import Task
from autogan.settings.sections import Settings
from autogan.spaces import search_space
from autogan.spaces.around_generators import players
from autogan.spaces.generator_file import SavedGenerator


def search_problems(
    settings: Settings, found: Searched, derived: Derived | None, children: list[Child]
) -> Iterator[str]:
    """architectures.json against the children in log.jsonl, in the order in which they were scored.

    found, children: of one search. derived: that went on with it.
    """
    beams = settings.search.beams
    for stage, kept in enumerate(found.stages):
        scored = [c for c in children if c.purpose == "beam" and c.stage == stage]
        if kept != _best(scored)[:beams]:
            yield (
                f"architectures.json: the beams of stage {stage} are not the best {beams} of the "
                f"{len(scored)} candidates that log.jsonl tells of"
            )
    known = [{child.architecture for child in kept} for kept in found.stages]
    for child in (*children, *(child for kept in found.stages for child in kept)):
        architecture = child.architecture
        if len(architecture) != child.stage + 1:
            yield f"{child.architecture} of stage {child.stage} has {len(architecture)} cells"
        elif 0 < child.stage <= len(known):
            if architecture.prefix(child.stage) not in known[child.stage - 1]:
                yield f"{child.architecture} extends no beam of stage {child.stage - 1}"
        elif child.stage > 0:
            yield f"{child.architecture} is of stage {child.stage}, but that has not begun"
    if found.ranking and found.ranking != _best([c for c in children if c.purpose == "derive"]):
        yield "architectures.json: the ranking is not that of the children in log.jsonl"
    if found.scored > len(children) or (found.ranking and found.scored != len(children)):
        yield (
            f"architectures.json: {found.scored} children were scored, log.jsonl tells of "
            f"{len(children)}"
        )
    if derived is not None and derived.ranking != found.ranking:
        yield "derive.json: the ranking is not that of architectures.json"


def state_problems(
    settings: Settings,
    state: dict[str, Any],
    found: Architectures | None,
    children: list[Child],
    classes: Classes | None,
) -> Iterator[str]:
    """The latest checkpoint of the search against settings, log and beams.

    classes: that the networks are told.
    """
    expected = _shared_shapes(settings, classes)
    weights = {name: tensor.shape for name, tensor in state["gan"]["generator"].items()}
    if weights != expected:
        yield "checkpoints: the shared weights are not of the size that config.yaml states"
    history = from_plain(list[Child], state["history"])
    if history != children[: len(history)]:
        yield "checkpoints: the history of the search is not that of log.jsonl"
    beams = from_plain(list[list[Child]], state["beams"])
    if found is not None and beams != found.stages[: len(beams)]:
        yield "checkpoints: the beams of the search are not those of architectures.json"


def candidate_problems(
    plan: Plan,
    derived: Derived,
    generators: dict[str, SavedGenerator],
    winner: SavedGenerator | None,
) -> Iterator[str]:
    """derive.json against the ranking, the candidates' files and the winner's."""
    ranked = {child.architecture: child.reward for child in derived.ranking}
    for candidate in derived.candidates:
        saved = generators.get(candidate.file)
        generator, discriminator = players(candidate.architecture)
        if saved is not None and saved.generator.architecture != generator:
            yield f"{candidate.file} is of another architecture than derive.json says"
        trained_against = saved.origin.get("discriminator") if saved is not None else None
        if saved is not None and discriminator and trained_against != str(discriminator):
            yield f"{candidate.file} was trained against another discriminator than derive.json says"
        if saved is not None and saved.origin.get("validation") != asdict(candidate.validation):
            yield f"{candidate.file} has another validation than derive.json says"
        if ranked.get(candidate.architecture) != candidate.shared_reward:
            yield f"derive.json: {candidate.file} is not in the ranking with that reward"
    if winner is None or derived.ended < plan.candidates(len(derived.ranking)):
        return
    metric = winner.origin["settings"]["derive"]["metric"]
    best = best_first(derived.candidates, metric)[0]
    if winner.generator.architecture != players(best.architecture)[0]:
        yield f"generator.safetensors is not of the best candidate, {best.architecture}, by {metric}"
    trained_once = best.generator_steps == plan.train_steps
    saved = generators.get(best.file)
    if trained_once and saved is not None and not _equal_weights(saved, winner):
        yield f"generator.safetensors does not hold the weights of the winner, {best.file}"


def training_problems(task: Task, winner: SavedGenerator) -> Iterator[str]:
    """The generator of a training against the architecture that the run was to train."""
    if task.architecture not in (None, str(winner.generator.architecture)):
        yield f"generator.safetensors is not of {task.architecture}, which config.yaml names"


def _best(children: list[Child]) -> list[Child]:
    """Best first; equal ones in the order in which they were scored, as the search sorts them."""
    return sorted(children, key=lambda child: -child.reward)


def _equal_weights(one: SavedGenerator, other: SavedGenerator) -> bool:
    first, second = one.generator.state_dict(), other.generator.state_dict()
    return first.keys() == second.keys() and all(
        torch.equal(first[name], second[name]) for name in first
    )


def _shared_shapes(settings: Settings, classes: Classes | None) -> dict[str, torch.Size]:
    with torch.device("meta"):
        generator = search_space(settings.network.space, settings.cells).generator(
            latent_size=settings.network.latent_size,
            channels=settings.search.generator_channels,
            bottom_size=settings.network.bottom_size,
            classes=classes,
        )
    return {name: tensor.shape for name, tensor in generator.state_dict().items()}
