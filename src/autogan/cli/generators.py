"""The command that scores a generator's file: evaluate."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from autogan.basics.errors import UserError, unknown_name
from autogan.cli.common import (
    GENERATORS,
    Data,
    Json,
    Preset,
    SetOptions,
    app,
    data_changes,
    print_results,
    shown_progress,
)
from autogan.cli.seeds import MOST_SEEDS, show_spreads
from autogan.runs.file_names import GENERATOR
from autogan.settings.protocols import CUSTOM, PROTOCOLS, protocol_changes

if TYPE_CHECKING:
    from autogan.settings.sections import Settings
    from autogan.spaces.generator_file import SavedGenerator

JudgeKind = Annotated[
    str | None,
    typer.Option(
        "--judge",
        help="domain (learned from the data) or inception (the network of 2015).",
        autocompletion=lambda: ["domain", "inception"],
    ),
]
InceptionWeights = Annotated[
    Path | None,
    typer.Option("--inception-weights", help="File of the Inception network's weights."),
]


@app.command(rich_help_panel=GENERATORS)
def evaluate(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="A generator.safetensors, or the folder of a run that has one."
        ),
    ],
    data: Data = None,
    preset: Preset = None,
    protocol: Annotated[
        str | None,
        typer.Option(
            "--protocol",
            help=f"How many images, against which: {', '.join(PROTOCOLS)}.",
            autocompletion=lambda: list(PROTOCOLS),
        ),
    ] = None,
    judge: JudgeKind = None,
    inception_weights: InceptionWeights = None,
    statistics: Annotated[
        str | None,
        typer.Option(
            "--statistics",
            help="Instead of data: an .npz of the real images' statistics, or the name of imported "
            "ones. For the Inception judge.",
        ),
    ] = None,
    overrides: SetOptions = None,
    seeds: Annotated[
        int | None,
        typer.Option(
            "--seeds",
            min=1,
            max=MOST_SEEDS,
            help="Score images of so many sets of latents: mean and spread.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Score a generator: by default on the data and with the settings it was trained with.

    One that was imported says neither: give --data, and a --preset or settings where those of the
    paper do not suit.

    Example: [bold]autogan evaluate runs/first/generator.safetensors --protocol quick[/]
    """
    changes = {
        **(protocol_changes(_known_protocol(protocol)) if protocol else {}),
        **judge_changes(judge, inception_weights),
        **data_changes(data),
    }
    if statistics and seeds:
        raise UserError("--seeds scores against data. Leave it out, or --statistics.")
    if statistics and data:
        raise UserError(
            "Give --data, which statistics are computed from, or --statistics: not both."
        )

    from autogan.method.generator_settings import settings_of
    from autogan.method.results import describe_generator
    from autogan.runs.config import run_directory_of
    from autogan.spaces.generator_file import load_generator

    file = file / GENERATOR if file.is_dir() else file
    saved = load_generator(file)
    settings = settings_of(
        saved,
        preset,
        overrides or (),
        changes,
        needs_data=not statistics,
        directory=run_directory_of(file),
    )
    if seeds:
        _with_seeds(saved, settings, seeds, as_json)
        return
    if statistics:
        scored = _against_statistics(saved, settings, statistics)
    else:
        scored = _against_data(saved, settings)
    print_results({**describe_generator(saved.generator), **scored}, file.parent, as_json)


def judge_changes(kind: str | None, inception_weights: Path | None) -> dict[str, Any]:
    """What --judge and --inception-weights ask for, as a tree of settings.

    The second asks for the Inception judge.
    """
    if inception_weights is not None:
        if kind not in (None, "inception"):
            raise UserError(f"--inception-weights goes with --judge inception, not {kind}.")
        return {"judge": {"kind": "inception", "inception_weights": str(inception_weights)}}
    return {} if kind is None else {"judge": {"kind": kind}}


def _known_protocol(name: str) -> str:
    if name not in (*PROTOCOLS, CUSTOM):
        raise unknown_name("protocol", name, [*PROTOCOLS, CUSTOM])
    return name


def _against_data(saved: "SavedGenerator", settings: "Settings") -> dict[str, Any]:
    from autogan.method.context import prepare
    from autogan.method.evaluate import evaluate as evaluate_generator

    with shown_progress("evaluate") as progress:
        context = prepare(settings, progress, to_train=False)
        progress.start("evaluate")
        evaluation = evaluate_generator(saved.generator, context, progress)
    return {
        "judge": context.judge.describe(),
        "data": context.data.describe(),
        **evaluation.to_dict(),
    }


def _with_seeds(saved: "SavedGenerator", settings: "Settings", count: int, as_json: bool) -> None:
    """Scores against data, with one judge and the latents of so many seeds, and shows all."""
    from dataclasses import replace

    from autogan.method.context import prepare
    from autogan.method.evaluate import evaluate as evaluate_generator
    from autogan.report.seeds import spreads, spreads_to_plain

    found = []
    with shown_progress("evaluate") as progress:
        context = prepare(settings, progress, to_train=False)
        progress.plan({"evaluate": [count * context.workload.evaluation()]})
        progress.start("evaluate")
        for seed in range(settings.seed, settings.seed + count):
            own = context.settings.model_copy(update={"seed": seed})
            evaluation = evaluate_generator(
                saved.generator, replace(context, settings=own), progress
            ).to_dict()
            found.append({"seed": seed, **evaluation["scores"]})
    over_seeds = spreads(found)
    if as_json:
        described = {"judge": context.judge.describe(), "data": context.data.describe()}
        scores = spreads_to_plain(over_seeds)
        print(json.dumps({**described, "scores": scores, "seeds": found}))
    else:
        show_spreads(over_seeds, count, context.judge.name)


def _against_statistics(
    saved: "SavedGenerator", settings: "Settings", statistics: str
) -> dict[str, Any]:
    if settings.judge.kind != "inception":
        raise UserError(
            "--statistics goes with --judge inception: the domain judge learns from the data, which "
            "then give the statistics too."
        )
    from autogan.images import default_cache_directory
    from autogan.judges.statistics_files import find_statistics
    from autogan.method.context import make_inception_judge
    from autogan.method.evaluate import evaluate_against
    from autogan.runs.workload import Workload
    from autogan.settings.decided import decide_compute

    imported = find_statistics(statistics, default_cache_directory())
    with shown_progress("evaluate") as progress:
        progress.plan({"evaluate": [Workload(settings, 0, 0).evaluation()]})
        progress.start("evaluate")
        compute = decide_compute(settings.compute)
        weights = settings.judge.inception_weights
        judge = make_inception_judge(weights, compute.device, progress)
        evaluation = evaluate_against(imported, saved.generator, judge, settings, compute, progress)
    return {
        "judge": judge.describe(),
        "data": {"name": imported.data_name, "digest": imported.data_digest},
        **evaluation.to_dict(),
    }
