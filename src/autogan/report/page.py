"""RUN/report.html: one page, whole in itself, made from the run's folder alone.

What the folder lacks, because the run has just begun or was stopped, becomes a plain sentence.
"""

import base64
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from autogan.basics.errors import UserError
from autogan.basics.formatting import duration
from autogan.basics.version import package_version
from autogan.report.cost import part_costs
from autogan.report.history import history_charts
from autogan.report.quality import classes_of, protocol_words, published, score_bars
from autogan.report.repeat import all_settings, repeat_command
from autogan.report.tree import beam_tree, columns_of
from autogan.runs.record import PICTURES, RunRecord, read_record
from autogan.spaces import space_of
from autogan.spaces.architecture import Architecture

REPORT = "report.html"


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
    return render(
        "report.html.j2",
        record=record,
        data=(record.results or {}).get("data") or record.data or {},
        found=found,
        problems=[*record.problems, *found.problems],
        parts=progress_of(record),
        charts=history_charts(record),
        tree=_tree(record),
        bars=score_bars(record.results) if record.results else [],
        protocol=protocol_words(record.results) if record.results else "",
        classes=classes_of(record.results) if record.results else None,
        published=published(record.results, f"this run: {record.name}")
        if record.results and "protocol" in record.results
        else None,
        pictures=pictures_of(record),
        costs=part_costs(record),
        settings=all_settings(record),
        command=repeat_command(record),
        next_command=next_command(record),
    )


def render(template: str, **values: Any) -> str:
    """A template of this package, filled in; everything that is not SVG of ours is escaped."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("autogan.report"),
        autoescape=True,
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
    return Found(text, final, words, diagram, vector)


def _best(record: RunRecord) -> tuple[str | None, bool, str]:
    """Architecture, whether that is the run's result, and a sentence on where it comes from."""
    if record.results:
        return record.results["architecture"], True, ""
    if record.task and record.task.get("architecture"):
        return record.task["architecture"], True, "The architecture that this run trains."
    ranking = (record.architectures or {}).get("ranking") or []
    if ranking:
        words = "First in the final ranking; training the best from scratch decides."
        return ranking[0]["architecture"], False, words
    children = record.of("child")
    if children:
        latest = max(child["stage"] for child in children)
        best = max(
            (child for child in children if child["stage"] == latest), key=lambda c: c["reward"]
        )
        words = (
            f"Not decided yet. This is the best of the {len(children):,} children scored so far "
            f"(of the latest stage, reward {best['reward']:.3f})."
        )
        return best["architecture"], False, words
    return None, False, "Nothing has been scored yet."


def progress_of(record: RunRecord) -> list[tuple[str, str]]:
    """The parts of a run that has not ended, each with how far it is."""
    if record.ended:
        return []
    parts = []
    if record.command != "train":
        done = len(record.of("iteration")) or len({c["iteration"] for c in record.of("controller")})
        parts.append(("search", f"{done} of {record.setting('search.iterations')} iterations"))
        trained = len((record.derived or {}).get("candidates", []))
        top = record.setting("derive.top")
        parts.append(("derive", f"{trained} of {top} candidates trained"))
    if record.command != "search":
        steps = max(
            (v["generator_steps"] for v in record.of("validation", part="train")), default=0
        )
        total = record.setting("train.generator_steps")
        # Where candidates get the whole budget, the best of them is not trained again.
        if record.command == "train" or record.setting("derive.generator_steps") not in (
            None,
            total,
        ):
            parts.append(("train", f"{steps} of {total} generator steps"))
        parts.append(("evaluate", "not yet"))
    return parts


def next_command(record: RunRecord) -> str | None:
    """What goes on with a run that has not ended."""
    if record.ended:
        return None
    from autogan.runs.folder import (  # brings torch, which most pages do without
        Task,
        derive_command,
    )

    searched = len(record.of("iteration")) == record.setting("search.iterations")
    match record.command:
        case "search" if searched:
            return None if _derived(record) else derive_command(record.folder)
        case "search" | "train" | "run" as command:
            return Task(command).resume_command(record.folder)
    return None


def _derived(record: RunRecord) -> bool:
    """Whether the training of every candidate has ended, well or not."""
    done: dict[str, Any] = record.derived or {}
    ended = len(done.get("candidates", [])) + len(done.get("failed", []))
    ranked = len(done.get("ranking", []))
    return ended > 0 and ended == min(record.setting("derive.top") or ranked, ranked)


def pictures_of(record: RunRecord) -> dict[str, str]:
    """The run's pictures as data URIs, by name: those that are there."""
    pictures = {}
    for name, file in PICTURES.items():
        path = record.folder / file
        if path.is_file():
            encoded = base64.b64encode(path.read_bytes()).decode("ascii")
            pictures[name] = f"data:image/png;base64,{encoded}"
    return pictures


def _tree(record: RunRecord) -> str:
    if not record.architectures or not (
        record.architectures["stages"] or record.architectures["ranking"]
    ):
        return ""
    trained = [c["architecture"] for c in (record.derived or {}).get("candidates", [])]
    winner = record.results["architecture"] if record.results else None
    bottom = record.setting("network.bottom_size") or 4
    return beam_tree(columns_of(record.architectures, bottom, trained, winner))
