"""The scores of a finished run once more, from its files, its data and its judge.

On the machine that made them they come out equal, to the last digit; another processor or version
of torch may round differently, and the sentences on differences then say so.
"""

import json
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from autogan.basics.errors import UserError
from autogan.method.context import Context, load_images, prepare
from autogan.method.evaluate import evaluate
from autogan.method.gallery import write_gallery
from autogan.method.ranking import Ranking
from autogan.method.search import Search
from autogan.method.subject import Subject
from autogan.method.train import validation_of
from autogan.progress.base import Progress
from autogan.runs.checkpoints import load_checkpoint
from autogan.runs.config import read_config, read_settings
from autogan.runs.contents import read_json
from autogan.runs.drive import drive
from autogan.runs.environment import environment, settings_seen_from
from autogan.runs.file_names import GENERATOR, RESULTS
from autogan.runs.folder import Run
from autogan.runs.record import RunRecord, read_record
from autogan.settings.sections import Settings
from autogan.spaces.generator_file import load_generator


def recompute(folder: Path, progress: Progress) -> list[str]:
    """A sentence for each score that comes out otherwise than the run's files say.

    Recomputed are the final scores with both of their ends, the distances to training images, the
    validation of every candidate and of the winner, and the rewards in the ranking.
    Raises `UserError` where the run has no scores yet, or its data cannot be read here.
    """
    results = read_json(folder / RESULTS)
    if results is None:
        raise UserError(f"The run in {folder} has no results.json: there are no scores yet.")
    record = read_record(folder)
    settings = settings_seen_from(read_config(folder).directory, read_settings(folder))
    data = load_images(settings, settings.data.source, progress)
    if other := _other("data", "digest", data.digest, results):
        return [other]  # before a judge is trained for other images
    context = prepare(_as_it_ran(settings, record), progress, task=record.task)
    if other := _other("judge", "name", context.judge.name, results):
        return [other]
    progress.start("evaluate")
    differences = [
        *_final_scores(folder, context, results, progress),
        *_validations(folder, context, results, progress),
        *_ranking(record, context, progress),
    ]
    elsewhere = _changed_environment(record)
    if differences and elsewhere:
        differences.append(
            f"The run was made elsewhere ({elsewhere}): scores may then differ in their last digits"
        )
    return differences


def _as_it_ran(settings: Settings, record: RunRecord) -> Settings:
    """With the precision that was measured to be the faster one where the run began."""
    precision = record.data.precision if record.data else None
    if precision is None:
        return settings
    compute = settings.compute.model_copy(update={"precision": precision})
    return settings.model_copy(update={"compute": compute})


def _other(what: str, name: str, here: str, results: dict[str, Any]) -> str | None:
    """A sentence where the data or the judge here is not the run's."""
    recorded = results[what][name]
    if here == recorded:
        return None
    return (
        f"The {what} here is not that of the run ({name} {here}, not {recorded}), so no score can be "
        "recomputed"
    )


def _final_scores(
    folder: Path, context: Context, results: dict[str, Any], progress: Progress
) -> Iterator[str]:
    generator = load_generator(folder / GENERATOR).generator
    again = evaluate(generator, context, progress).to_dict()
    with tempfile.TemporaryDirectory() as scratch:
        again["neighbours"] = asdict(write_gallery(generator, context, Path(scratch)))
    for part in ("modes", "by_class", "as_few"):
        if part not in results:  # of a version that did not look for them
            del again[part]
    for part, values in json.loads(json.dumps(again)).items():
        yield from _differences(f"results.json: {part}", results[part], values)


def _validations(
    folder: Path, context: Context, results: dict[str, Any], progress: Progress
) -> Iterator[str]:
    files = {candidate["file"]: candidate["validation"] for candidate in results["candidates"]}
    files[GENERATOR] = results["validation"]
    for name, stated in files.items():
        progress.status(f"validating {name}")
        generator = load_generator(folder / name).generator
        again = asdict(validation_of(generator, stated["generator_steps"], context))
        yield from _differences(f"{name}: validation", stated, again)


def _ranking(record: RunRecord, context: Context, progress: Progress) -> Iterator[str]:
    """The policy is asked and its children scored as at the end of the search, from its last state."""
    if record.derived is None or not record.derived.ranking:
        return
    assert record.settings is not None
    progress.status("scoring the ranking with the shared weights")
    with tempfile.TemporaryDirectory() as scratch:
        run = Run.create(Path(scratch) / "run", record.settings)
        try:
            subject = Subject.first(context)
            found = record.architectures
            if found is not None and found.pairs is not None:
                subject = Subject.discriminators(context, found.ranking[0].architecture)
            search = Search(context, run, progress, subject)
            state = load_checkpoint(record.folder, subject.part)
            if state is None:
                yield "checkpoints: the last state of the search is missing"
                return
            search.load_state_dict(state)
            drive(Ranking(search))
        finally:
            run.close()
    again = {str(child.architecture): child.reward for child in search.ranking}
    stated = {str(child.architecture): child.reward for child in record.derived.ranking}
    yield from _differences("derive.json: ranking", stated, again)


def _differences(name: str, stated: Any, again: Any) -> Iterator[str]:
    """A sentence for every value below `stated` that is another one in `again`."""
    if isinstance(stated, dict) and isinstance(again, dict):
        for key in {**stated, **again}:
            yield from _differences(f"{name}.{key}", stated.get(key), again.get(key))
    elif stated != again:
        yield f"{name}: the run says {stated}, recomputed it is {again}"


def _changed_environment(record: RunRecord) -> str:
    """What of the machine that rounding depends on is another than the run's."""
    before = record.environment
    now = environment(record.setting("compute.device"))
    names = ("torch", "platform", "threads", "gpu")
    return ", ".join(
        f"{n} {before.get(n)}, here {now[n]}" for n in names if before.get(n) != now[n]
    )
