"""The command that trains the judge of one's own images: judge train."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import typer

from autogan.basics.errors import UserError
from autogan.cli.common import (
    INGREDIENTS,
    ConfigFile,
    Data,
    Json,
    Preset,
    SetOptions,
    SkipBroken,
    app,
    data_changes,
    shown_progress,
)
from autogan.cli.console import say, tables

if TYPE_CHECKING:
    from rich.table import Table

    from autogan.judges.confusion import Confusion

judge_app = typer.Typer(no_args_is_help=True)
app.add_typer(judge_app, name="judge", rich_help_panel=INGREDIENTS)


@judge_app.callback()
def _judge() -> None:
    """The judge: a classifier of your images, which every score comes from.

    Example: [bold]autogan judge train --data folder:photographs[/]
    """


@judge_app.command()
def train(
    data: Data = None,
    skip_broken: SkipBroken = False,
    preset: Preset = None,
    config: ConfigFile = None,
    overrides: SetOptions = None,
    as_json: Json = False,
) -> None:
    """Train the judge of a data set, keep it in the cache, and show where it errs.

    A run with the same data and judge settings takes it from there. Unlabelled images: the judge
    learns which way up an image is.

    Example: [bold]autogan judge train --data folder:photographs --preset cifar10-cpu[/]
    """
    from autogan.settings.loading import load_settings

    settings = load_settings(preset, config, overrides or (), data_changes(data, skip_broken))
    if settings.judge.kind != "domain":
        raise UserError(
            f"judge.kind is {settings.judge.kind!r}, a judge that is not trained. "
            "Give --set judge.kind=domain."
        )
    with shown_progress("judge train") as progress:
        from autogan.images import default_cache_directory, load_data
        from autogan.judges import domain_judge
        from autogan.judges.confusion import confusion_counts, worst_confusions
        from autogan.judges.questions import Question
        from autogan.judges.training import NetworkTraining, train_to_end
        from autogan.runs.workload import Workload
        from autogan.settings.decided import decide_compute

        source = settings.data
        images = load_data(
            source.source,
            source.image_size,
            skip_broken=source.skip_broken,
            limit_factor=source.limit_factor,
            tell=progress.status,
        )
        for note in images.notes:
            progress.note(note)
        device = decide_compute(settings.compute).device
        task = Question.of(images.class_names)
        examples_an_epoch = len(images.train) * task.per_image
        cost = Workload(settings, len(images.train), examples_an_epoch).judge_training()
        progress.plan({"judge": [cost]})
        progress.start("judge")

        def train(training: NetworkTraining) -> None:
            def told() -> None:
                progress.status(f"step {training.steps_done} of {training.steps}")
                progress.advance(cost / training.steps)

            training.on_step = told
            train_to_end(training)

        judge = domain_judge(
            images, settings.judge, settings.judge_seed, device, default_cache_directory(), train
        )
        progress.status("looking at the held-out images")
        examples = judge.task.examples(images.held_out, f"The held-out part of {images.name}")
        counts = confusion_counts(judge, examples)
    worst = worst_confusions(counts, judge.task.answers)
    described: dict[str, Any] = {
        **judge.describe(),
        "task": judge.task.kind,
        "data": {"name": images.name, "digest": images.digest},
        "held_out_examples": len(examples),
        "worst_confusions": [asdict(pair) for pair in worst],
    }
    if as_json:
        print(json.dumps(described))
        return
    question = "into their class" if judge.task.kind == "classes" else "the right way up"
    say(
        f"{judge.name} puts {judge.held_out_accuracy:.1%} of {len(examples):,} held-out examples of "
        f"{images.name} {question}."
    )
    if not worst:
        say("It takes none for another.")
        return
    tables.print(confusion_table(worst))


def confusion_table(pairs: Sequence["Confusion"]) -> "Table":
    """Which answers were taken for which others, and how often; their names are shown as they are."""
    from rich.table import Table
    from rich.text import Text

    table = Table("taken for", "instead of", "images", "share", title="What it takes for another")
    for pair in pairs:
        share = f"{pair.taken / pair.examples:.1%}"
        table.add_row(Text(pair.wrong), Text(pair.right), f"{pair.taken} of {pair.examples}", share)
    return table
