"""The commands for images before anything is trained on them: data info and data example."""

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from autogan.cli.common import (
    INGREDIENTS,
    Json,
    SkipBroken,
    app,
    refuse_unwritable,
    source_names,
)
from autogan.cli.console import notes, say, tables

if TYPE_CHECKING:
    from autogan.images.cache import Stored

data_app = typer.Typer(no_args_is_help=True)
app.add_typer(data_app, name="data", rich_help_panel=INGREDIENTS)

IMAGES_A_CLASS = 8
MOST_OF_EACH = 10_000
"""Fruit of each kind that is drawn at once."""
MOST_CLASSES_SHOWN = 32


@data_app.callback()
def _data() -> None:
    """Look at images before anything is trained on them, or draw some to try with.

    Example: [bold]autogan data info folder:photographs --grid look.png[/]
    """


class ExampleKind(StrEnum):
    """What `data example` draws."""

    FRUIT = "fruit"


@data_app.command()
def example(
    kind: Annotated[ExampleKind, typer.Argument(help="What to draw.")],
    out: Annotated[Path, typer.Option("--out", help="Folder for the images; must be free.")],
    count: Annotated[
        int, typer.Option("--count", min=2, max=MOST_OF_EACH, help="Images of each fruit.")
    ] = 200,
) -> None:
    """Draw small pictures of six kinds of fruit, to try the program with; a folder for each kind.

    The same ones every time, about ten seconds for 1,200. They are free of rights (CC0).

    Example: [bold]autogan data example fruit --out fruit[/]
    """
    refuse_unwritable(out, "--out")
    from autogan.images.examples import FRUIT, write_fruit

    with notes.status("drawing"):
        write_fruit(out, count)
    say(f"{len(FRUIT) * count:,} images of {', '.join(FRUIT)}: {out}")


@data_app.command()
def info(
    source: Annotated[
        str,
        typer.Argument(
            metavar="D",
            help="glyphs, cifar10[:PATH], stl10[:PATH], or folder:PATH (a folder or an archive).",
            autocompletion=source_names,
        ),
    ],
    image_size: Annotated[
        int, typer.Option("--image-size", help="Side in pixels that the images are brought to.")
    ] = 32,
    skip_broken: SkipBroken = False,
    grid: Annotated[
        Path | None,
        typer.Option("--grid", help="Write some images to this PNG file, a row for each class."),
    ] = None,
    as_json: Json = False,
) -> None:
    """What a run would learn from: images, classes, splits, and what is converted on the way.

    Reads every image, as a run would, and keeps the result in the cache, where a run finds it.

    Example: [bold]autogan data info folder:photographs --image-size 64 --grid look.png[/]
    """
    if grid:
        refuse_unwritable(grid, "--grid")
    # torch alone would take seconds, and most of the memory.
    from autogan.images.sources import read_source

    with notes.status("reading images") as shown:
        name, stored = read_source(source, image_size, skip_broken=skip_broken, tell=shown.update)
    described: dict[str, Any] = {
        "name": name,
        "digest": stored.digest,
        "image_size": image_size,
        "original_sizes": [
            {"width": width, "height": height, "images": number}
            for width, height, number in stored.original_sizes
        ],
        "training_images": len(stored.arrays["train_pixels"]),
        "held_out_images": len(stored.arrays["held_out_pixels"]),
        "classes": _classes(stored),
        "notes": list(stored.notes),
    }
    if grid:
        _save_grid(name, stored, grid)
        notes.print(f"Picture: {grid}", highlight=False, markup=False, soft_wrap=True)
    if as_json:
        print(json.dumps(described))
    else:
        _print(described)


def _classes(stored: "Stored") -> list[dict[str, Any]]:
    """Every class with the number of its images in both splits; none where there are no labels."""
    counts = [_counts(stored, part) for part in ("train", "held_out")]
    return [
        {"name": name, "training_images": train, "held_out_images": held_out}
        for name, train, held_out in zip(stored.class_names, *counts, strict=True)
    ]


def _counts(stored: "Stored", part: str) -> list[int]:
    import numpy as np

    if not stored.class_names:
        return []
    labels = stored.arrays[f"{part}_labels"]
    counts: list[int] = np.bincount(labels[labels >= 0], minlength=len(stored.class_names)).tolist()
    return counts


def _save_grid(name: str, stored: "Stored", file: Path) -> None:
    """Training images: a row for each of the first classes, or 8 rows where there are none."""
    import torch

    from autogan.files.pictures import grid, save_picture
    from autogan.files.storage import make_folder_of
    from autogan.images.dataset import from_stored

    data = from_stored(name, stored, None)
    if data.train.labels is None:
        chosen = torch.arange(min(len(data.train), IMAGES_A_CLASS**2))
    else:
        labels = data.train.labels
        rows = [
            (labels == label).nonzero()[:IMAGES_A_CLASS, 0]
            for label in range(min(len(data.class_names), MOST_CLASSES_SHOWN))
        ]
        chosen = torch.cat([row for row in rows if len(row) == IMAGES_A_CLASS] or rows)
    make_folder_of(file)
    save_picture(file, grid(data.train.pixels[chosen], columns=IMAGES_A_CLASS, enlarge=2))


def _print(described: dict[str, Any]) -> None:
    from rich.table import Table
    from rich.text import Text

    size = described["image_size"]
    say(f"{described['name']}: {described['training_images']:,} images to train on and ", end="")
    say(f"{described['held_out_images']:,} held out to judge by, each {size}×{size} pixels.")
    originals = described["original_sizes"]
    if originals:
        most = [f"{o['width']}×{o['height']} ({o['images']:,})" for o in originals[:5]]
        more = f", and {len(originals) - 5:,} other sizes" if len(originals) > 5 else ""
        say(f"Sizes as they are: {', '.join(most)}{more}.")
    for note in described["notes"]:
        say(f"{note}.")
    classes = described["classes"]
    if not classes:
        say("The images have no classes.")
        return
    table = Table("class", "to train on", "held out")
    for entry in classes[:MOST_CLASSES_SHOWN]:
        table.add_row(
            Text(entry["name"]), f"{entry['training_images']:,}", f"{entry['held_out_images']:,}"
        )
    tables.print(table)
    if len(classes) > MOST_CLASSES_SHOWN:
        say(f"and {len(classes) - MOST_CLASSES_SHOWN:,} more classes")
