"""The commands about architectures and the space they are taken from: arch show, random, space."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from autogan.basics.errors import UserError
from autogan.cli.common import INGREDIENTS, Json, app, refuse_unwritable
from autogan.cli.console import notes, say, say_lines, tables
from autogan.files.texts import read_bytes
from autogan.spaces import DEFAULT_SPACE, SPACES

if TYPE_CHECKING:
    from autogan.spaces.architecture import Architecture

arch_app = typer.Typer(no_args_is_help=True)
app.add_typer(arch_app, name="arch", rich_help_panel=INGREDIENTS)

LARGEST_SIZE = 2**20
"""Of channels, pixels and latents that a cost is told for."""
MOST_DRAWN = 100_000
"""Architectures that are drawn at once."""
Cells = Annotated[int, typer.Option("--cells", help="Cells; each doubles the resolution.")]
SpaceName = Annotated[
    str,
    typer.Option(
        "--space",
        help="autogan or modern.",
        autocompletion=lambda: list(SPACES),
    ),
]


@arch_app.callback()
def _arch() -> None:
    """Look at architectures and at the space they are taken from.

    Example: [bold]autogan arch show autogan-a[/]
    """


def published_names() -> list[str]:
    """The names that complete where an architecture is asked for."""
    from autogan.spaces import space_class

    return [name for space in SPACES for name in space_class(space).published()]


def read_architecture(text: str) -> "Architecture":
    """What `Architecture.parse` reads, or a JSON file with such a thing.

    The file may hold a vector, a text form, or an object that has one under "architecture" or
    "vector", as the entries of architectures.json and results.json do.
    """
    from autogan.spaces.architecture import Architecture

    file = Path(text)
    if not text.endswith(".json"):
        return Architecture.parse(text)
    content = read_bytes(file)
    try:
        value = json.loads(content.decode("utf-8"))
    except RecursionError:
        raise UserError(f"{file} is not valid JSON: it is nested too deeply.") from None
    except ValueError as error:
        raise UserError(f"{file} is not valid JSON: {error}.") from None
    if isinstance(value, dict):
        value = value.get("architecture", value.get("vector"))
    if isinstance(value, str):
        return Architecture.parse(value)
    if isinstance(value, list) and all(type(number) is int for number in value):
        return Architecture.from_vector(value)
    raise UserError(
        f"{file} holds no single architecture: neither a vector, nor a text form, nor an object "
        'with one under "architecture" or "vector".'
    )


@arch_app.command()
def show(
    architecture: Annotated[
        str,
        typer.Argument(
            metavar="A",
            help="autogan-a, -b, -c (or A, B, C), a text form (modern:… of the modern space), the authors' "
            "vector in any notation, "
            "or a JSON file that holds one.",
            autocompletion=published_names,
        ),
    ],
    channels: Annotated[
        int,
        typer.Option(
            "--channels", min=1, max=LARGEST_SIZE, help="Of every cell; 256 is published."
        ),
    ] = 256,
    bottom_size: Annotated[
        int,
        typer.Option(
            "--bottom-size", min=1, max=LARGEST_SIZE, help="Pixels that the first cell doubles."
        ),
    ] = 4,
    latent_size: Annotated[
        int,
        typer.Option("--latent-size", min=1, max=LARGEST_SIZE, help="Length of a latent vector."),
    ] = 128,
    svg: Annotated[
        Path | None, typer.Option("--svg", help="Write the diagram to this SVG file.")
    ] = None,
    as_json: Json = False,
) -> None:
    """One architecture: all its forms, its size and cost, and a diagram.

    Example: [bold]autogan arch show autogan-a --svg a.svg[/]

    Example: [bold]autogan arch show "1 0 1 1 1 0 0 1 1" --channels 128[/]
    """
    from autogan.basics.formatting import millions
    from autogan.spaces import space_of
    from autogan.spaces.sizes import generator_size

    chosen = read_architecture(architecture)
    if svg:
        refuse_unwritable(svg, "--svg")
    space = space_of(chosen)
    size = generator_size(
        chosen, latent_size=latent_size, channels=channels, bottom_size=bottom_size
    )
    vector = chosen.to_vector()
    names = [name for name, known in space.published().items() if known == chosen]
    image_size = bottom_size << len(chosen)
    described: dict[str, Any] = {
        "published_name": names[0] if names else None,
        "architecture": str(chosen),
        "vector": vector,
        "cells": space.by_name(chosen),
        "channels": channels,
        "bottom_size": bottom_size,
        "latent_size": latent_size,
        "image_size": image_size,
        "parameters": size.parameters,
        "multiply_accumulates": size.multiply_accumulates,
    }
    if svg:
        from autogan.files.storage import make_folder_of, write_text

        make_folder_of(svg)
        write_text(svg, space.diagram(chosen, bottom_size=bottom_size))
        notes.print(f"Diagram: {svg}", highlight=False, markup=False, soft_wrap=True)
    if as_json:
        print(json.dumps(described))
        return
    say(f"name:     {described['published_name'] or 'none: not a published architecture'}")
    say(f"text:     {chosen}")
    say(f"vector:   {' '.join(map(str, vector))}")
    say(f"images:   {image_size}×{image_size}, from latents of {latent_size}")
    say(f"size:     {size.parameters:,} parameters at {channels} channels")
    say(f"cost:     {millions(size.multiply_accumulates)} million multiply-accumulates an image")
    say("")
    say_lines(space.text_diagram(chosen, channels=channels, bottom_size=bottom_size))


@arch_app.command(name="discriminator")
def show_discriminator(
    text: Annotated[
        str,
        typer.Argument(
            metavar="D",
            help="Its text form: a block for each cell (residual or bottleneck), +softmax (attention), +half "
            "(width); at the end /deviation.",
        ),
    ],
    channels: Annotated[
        int,
        typer.Option(
            "--channels", min=1, max=LARGEST_SIZE, help="Of every block; 128 is published."
        ),
    ] = 128,
    bottom_size: Annotated[
        int,
        typer.Option(
            "--bottom-size", min=1, max=LARGEST_SIZE, help="Pixels that the first cell doubles."
        ),
    ] = 4,
    as_json: Json = False,
) -> None:
    """One discriminator: its size, its cost and its operations, block by block.

    Example: [bold]autogan arch discriminator residual/bottleneck+half/residual+softmax/deviation[/]
    """
    from autogan.basics.formatting import millions
    from autogan.spaces.block_operations import block_rows, discriminator_operations
    from autogan.spaces.discriminator_architecture import DiscriminatorArchitecture
    from autogan.spaces.operations import Size

    chosen = DiscriminatorArchitecture.parse(text)
    image_size = bottom_size << len(chosen.blocks)
    operations = discriminator_operations(
        chosen, len(chosen.blocks) - 1, channels=channels, image_size=image_size
    )
    size, rows = Size.of(operations), block_rows(operations)
    if as_json:
        described: dict[str, Any] = {
            "discriminator": str(chosen),
            "channels": channels,
            "image_size": image_size,
            "parameters": size.parameters,
            "multiply_accumulates": size.multiply_accumulates,
            "blocks": [asdict(row) for row in rows],
        }
        print(json.dumps(described))
        return
    say(f"text:     {chosen}")
    say(f"images:   {image_size}×{image_size}")
    say(f"size:     {size.parameters:,} parameters at {channels} channels")
    say(f"cost:     {millions(size.multiply_accumulates)} million multiply-accumulates an image")
    say("")
    for row in rows:
        say(f"{row.name + ':':<12}{row.words}")


@arch_app.command(name="random")
def random_architectures(
    count: Annotated[
        int, typer.Option("--count", min=1, max=MOST_DRAWN, help="Architectures.")
    ] = 1,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Names the draw.")] = 0,
    cells: Cells = 3,
    space: SpaceName = DEFAULT_SPACE,
    as_json: Json = False,
) -> None:
    """Architectures drawn uniformly from the space, one a line; the same may come twice.

    Example: [bold]autogan arch random --count 5 --seed 1[/]
    """
    from random import Random

    from autogan.spaces import search_space

    drawn_from, generator = search_space(space, cells), Random(seed)
    drawn = (drawn_from.sample(generator) for _ in range(count))
    if as_json:
        listed = [{"architecture": str(a), "vector": a.to_vector()} for a in drawn]
        print(json.dumps({"architectures": listed}))
        return
    for architecture in drawn:
        say(str(architecture))


@arch_app.command()
def space(
    cells: Cells = 3,
    name: SpaceName = DEFAULT_SPACE,
    as_json: Json = False,
) -> None:
    """The search space: every decision with its options, and how many architectures there are.

    Example: [bold]autogan arch space --cells 4[/]

    Example: [bold]autogan arch space --space modern[/]
    """
    from autogan.spaces import search_space
    from autogan.spaces.decisions import option_text

    searched = search_space(name, cells)
    if as_json:
        listed = [{d.name: list(d.options) for d in decisions} for decisions in searched.by_stage]
        print(json.dumps({"cells": listed, "cardinality": searched.cardinality()}))
        return
    from math import prod

    from rich.table import Table

    table = Table("cell", "decision", "options, in the order of the vector's integers", "how many")
    for cell, decisions in enumerate(searched.by_stage):
        for decision in decisions:
            options = " · ".join(option_text(option) for option in decision.options)
            table.add_row(str(cell), decision.name, options, str(len(decision.options)))
        combinations = prod(len(decision.options) for decision in decisions)
        table.add_row("", "", "[dim]combinations of this cell[/]", f"{combinations:,}")
        table.add_section()
    tables.print(table)
    say(f"{searched.cardinality():,} architectures of {cells} cells")
