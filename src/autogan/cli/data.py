"""The command that looks at images before anything is trained on them: data info."""

import json
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
    from autogan.images import DataSet, ImageSet

data_app = typer.Typer(no_args_is_help=True)
app.add_typer(data_app, name="data", rich_help_panel=INGREDIENTS)

IMAGES_A_CLASS = 8
MOST_CLASSES_SHOWN = 32


@data_app.callback()
def _data() -> None:
    """Look at images before anything is trained on them.

    Example: [bold]autogan data info folder:photographs --grid look.png[/]
    """


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
    from autogan.images import load_data
    from autogan.images.survey import original_sizes

    data = load_data(source, image_size, skip_broken=skip_broken)
    sizes = original_sizes(source)
    described: dict[str, Any] = {
        "name": data.name,
        "digest": data.digest,
        "image_size": image_size,
        "original_sizes": [
            {"width": width, "height": height, "images": number}
            for (width, height), number in sizes.most_common()
        ],
        "training_images": len(data.train),
        "held_out_images": len(data.held_out),
        "classes": _classes(data),
        "notes": list(data.notes),
    }
    if grid:
        _save_grid(data, grid)
        notes.print(f"Picture: {grid}", highlight=False, markup=False, soft_wrap=True)
    if as_json:
        print(json.dumps(described))
    else:
        _print(described)


def _classes(data: "DataSet") -> list[dict[str, Any]]:
    """Every class with the number of its images in both splits; none where there are no labels."""
    counts = [_counts(part, len(data.class_names)) for part in (data.train, data.held_out)]
    return [
        {"name": name, "training_images": train, "held_out_images": held_out}
        for name, train, held_out in zip(data.class_names, *counts, strict=True)
    ]


def _counts(images: "ImageSet", classes: int) -> list[int]:
    if images.labels is None:
        return []
    labels = images.labels[images.labels >= 0]
    counts: list[int] = labels.bincount(minlength=classes).tolist()
    return counts


def _save_grid(data: "DataSet", file: Path) -> None:
    """Training images: a row for each of the first classes, or 8 rows where there are none."""
    import torch

    from autogan.files.pictures import grid, save_picture
    from autogan.files.storage import make_folder_of

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
