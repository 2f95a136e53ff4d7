"""results.json: what a run found, how good it is and what it cost (docs/run-folder.md)."""

import shlex
from dataclasses import asdict
from pathlib import Path
from typing import Any

from autogan.basics.version import RESULTS_SCHEMA
from autogan.device.compute import Precision
from autogan.device.memory import peak_memory_mib
from autogan.method.context import Context
from autogan.method.evaluate import Evaluation
from autogan.runs.contents import Neighbours
from autogan.runs.events import Finished
from autogan.runs.file_names import GENERATOR, PICTURES, REPORT, RESULTS, TIMINGS
from autogan.runs.folder import Run
from autogan.runs.outcomes import Candidate, to_plain
from autogan.settings.sections import Settings
from autogan.spaces import space_of
from autogan.spaces.discriminator_architecture import DiscriminatorArchitecture
from autogan.spaces.generator_file import SavedGenerator, load_generator
from autogan.spaces.networks import Generator
from autogan.spaces.sizes import discriminator_size, generator_size


def write_results(
    run: Run,
    context: Context,
    evaluation: Evaluation,
    neighbours: Neighbours,
    candidates: list[Candidate],
) -> dict[str, Any]:
    """results.json, as docs/run-folder.md describes it."""
    saved = load_generator(run.folder / GENERATOR)
    results = {
        "schema": RESULTS_SCHEMA,
        **describe_generator(saved.generator),
        "discriminator": describe_discriminator(
            saved, context.settings, searched="search" in context.plan.parts
        ),
        "data": context.data.describe(),
        "judge": {**context.judge.describe(), "class_names": list(context.judge.class_names)},
        **evaluation.to_dict(),
        "chosen_by": {
            "reward": context.settings.search.reward,
            "metric": context.settings.derive.metric,
        },
        "candidates": [to_plain(candidate) for candidate in candidates],
        "validation": saved.origin["validation"],
        "seconds": run.read(TIMINGS),
        "neighbours": asdict(neighbours),
        "peak_memory_mib": peak_memory_mib(),
        "files": {"generator": GENERATOR, **PICTURES, "report": REPORT},
        "recompute": recompute_command(run.folder, context.compute.precision),
    }
    run.write(RESULTS, results)
    run.journal.log(Finished(evaluation.scores.to_dict()))
    return results


def recompute_command(folder: Path, precision: Precision) -> str:
    """The command line that computes the final scores again, equal on the same machine.

    precision: that of the run, which may have measured that the other than usual is faster.
    """
    file = shlex.quote(str(folder / GENERATOR))
    return f"autogan evaluate {file} --set compute.precision={precision} --json"


def describe_discriminator(
    saved: SavedGenerator, settings: Settings, *, searched: bool
) -> dict[str, Any]:
    """The discriminator that a run's generator was trained against: its text, how it came, size and cost.

    searched: whether the run searched at all.
    """
    generator, text = saved.generator, saved.origin["discriminator"]
    cells = len(generator.architecture)
    size = discriminator_size(
        space_of(generator.architecture),
        cells - 1,
        channels=settings.train.discriminator_channels,
        image_size=generator.bottom_size << cells,
        classes=generator.classes,
        told=DiscriminatorArchitecture.parse(text),
    )
    return {
        "architecture": text,
        "how": settings.search.discriminator if searched else "fixed",
        "parameters": size.parameters,
        "multiply_accumulates": size.multiply_accumulates,
    }


def describe_generator(generator: Generator) -> dict[str, Any]:
    """Architecture, size and cost of a derived generator."""
    architecture = generator.architecture
    size = generator_size(
        architecture,
        latent_size=generator.latent_size,
        channels=generator.channels,
        bottom_size=generator.bottom_size,
        classes=generator.classes,
    )
    return {
        "architecture": str(architecture),
        "vector": architecture.to_vector(),
        "image_size": generator.bottom_size << len(architecture),
        "classes": generator.classes.to_plain() if generator.classes else None,
        "parameters": size.parameters,
        "multiply_accumulates": size.multiply_accumulates,
    }
