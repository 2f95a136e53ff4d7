"""The parts of a run in order, each leaving its result in the run's folder.

search → derive → train → evaluate → generator.safetensors, samples.png, results.json
"""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from autogan.basics.errors import UserError
from autogan.device.processes import ALONE, Processes
from autogan.method.context import Context, prepare
from autogan.method.derive import PART, derive, keep_as_winner, kept_derivation, origin
from autogan.method.evaluate import Evaluation, evaluate
from autogan.method.gallery import write_classes, write_gallery, write_missing
from autogan.method.ranking import RANKINGS, Ranking
from autogan.method.results import write_results
from autogan.method.search import Search
from autogan.method.subject import DISCRIMINATOR, SEARCH, Subject
from autogan.method.train import train
from autogan.progress.base import Progress
from autogan.report.live import LiveReport
from autogan.runs.contents import Neighbours
from autogan.runs.drive import drive
from autogan.runs.ended_training import TRAINING, data_of_start, read_ended_training
from autogan.runs.file_names import DATA, GENERATOR, TIMINGS
from autogan.runs.folder import Run
from autogan.runs.outcomes import Candidate, Child
from autogan.settings.sections import Settings
from autogan.spaces.architecture import Architecture
from autogan.spaces.generator_file import load_generator, save_generator


@contextmanager
def part_of(run: Run, name: str) -> Iterator[None]:
    """Adds the time inside to the part's seconds in timings.json, kept over interruptions.

    From its first part on, a run's report is redrawn now and then after a checkpoint.
    """
    if run.checkpoints.after_saving is None:
        run.checkpoints.after_saving = LiveReport(run.folder).refresh
    began = time.monotonic()
    try:
        yield
    finally:
        seconds = run.read(TIMINGS) or {}
        seconds[name] = round(seconds.get(name, 0.0) + time.monotonic() - began, 1)
        run.write(TIMINGS, seconds)


def run_everything(run: Run, progress: Progress) -> dict[str, Any]:
    """Search, derive, train the winner, evaluate; the content of results.json."""
    context = prepare_run(run, progress)
    rest = "the rest trains and scores what it finds"
    if context.settings.train.start == "shared":
        last = "last" if context.plan.discriminator_iterations else "shared"
        rest = f"trainings go on with the {last} weights that it learns"
    progress.note(
        f"{context.plan.share_of_search:.0%} of the computing after the judge is the search; {rest}."
    )
    ranking = rank_part(search_parts(run, context, progress), run, progress)
    candidates = derive_part(ranking, run, context, progress)
    train_winner(candidates, run, context, progress)
    evaluation, neighbours = evaluate_part(run, context, progress)
    results = write_results(run, context, evaluation, neighbours, candidates)
    end(run)
    return results


def run_search(run: Run, progress: Progress) -> None:
    """The search alone; `run_derivation` goes on with it."""
    search_parts(run, prepare_run(run, progress), progress)
    end(run)


def run_ranking(run: Run, progress: Progress) -> list[Child]:
    """The search and the final ranking; the architectures to derive from, best first."""
    context = prepare_run(run, progress, derives=True)
    ranking = rank_part(search_parts(run, context, progress), run, progress)
    end(run)
    return ranking


def run_derivation(run: Run, progress: Progress) -> list[Candidate]:
    """Derives from a search that has ended; the trained candidates, the winner first.

    Raises `UserError` where it has not.
    """
    wanted = {
        SEARCH: run.settings.search.iterations,
        DISCRIMINATOR: run.settings.search.iterations_of_discriminators,
    }
    done = {
        part: (run.checkpoints.position(part) or {"iteration": 0})["iteration"] for part in wanted
    }
    if any(done[part] < iterations for part, iterations in wanted.items()):
        raise UserError(
            f"The search in {run.folder} has not ended. Finish it first: autogan search --out "
            f"{run.folder} --resume"
        )
    context = prepare_run(run, progress, derives=True)
    ranking = rank_part(search_parts(run, context, progress), run, progress)
    candidates = derive_part(ranking, run, context, progress)
    end(run)
    return candidates


def run_training(
    run: Run, architecture: Architecture, progress: Progress, processes: Processes = ALONE
) -> dict[str, Any] | None:
    """Train one given architecture and evaluate it; the content of results.json.

    processes: those that train together. The first alone evaluates; in the others the answer is None.
    """
    _refuse_lost_start(run)
    context = prepare_run(run, progress, processes=processes)
    train_part(architecture, run, context, progress)
    if not context.compute.processes.first:
        return None
    evaluation, neighbours = evaluate_part(run, context, progress)
    results = write_results(run, context, evaluation, neighbours, [])
    end(run)
    return results


def _refuse_lost_start(run: Run) -> None:
    """Raises `UserError` where a training has no state of its own yet, and that of the other is gone."""
    if not run.task or not run.task.start or run.checkpoints.position(TRAINING):
        return
    try:
        start = read_ended_training(Path(run.task.start))
        start.refuse_unfit(str(run.task.architecture), run.settings)
    except UserError as error:
        raise UserError(
            f"{error}\nThe training in {run.folder} goes on from there, and has no state of its own yet. Put "
            "that run back as it was, or begin another one."
        ) from None


def end(run: Run) -> None:
    """Nothing more will be written: the last report, and the checksums."""
    LiveReport(run.folder).draw()
    run.seal()


def prepare_run(
    run: Run,
    progress: Progress,
    *,
    derives: bool = False,
    settings: Settings | None = None,
    processes: Processes = ALONE,
) -> Context:
    """Loads the data and trains the judge, and keeps in data.json which they are.

    settings: the run's own where left out.
    """
    with part_of(run, "data and judge"):
        context = prepare(
            settings or run.settings, progress, run=run, derives=derives, processes=processes
        )
        before = run.read(DATA) or {}
        name = context.judge.name
        if before.get("judge", name) != name:
            raise UserError(
                f"The run in {run.folder} began with the judge {before['judge']}. That is not in the "
                f"cache any more, and training it again gave {name} (another number of threads or "
                "another version is enough): their scores do not compare. Bring the cache back "
                "(AUTOGAN_CACHE), or begin a new run with another --out."
            )
        started = None if before else data_of_start(run.task)
        if started and started.judge not in (None, name):
            progress.note(
                f"The judge of the run that this one goes on from, {started.judge}, is not in the cache any "
                f"more, and training it again gave {name} (another number of threads or another version is "
                "enough): the scores of the two runs do not compare."
            )
        keep_surroundings(run, context)
        return context


def keep_surroundings(run: Run, context: Context) -> None:
    """Writes data.json: what the run learns from, and how."""
    decided: dict[str, Any] = {
        "judge": context.judge.name,
        "precision": context.compute.precision,
    }
    if context.classes:
        decided["classes"] = asdict(context.classes)
        if context.classes.unlabelled:
            decided["labelled_images"] = context.data.train.labelled_images
    run.write(DATA, {**context.data.describe(), **decided})


def search_parts(run: Run, context: Context, progress: Progress) -> Search:
    """The search that the derivation goes on with: of generators or pairs, or after it of discriminators."""
    search = search_part(run, context, progress)
    if not context.plan.discriminator_iterations:
        return search
    return discriminator_part(search, run, context, progress)


def search_part(run: Run, context: Context, progress: Progress) -> Search:
    """The search that every run begins with, taken up where its latest checkpoint left it."""
    with part_of(run, SEARCH):
        progress.start(SEARCH)
        search = Search(context, run, progress)
        if (at := run.checkpoints.position(SEARCH)) is not None:
            progress.skipped(context.workload.search(at["iteration"]))
        _searched(search, run, progress)
        return search


def discriminator_part(search: Search, run: Run, context: Context, progress: Progress) -> Search:
    """For the best generator that `search` found, with weights drawn anew: the search for its discriminator.

    Where a derivation stands there already, `search` again: nothing is asked of it then.
    """
    with part_of(run, DISCRIMINATOR):
        progress.start(DISCRIMINATOR)
        if kept_derivation(run) is not None:
            progress.skipped(context.workload.discriminator_search())
            return search
        generator = ranked(search, run)[0].architecture
        if (at := run.checkpoints.position(DISCRIMINATOR)) is not None:
            progress.skipped(context.workload.discriminator_search(at["iteration"]))
        progress.note(f"The discriminator is searched for {generator}")
        found = Search(context, run, progress, Subject.discriminators(context, generator))
        _searched(found, run, progress)
        return found


def _searched(search: Search, run: Run, progress: Progress) -> None:
    """Brings a search to its end, and writes what it found."""
    part = search.subject.part
    if (at := run.checkpoints.position(part)) is not None:
        progress.note(
            f"The search goes on after {at['iteration']} iterations, in {at['phase']}, step "
            f"{at['step']}."
        )
    with closing(search.scorer):
        drive(search, run.keeper(part))
    if run.checkpoints.position(PART) is None:  # else the ranking stands there already
        search.write_architectures()


def ranked(search: Search, run: Run) -> list[Child]:
    """The ranking of a search that has ended, best first."""
    with closing(search.scorer):
        drive(Ranking(search), run.keeper(RANKINGS[search.subject.part]))
    search.write_architectures()
    return search.ranking


def rank_part(search: Search, run: Run, progress: Progress) -> list[Child]:
    """The final ranking, best first: as the derivation has it, or made now."""
    with part_of(run, "derive"):
        progress.start("derive")
        done = kept_derivation(run)
        if done is not None:
            progress.skipped(search.workload.candidates())
            return done.ranking
        return ranked(search, run)


def derive_part(
    ranking: list[Child], run: Run, context: Context, progress: Progress
) -> list[Candidate]:
    """Candidates trained, the best first; its generator becomes the run's."""
    with part_of(run, "derive"):
        candidates = derive(ranking, context, run, progress)
        keep_as_winner(run, candidates[0])
        return candidates


def train_winner(
    candidates: list[Candidate], run: Run, context: Context, progress: Progress
) -> None:
    """Trains the winner with the full budget, unless it was derived with that already."""
    if context.plan.trains_again:
        train_part(candidates[0].architecture, run, context, progress)


def train_part(architecture: Architecture, run: Run, context: Context, progress: Progress) -> None:
    """Trains one architecture with the full budget; its generator becomes the run's."""
    with part_of(run, "train"):
        progress.start("train")
        steps = context.settings.train.generator_steps
        training = train(architecture, steps, TRAINING, context, run, progress)
        assert training.best is not None
        generator = training.best_generator()
        save_generator(
            run.folder / GENERATOR,
            generator,
            generator.state_dict(),
            origin(context, training.best, training.discriminator),
        )


def evaluate_part(run: Run, context: Context, progress: Progress) -> tuple[Evaluation, Neighbours]:
    """The final scores and the pictures of the run's generator."""
    with part_of(run, "evaluate"):
        progress.start("evaluate")
        generator = load_generator(run.folder / GENERATOR).generator
        evaluation = evaluate(generator, context, progress)
        progress.status("drawing pictures")
        if evaluation.modes is not None:
            write_missing(evaluation.modes, context.data.train, run.folder)
        if evaluation.by_class is not None:
            write_classes(generator, evaluation.by_class, context, run.folder)
        return evaluation, write_gallery(generator, context, run.folder)
