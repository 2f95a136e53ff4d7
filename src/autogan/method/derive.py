"""From a ranking to one architecture: the candidates that train best (paper section 3.3).

The best of the ranking are trained, from scratch or from the weights of the search, each with the same
budget, and chosen by their score on the validation latents; the final scores use other latents (see
`evaluate`).
"""

import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from autogan.basics.errors import Diverged, UserError
from autogan.files.storage import written_aside
from autogan.method.context import Context
from autogan.method.ranking import RANKINGS
from autogan.method.train import train
from autogan.progress.base import Progress
from autogan.runs.contents import Derived
from autogan.runs.events import CandidateTrained, Failed
from autogan.runs.file_names import CANDIDATES, DERIVED, GENERATOR
from autogan.runs.folder import Run
from autogan.runs.outcomes import (
    Candidate,
    Child,
    FailedCandidate,
    Validation,
    best_first,
    from_plain,
    to_plain,
)
from autogan.spaces.discriminator_architecture import DiscriminatorArchitecture
from autogan.spaces.generator_file import save_generator

PART = "derive"


def kept_derivation(run: Run) -> Derived | None:
    """The one that the run was interrupted in, or ended with."""
    state = run.checkpoints.load(PART)
    return None if state is None else from_plain(Derived, state)


def _keep(done: Derived, run: Run) -> None:
    """Stores how far a derivation is, and writes it to derive.json."""
    plain = to_plain(done)
    run.checkpoints.save(PART, plain, {"candidates": done.ended, "of": len(done.ranking)})
    run.write(DERIVED, plain)


def derive(
    ranking: Sequence[Child], context: Context, run: Run, progress: Progress
) -> list[Candidate]:
    """Trains the best of a ranking; all that were trained, the winner first.

    Takes up a derivation that was interrupted: what is done already is not done again. A candidate
    whose training goes wrong is recorded as failed; one that makes a single image over and over
    comes after all others. Raises `UserError` where every candidate failed.
    """
    options = context.settings.derive
    done = kept_derivation(run)
    if done is None:
        done = Derived(ranking=list(ranking), candidates=[], failed=[])
        _keep(done, run)
    for ranking_part in RANKINGS.values():  # it stands in the derivation's
        run.checkpoints.drop(ranking_part)
    run.write(DERIVED, to_plain(done))
    budget = options.generator_steps or context.settings.train.generator_steps
    for number, child in enumerate(done.ranking[: options.top]):
        name = f"candidate-{number}"
        if number < done.ended:
            progress.skipped(context.workload.training(budget))
            run.checkpoints.drop(name)  # left by a kill just before they went
            continue
        try:
            done.candidates.append(_train_candidate(number, child, budget, context, run, progress))
        except Diverged as error:
            done.failed.append(_failed(child, error, run, progress))
        _keep(done, run)
        run.checkpoints.drop(name)
    if not done.candidates:
        raise UserError(
            f"The training of every one of {len(done.failed)} candidates went wrong; derive.json "
            "says how. Begin a new run with a lower train.learning_rate."
        )
    ordered = best_first(done.candidates, options.metric)
    if ordered[0].validation.collapsed:
        progress.note(
            "Every candidate collapsed: it makes one image over and over. The best by its score is "
            "taken all the same; a longer training (train.generator_steps) may do better."
        )
    return ordered


def _failed(child: Child, error: Diverged, run: Run, progress: Progress) -> FailedCandidate:
    """What is recorded of a candidate whose training went wrong."""
    failed = FailedCandidate(child.architecture, child.reward, str(error))
    run.journal.log(
        Failed(failed.architecture, "candidate", failed.reason, shared_reward=failed.shared_reward)
    )
    progress.note(f"Candidate {child.architecture} is given up: {error}")
    return failed


def _train_candidate(
    number: int, child: Child, budget: int, context: Context, run: Run, progress: Progress
) -> Candidate:
    training = train(child.architecture, budget, f"candidate-{number}", context, run, progress)
    best = training.best
    assert best is not None
    file = f"{CANDIDATES}/{number}.safetensors"
    (run.folder / file).parent.mkdir(exist_ok=True)
    generator = training.best_generator()
    made = origin(context, best, training.discriminator)
    save_generator(run.folder / file, generator, generator.state_dict(), made)
    candidate = Candidate(child.architecture, child.reward, budget, best, file)
    run.journal.log(CandidateTrained(candidate))
    inception = (
        "" if best.inception_score is None else f"inception score {best.inception_score:.3f}, "
    )
    collapsed = "; it has collapsed: it makes one image over and over" * best.collapsed
    progress.note(
        f"Candidate {number + 1}, {child.architecture}: {inception}Fréchet distance "
        f"{best.frechet_distance:.2f} on the validation latents{collapsed}"
    )
    return candidate


def origin(
    context: Context, validation: Validation, discriminator: DiscriminatorArchitecture | None
) -> dict[str, Any]:
    """What a generator's file says about how it was made.

    discriminator: that it was trained against; None for the space's own, which is the plain one.
    """
    plain = DiscriminatorArchitecture.plain(context.settings.cells)
    return {
        "data": context.data.name,
        "data_digest": context.data.digest,
        "judge": context.judge.name,
        "validation": asdict(validation),
        "discriminator": str(discriminator or plain),
        "settings": context.settings.model_dump(mode="json"),
    }


def keep_as_winner(run: Run, candidate: Candidate) -> Path:
    """Copies a candidate's generator to the run's generator.safetensors."""
    target = run.folder / GENERATOR
    with written_aside(target) as aside:
        shutil.copyfile(run.folder / candidate.file, aside)
    return target
