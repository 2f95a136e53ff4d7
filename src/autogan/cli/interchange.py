"""The command that takes a checkpoint of the authors' program: import-official."""

import json
from pathlib import Path
from typing import Annotated

import typer

from autogan.cli.architectures import published_names, read_architecture
from autogan.cli.common import GENERATORS, Json, app, refuse_unwritable
from autogan.cli.console import notes


@app.command(rich_help_panel=GENERATORS)
def import_official(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A .pth checkpoint or a state dict.")
    ],
    architecture: Annotated[
        str,
        typer.Option(
            "--arch",
            help="A, B or C as published, the authors' vector, a text form, or a JSON file with one.",
            autocompletion=published_names,
        ),
    ],
    out: Annotated[Path, typer.Option("--out", help="Generator file to write.")] = Path(
        "generator.safetensors"
    ),
    raw: Annotated[
        bool, typer.Option("--raw", help="The generator as trained, not its average.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Turn a generator of the authors' program into a file for [bold]sample[/] and [bold]evaluate[/].

    Nothing in the checkpoint is executed.

    Example: [bold]autogan import-official checkpoint_best.pth --arch A --out a.safetensors[/]
    """
    chosen = read_architecture(architecture)
    refuse_unwritable(out, "--out")

    from autogan.interop.convert import convert_generator
    from autogan.method.results import describe_generator

    generator, imported = convert_generator(file, chosen, out, average=not raw)
    description = describe_generator(generator)
    if as_json:
        print(json.dumps({**description, "imported": imported, "file": str(out)}))
        return
    size = description["image_size"]
    notes.print(
        f"{out}: {description['architecture']}, {size}×{size} pixels, "
        f"{description['parameters']:,} parameters ({imported['weights']}).\n"
        f"Next: autogan sample {out}",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
