"""The command that draws images from a generator's file: sample."""

from pathlib import Path
from typing import Annotated

import typer

from autogan.basics.errors import UserError
from autogan.cli.common import GENERATORS, app, refuse_unwritable, shown_progress
from autogan.cli.console import notes
from autogan.runs.file_names import GENERATOR


@app.command(rich_help_panel=GENERATORS)
def sample(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="A generator.safetensors, or the folder of a run that has one."
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", help="PNG file of the grid; samples.png where nothing is given."),
    ] = None,
    count: Annotated[
        int | None,
        typer.Option(
            "--count", min=1, help="Images: 64 by default, or 8 of each class that is asked for."
        ),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Names the latents.")] = 0,
    class_names: Annotated[
        list[str] | None,
        typer.Option("--class", help="Images of this class; may be given more than once."),
    ] = None,
    each_class: Annotated[
        bool, typer.Option("--each-class", help="Images of every class, a row for each.")
    ] = False,
    interpolate: Annotated[
        bool,
        typer.Option(
            "--interpolate", help="Rows of 8 images, each row from one latent to another."
        ),
    ] = False,
    separate: Annotated[
        Path | None, typer.Option("--separate", help="New folder for one PNG file an image.")
    ] = None,
    npz: Annotated[
        Path | None,
        typer.Option("--npz", help="File for arr_0, uint8 count×height×width×3: any count."),
    ] = None,
) -> None:
    """Generated images: one grid (--out), files (--separate), or one array (--npz).

    Example: [bold]autogan sample runs/first/generator.safetensors --count 100 --out grid.png[/]

    Example: [bold]autogan sample runs/first/generator.safetensors --count 50000 --npz images.npz[/]

    Of a generator that is told classes, --class and --each-class choose these; else they come as often
    as among the images that it was trained on.

    Example: [bold]autogan sample runs/first --each-class --count 12 --out classes.png[/]
    """
    chosen = [
        name
        for name, target in (("--out", out), ("--separate", separate), ("--npz", npz))
        if target
    ]
    if len(chosen) > 1:
        raise UserError(f"Give one of {' and '.join(chosen)}: one kind of output at a time.")
    if interpolate and (separate or npz):
        raise UserError(f"--interpolate draws a grid: give --out with it, not {chosen[0]}.")
    if class_names and each_class:
        raise UserError("Give --class or --each-class, not both.")
    option = chosen[0] if chosen else "--out"
    target = separate or npz or out or Path("samples.png")
    refuse_unwritable(target, option)
    if out and out.suffix.lower() != ".png":
        raise UserError(f"--out {out}: the grid is a PNG file, so its name must end in .png.")

    from autogan.device.compute import Compute
    from autogan.files.storage import make_folder_of
    from autogan.gan import sampling
    from autogan.spaces.generator_file import load_generator

    file = file / GENERATOR if file.is_dir() else file
    generator = load_generator(file).generator
    names = class_names or []
    if each_class:
        names = list(sampling.names_of_classes(generator))
    count = count or (8 if names else 64)
    total = count * max(1, len(set(names)))
    if separate or npz:
        image_size = generator.bottom_size << len(generator.architecture)
        sampling.refuse_too_large(target, total, image_size)
    else:
        sampling.refuse_large_grid(total)
    wanted = sampling.Wanted.of(generator, count, seed, names)
    make_folder_of(target)
    compute = Compute.resolve()
    if not (separate or npz):
        save = sampling.save_interpolation if interpolate else sampling.save_grid
        save(generator, target, wanted, compute)
    else:
        save_all = sampling.save_separately if separate else sampling.save_npz
        with shown_progress("sample") as progress:
            progress.plan({"sample": [sampling.sampling_cost(generator, wanted.count)]})
            progress.start("sample")
            save_all(generator, target, wanted, compute, progress)
    told = [f"{wanted.count:,} images: {target}"]
    if names:
        told.append(
            f"{count:,} of each class, in this order: {sampling.some(list(dict.fromkeys(names)))}"
        )
    for line in told:
        notes.print(line, highlight=False, markup=False, soft_wrap=True)
