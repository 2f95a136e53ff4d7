"""RUN/report.html: one page, whole in itself, made from the run's folder alone.

What the folder lacks, because the run has just begun or was stopped, becomes a plain sentence.
"""

import shlex
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from autogan.basics.errors import UserError
from autogan.basics.formatting import duration, shown_text
from autogan.basics.version import package_version
from autogan.report.cost import part_costs, validated_steps
from autogan.report.discriminator import discriminator_words
from autogan.report.history import history_charts, strategy_words
from autogan.report.pictures import png_uri
from autogan.report.quality import (
    class_rows,
    classes_of,
    in_words,
    missing_kinds,
    protocol_words,
    published,
    score_bars,
)
from autogan.report.repeat import all_settings, longer_command, repeat_command
from autogan.report.searches import searches_of
from autogan.report.tree import beam_tree, columns_of
from autogan.report.trials import trials_of
from autogan.runs.cautions import cautions
from autogan.runs.contents import Searched
from autogan.runs.ended_training import TRAINING
from autogan.runs.events import Losses
from autogan.runs.file_names import GENERATOR, PICTURES, REPORT
from autogan.runs.ingredients import ingredients_of
from autogan.runs.outcomes import Child
from autogan.runs.plan import Plan, Reached
from autogan.runs.positions import DerivePosition, Positions, SearchPosition, TrainingPosition
from autogan.runs.record import RunRecord, class_pictures, missing_pictures, read_record
from autogan.runs.standstill import standstill, standstill_words
from autogan.runs.task import Task
from autogan.spaces import DEFAULT_SPACE, space_of
from autogan.spaces.architecture import Architecture

Key = TypeVar("Key", int, str)


def write_report(folder: Path) -> Path:
    """(Re)writes the report of the run in `folder`; its path.

    Raises `UserError` where the folder holds no run.
    """
    from autogan.files.storage import write_text

    page = report_page(read_record(folder))
    write_text(folder / REPORT, page)
    return folder / REPORT


def report_page(record: RunRecord) -> str:
    """The HTML of a run's report."""
    found = find(record)
    bars = score_bars(record.results) if record.results else []
    return render(
        "report.html.j2",
        record=record,
        data=record.results.data if record.results else record.data,
        found=found,
        problems=[*record.problems, *found.problems],
        parts=progress_of(record),
        charts=history_charts(record),
        trials=trials_of(record),
        tree=_tree(record, record.architectures),
        pair_tree=_tree(record, record.architectures.pairs if record.architectures else None),
        discriminator=discriminator_words(record),
        ingredients=ingredients_of(record),
        strategy=record.setting("search.strategy"),
        strategy_words=strategy_words(record),
        limits=record.settings.search.limits.in_words if record.settings else "",
        bars=bars,
        cautions=[*_standstill(record), *(cautions(record.results) if record.results else [])],
        words=in_words(record.results, bars) if record.results else [],
        protocol=protocol_words(record.results) if record.results else "",
        classes=classes_of(record.results) if record.results else None,
        published=published(record.results, f"this run: {record.name}") if record.results else None,
        pictures=pictures_of(record),
        missing=missing_kinds(record.results, _missing_pictures(record)) if record.results else [],
        asked=class_rows(record.results, _class_pictures(record)) if record.results else [],
        costs=part_costs(record),
        settings=all_settings(record),
        command=repeat_command(record),
        longer_command=longer_command(record),
        next_command=next_command(record),
        evaluate_command=shlex.join(["autogan", "evaluate", str(record.folder / GENERATOR)]),
    )


def render(template: str, **values: Any) -> str:
    """A template of this package, filled in; everything that is not SVG of ours is escaped, and what would
    turn the direction of a line is shown as text.
    """
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("autogan.report"),
        autoescape=True,
        finalize=lambda value: shown_text(value) if type(value) is str else value,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["duration"] = duration
    environment.filters["count"] = lambda number: "–" if number is None else f"{number:,}"
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return environment.get_template(template).render(**values, version=package_version(), now=now)


@dataclass(frozen=True)
class Found:
    """The architecture that a run stands for: its winner or, before there is one, the best so far.

    diagram: SVG, or "" where this version cannot draw it, which `problems` then says.
    """

    text: str | None
    final: bool
    words: str
    diagram: str = ""
    vector: str = ""
    vector_title: str = ""
    problems: tuple[str, ...] = ()


def find(record: RunRecord) -> Found:
    """What the run has found so far."""
    text, final, words = _best(record)
    if text is None:
        return Found(None, False, words)
    try:
        architecture = Architecture.parse(text)
    except UserError as error:
        problem = f"This version of autogan cannot draw the architecture: {error}"
        return Found(text, final, words, problems=(problem,))
    bottom = record.setting("network.bottom_size") or 4
    vector = " ".join(map(str, architecture.to_vector()))
    diagram = space_of(architecture).diagram(architecture, bottom_size=bottom)
    title = "Authors’ vector" if architecture.space == DEFAULT_SPACE else "Vector"
    return Found(text, final, words, diagram, vector, title)


def _best(record: RunRecord) -> tuple[str | None, bool, str]:
    """Architecture, whether that is the run's result, and a sentence on where it comes from."""
    if record.results:
        return record.results.architecture, True, ""
    if record.trials and record.trials.best is not None:
        row = record.trials.row(record.trials.best)
        if row is None:
            words = f"trials.json says that trial {record.trials.best} is the best, and does not hold it."
            return None, False, words
        words = (
            f"The best of {record.trials.ended} trials that have ended, after {row.steps:,} generator "
            "steps."
        )
        return row.architecture, record.ended, words
    if record.task and record.task.architecture:
        return record.task.architecture, True, "The architecture that this run trains."
    ranking = record.architectures.last.ranking if record.architectures else []
    if ranking:
        words = "First in the final ranking; training the best decides."
        return str(ranking[0].architecture), False, words
    children = record.children
    if children:
        latest = max(child.stage for child in children)
        best = max((child for child in children if child.stage == latest), key=lambda c: c.reward)
        words = (
            f"Not decided yet. This is the best of the {len(children):,} children scored so far "
            f"(of the latest stage, reward {best.reward:.3f})."
        )
        return str(best.architecture), False, words
    return None, False, "Nothing has been scored yet."


def progress_of(record: RunRecord) -> list[tuple[str, str]]:
    """The parts of a run that has not ended, each with how far it is."""
    if record.ended:
        return []
    plan, reached = _plan(record), _reached(record)
    trained = len(record.derived.candidates) if record.derived else 0
    far = {
        "search": f"{reached.iterations} of {plan.iterations} iterations",
        "discriminator": (
            f"{reached.discriminator_iterations} of {plan.discriminator_iterations} iterations"
        ),
        "trials": f"{reached.trials} of {plan.trials} trials have ended",
        "derive": f"{trained} of {plan.top} candidates trained",
        "train": f"{reached.trained('train')} of {plan.train_steps} generator steps",
        "evaluate": "not yet",
    }
    return [(part, far[part]) for part in plan.parts if part in far]


def next_command(record: RunRecord) -> str | None:
    """What goes on with a run that has not ended."""
    if record.ended:
        return None
    return _plan(record).next_command(record.folder, _reached(record))


def _plan(record: RunRecord) -> Plan:
    """The run's plan, by what can be read of its settings: a newer version may have others."""
    train_steps = record.setting("train.generator_steps")
    return Plan(
        record.task or Task(record.command),
        record.setting("search.iterations"),
        record.setting("derive.top"),
        record.setting("derive.generator_steps") or train_steps,
        train_steps,
        derives=True,
        discriminator_iterations=(
            record.settings.search.iterations_of_discriminators if record.settings else 0
        ),
        trials=record.setting("trials.count"),
    )


def _reached(record: RunRecord) -> Reached:
    """How far the run is by its log: the page is drawn without reading checkpoints."""
    done = [
        len(view.ended) or len({update.iteration for update in view.updates})
        for view in searches_of(record)
    ]
    iterations, *of_discriminators = done
    derived = record.derived
    ranked = DerivePosition(derived.ended, len(derived.ranking)) if derived else None
    train = {"train": TrainingPosition(validated_steps(record, "train"))}
    after = SearchPosition(of_discriminators[0]) if of_discriminators else None
    positions = Positions(None, SearchPosition(iterations), ranked, train, after)
    trials = record.trials.ended if record.trials else 0
    return Reached(positions, record.data is not None, evaluated=False, trials=trials)


def pictures_of(record: RunRecord) -> dict[str, str]:
    """The run's pictures as data URIs, by name: those that are there."""
    return _embedded(record.folder, PICTURES)


def _standstill(record: RunRecord) -> list[str]:
    """That the training has come to one, in words; nothing where it has not."""
    step = standstill([line for line in record.of(Losses) if line.part == TRAINING])
    return [] if step is None else [standstill_words(step)]


def _missing_pictures(record: RunRecord) -> dict[int, str]:
    """Those of the kinds that are hardly ever generated, by place among the modes."""
    modes = record.results.modes if record.results else None
    return _embedded(record.folder, missing_pictures(modes)) if modes else {}


def _class_pictures(record: RunRecord) -> dict[int, str]:
    """Those of the classes that can be asked for, by label."""
    by_class = record.results.by_class if record.results else None
    return _embedded(record.folder, class_pictures(by_class)) if by_class else {}


def _embedded(folder: Path, files: dict[Key, str]) -> dict[Key, str]:
    pictures = {}
    for name, file in files.items():
        path = folder / file
        if path.is_file():
            pictures[name] = png_uri(path)
    return pictures


def _tree(record: RunRecord, searched: Searched | None) -> str:
    """The beams of one search; "" where it has none yet."""
    if not searched or not (searched.stages or searched.ranking):
        return ""
    candidates = record.derived.candidates if record.derived else []
    trained = [str(candidate.architecture) for candidate in candidates]
    winner = record.results.architecture if record.results else None
    if winner and trained and searched.ranking and trained[0] in _texts(searched.ranking):
        assert record.results is not None and record.results.candidates
        winner = str(record.results.candidates[0].architecture)
    bottom = record.setting("network.bottom_size") or 4
    return beam_tree(columns_of(searched, bottom, trained, winner))


def _texts(children: list[Child]) -> list[str]:
    return [str(child.architecture) for child in children]
