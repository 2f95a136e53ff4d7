"""From a finished search to one architecture: the candidates that train best (paper section 3.3).

The best of the sampled candidates are trained from scratch, each with the same budget, and chosen by
their score on the validation latents; the final scores use other latents (see `evaluate`).
"""

import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from autogan.basics.errors import Diverged, UserError
from autogan.files.storage import written_aside
from autogan.method.context import Context
from autogan.method.search import Child, Search
from autogan.method.train import Validation, train
from autogan.progress.base import Progress
from autogan.runs.folder import Run
from autogan.spaces.architecture import Architecture
from autogan.spaces.generator_file import save_generator


@dataclass(frozen=True)
class Candidate:
    """An architecture of the final ranking that was trained from scratch.

    shared_reward: its score with the shared weights; validation: its best on the validation latents.
    file: its generator, relative to the run's folder.
    """

    architecture: str
    shared_reward: float
    generator_steps: int
    validation: Validation
    file: str


def derive(search: Search, context: Context, run: Run, progress: Progress) -> list[Candidate]:
    """Ranks and trains candidates; all that were trained, the winner first.

    Takes up a derivation that was interrupted: what is done already is not done again. A candidate
    whose training goes wrong is recorded as failed; one that makes a single image over and over
    comes after all others. Raises `UserError` where every candidate failed.
    """
    settings = context.settings.derive
    done = run.load_checkpoint("derive")
    if done is None:
        ranking = search.rank()
        search.write_architectures()
        done = {"ranking": [asdict(child) for child in ranking], "candidates": [], "failed": []}
        _keep(run, done)
    else:
        progress.skipped([context.work.candidates()])
    run.drop_checkpoints("ranking")
    run.write("derive.json", done)
    for number, child in enumerate(Child(**c) for c in done["ranking"][: settings.top]):
        if number < len(done["candidates"]) + len(done["failed"]):
            progress.skipped(context.work.training(_budget(context)))
            run.drop_checkpoints(f"candidate-{number}")  # left by a kill just before they went
            continue
        try:
            candidate = _train_candidate(number, child, context, run, progress)
            done["candidates"].append(asdict(candidate))
        except Diverged as error:
            done["failed"].append(_failed(child, error, run, progress))
        _keep(run, done)
        run.drop_checkpoints(f"candidate-{number}")
    candidates = [candidate_from_dict(c) for c in done["candidates"]]
    if not candidates:
        raise UserError(
            f"The training of every one of {len(done['failed'])} candidates went wrong; derive.json "
            "says how. Begin a new run with a lower train.learning_rate."
        )
    ordered = best_first(candidates, settings.metric)
    if ordered[0].validation.collapsed:
        progress.note(
            "Every candidate collapsed: it makes one image over and over. The best by its score is "
            "taken all the same; a longer training (train.generator_steps) may do better."
        )
    return ordered


def _budget(context: Context) -> int:
    settings = context.settings
    return settings.derive.generator_steps or settings.train.generator_steps


def _keep(run: Run, done: dict[str, Any]) -> None:
    position = {
        "candidates": len(done["candidates"]) + len(done["failed"]),
        "of": len(done["ranking"]),
    }
    run.save_checkpoint("derive", done, position)
    run.write("derive.json", done)


def _failed(child: Child, error: Diverged, run: Run, progress: Progress) -> dict[str, Any]:
    """What is recorded of a candidate whose training went wrong."""
    failed = {
        "architecture": child.architecture,
        "shared_reward": child.reward,
        "reason": str(error),
    }
    run.log("failed", purpose="candidate", **failed)
    progress.note(f"Candidate {child.architecture} is given up: {error}")
    return failed


def _train_candidate(
    number: int, child: Child, context: Context, run: Run, progress: Progress
) -> Candidate:
    steps = _budget(context)
    architecture = Architecture.parse(child.architecture)
    generator, training = train(architecture, steps, f"candidate-{number}", context, run, progress)
    assert training.best is not None
    file = f"candidates/{number}.safetensors"
    save_generator(
        run.folder / file, generator, generator.state_dict(), origin(context, training.best)
    )
    candidate = Candidate(child.architecture, child.reward, steps, training.best, file)
    run.log("candidate", **asdict(candidate))
    best = training.best
    inception = (
        "" if best.inception_score is None else f"inception score {best.inception_score:.3f}, "
    )
    collapsed = "; it has collapsed: it makes one image over and over" * best.collapsed
    progress.note(
        f"Candidate {number + 1}, {child.architecture}: {inception}Fréchet distance "
        f"{best.frechet_distance:.2f} on the validation latents{collapsed}"
    )
    return candidate


def best_first(candidates: list[Candidate], metric: str) -> list[Candidate]:
    """The candidates by what they validated to; those that have collapsed come last."""
    return sorted(candidates, key=lambda candidate: _preference(candidate, metric))


def _preference(candidate: Candidate, metric: str) -> tuple[bool, float]:
    """Smaller is better: what has not collapsed, then the metric."""
    value: float = getattr(candidate.validation, metric)
    return candidate.validation.collapsed, -value if metric == "inception_score" else value


def candidate_from_dict(fields: dict[str, Any]) -> Candidate:
    """A candidate as it stands in derive.json."""
    return Candidate(**{**fields, "validation": Validation(**fields["validation"])})


def origin(context: Context, validation: Validation) -> dict[str, Any]:
    """What a generator's file says about how it was made."""
    return {
        "data": context.data.name,
        "data_digest": context.data.digest,
        "judge": context.judge.name,
        "validation": asdict(validation),
        "settings": context.settings.model_dump(mode="json"),
    }


def keep_as_winner(run: Run, candidate: Candidate) -> Path:
    """Copies a candidate's generator to the run's generator.safetensors."""
    target = run.folder / "generator.safetensors"
    with written_aside(target) as aside:
        shutil.copyfile(run.folder / candidate.file, aside)
    return target
