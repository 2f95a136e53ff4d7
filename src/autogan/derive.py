"""From a finished search to one architecture: the candidates that train best (paper section 3.3).

The best of the sampled candidates are trained from scratch, each with the same budget, and chosen by
their score on the validation latents; the final scores use other latents (see `evaluate`).
"""

import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from autogan.ground import Ground
from autogan.progress import Progress
from autogan.runs import Run
from autogan.search import Child, Search
from autogan.space import Architecture
from autogan.storage import written_aside
from autogan.train import Validation, train
from autogan.weights import save_generator


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


def derive(search: Search, ground: Ground, run: Run, progress: Progress) -> list[Candidate]:
    """Ranks and trains candidates; all that were trained, the winner first.

    Takes up a derivation that was interrupted: what derive.json already holds is not done again.
    """
    settings = ground.settings.derive
    done = run.read("derive.json") or {"ranking": [], "candidates": []}
    if not done["ranking"]:
        ranking = search.candidates(settings.candidates, "derive")
        search.write_architectures(ranking)
        done["ranking"] = [asdict(child) for child in ranking]
        _milestone(run, done)
    for number, child in enumerate(Child(**c) for c in done["ranking"][: settings.top]):
        if number < len(done["candidates"]):
            continue
        done["candidates"].append(asdict(_train_candidate(number, child, ground, run, progress)))
        _milestone(run, done)
        run.drop_checkpoints(f"candidate-{number}")
    candidates = [candidate_from_dict(c) for c in done["candidates"]]
    return sorted(candidates, key=lambda c: _preference(c, settings.metric))


def _milestone(run: Run, done: dict[str, Any]) -> None:
    run.write("derive.json", done)
    run.mark_log()


def _train_candidate(
    number: int, child: Child, ground: Ground, run: Run, progress: Progress
) -> Candidate:
    settings = ground.settings
    steps = settings.derive.generator_steps or settings.train.generator_steps
    architecture = Architecture.parse(child.architecture)
    name = f"candidate-{number}"
    generator, training = train(architecture, steps, name, ground, run, progress)
    assert training.best is not None
    file = f"candidates/{number}.safetensors"
    save_generator(
        run.folder / file, generator, generator.state_dict(), origin(ground, training.best)
    )
    candidate = Candidate(child.architecture, child.reward, steps, training.best, file)
    run.log("candidate", **asdict(candidate))
    progress.note(
        f"Candidate {number + 1}, {child.architecture}: inception score "
        f"{training.best.inception_score:.3f}, Fréchet distance "
        f"{training.best.frechet_distance:.2f} on the validation latents"
    )
    return candidate


def _preference(candidate: Candidate, metric: str) -> float:
    value: float = getattr(candidate.validation, metric)
    return -value if metric == "inception_score" else value


def candidate_from_dict(fields: dict[str, Any]) -> Candidate:
    """A candidate as it stands in derive.json."""
    return Candidate(**{**fields, "validation": Validation(**fields["validation"])})


def origin(ground: Ground, validation: Validation) -> dict[str, Any]:
    """What a generator's file says about how it was made."""
    return {
        "data": ground.data.name,
        "data_digest": ground.data.digest,
        "judge": ground.judge.name,
        "validation": asdict(validation),
        "settings": ground.settings.model_dump(mode="json"),
    }


def keep_as_winner(run: Run, candidate: Candidate) -> Path:
    """Copies a candidate's generator to the run's generator.safetensors."""
    target = run.folder / "generator.safetensors"
    with written_aside(target) as aside:
        shutil.copyfile(run.folder / candidate.file, aside)
    return target
