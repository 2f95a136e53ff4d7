"""results.json: what a run found, how good it is and what it cost (docs/run-folder.md)."""

import shlex
from dataclasses import asdict
from pathlib import Path
from typing import Any

from autogan.basics.version import RESULTS_SCHEMA
from autogan.device.memory import peak_memory_mib
from autogan.method.context import Context, describe_images
from autogan.method.evaluate import Evaluation
from autogan.runs.contents import Neighbours
from autogan.runs.events import Finished
from autogan.runs.folder import Run
from autogan.runs.outcomes import Candidate, to_plain
from autogan.runs.record import PICTURES
from autogan.spaces.generator_file import load_generator
from autogan.spaces.networks import Generator
from autogan.spaces.sizes import generator_size


def write_results(
    run: Run,
    context: Context,
    evaluation: Evaluation,
    neighbours: Neighbours,
    candidates: list[Candidate],
) -> dict[str, Any]:
    """results.json, as docs/run-folder.md describes it."""
    saved = load_generator(run.folder / "generator.safetensors")
    results = {
        "schema": RESULTS_SCHEMA,
        **describe_generator(saved.generator),
        "data": describe_images(context.data),
        "judge": {**context.judge.describe(), "class_names": list(context.judge.class_names)},
        **evaluation.to_dict(),
        "chosen_by": {
            "reward": context.settings.search.reward,
            "metric": context.settings.derive.metric,
        },
        "candidates": [to_plain(candidate) for candidate in candidates],
        "validation": saved.origin["validation"],
        "seconds": run.read("timings.json"),
        "neighbours": asdict(neighbours),
        "peak_memory_mib": peak_memory_mib(),
        "files": {"generator": "generator.safetensors", **PICTURES, "report": "report.html"},
        "recompute": recompute_command(run.folder),
    }
    run.write("results.json", results)
    run.journal.log(Finished(evaluation.scores.to_dict()))
    return results


def recompute_command(folder: Path) -> str:
    """The command line that computes the final scores again, equal on the same machine."""
    return f"autogan evaluate {shlex.quote(str(folder / 'generator.safetensors'))} --json"


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
