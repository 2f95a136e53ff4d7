"""What the commands share: the application, its options, and how progress and results are shown.

torch, pydantic and whatever else takes its time are imported inside the commands, so that every
`--help` answers at once.
"""

import contextlib
import errno
import json
import os
import platform
import re
import sys
import tempfile
import traceback
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from autogan.basics.errors import UserError
from autogan.basics.version import package_version
from autogan.cli.console import notes, replace_unshowable, say, tables
from autogan.cli.together import refuse_together
from autogan.runs.file_names import RESULTS

if TYPE_CHECKING:
    from autogan.progress.speeds import RememberedSpeeds
    from autogan.progress.terminal import TerminalProgress

app = typer.Typer(
    name="autogan",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
RUNS, GENERATORS, INGREDIENTS = "Runs", "Generators", "What runs are made of"
TRIALS = "Searches by trials, on many machines"
"""Headings of `autogan --help`; the commands that search and train stand above them."""


def complete_presets() -> list[str]:
    """The names that complete where a preset is asked for."""
    from autogan.settings.loading import preset_names

    return preset_names()


def source_names() -> list[str]:
    """What completes where images are asked for."""
    return ["glyphs", "cifar10", "stl10", "folder:"]


Preset = Annotated[
    str | None,
    typer.Option(
        "--preset",
        help="Settings by name; `autogan presets` lists them.",
        autocompletion=complete_presets,
    ),
]
Data = Annotated[
    str | None,
    typer.Option(
        "--data",
        help="glyphs, cifar10[:PATH], stl10[:PATH], or folder:PATH (a folder or an archive).",
        autocompletion=source_names,
    ),
]
SkipBroken = Annotated[
    bool,
    typer.Option(
        "--skip-broken", help="Leave out image files that cannot be read, and count them."
    ),
]
Out = Annotated[Path | None, typer.Option("--out", help="Folder of the run; must be free.")]
SetOptions = Annotated[
    list[str] | None,
    typer.Option("--set", help="One setting, e.g. search.iterations=40. May be repeated."),
]
ConfigFile = Annotated[Path | None, typer.Option("--config", help="YAML file with settings.")]
DryRun = Annotated[
    bool,
    typer.Option(
        "--dry-run",
        help="Print the resolved settings and stop, before images, networks and memory are checked.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print the results as one JSON object.")]


LONGEST_TIME_LIMIT_HOURS = 10_000
ENDED_BY_SIGPIPE = 141
"""The exit code that shells give to what ended because nobody reads its output any more."""


def seconds_of(text: str) -> float:
    """Seconds of a time such as 90s, 9m, 1h30m or 2h."""
    found = re.fullmatch(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?", text.strip())
    if not text.strip() or found is None:
        raise typer.BadParameter(f"{text!r} is no time; give for example 90s, 9m or 1h30m.")
    hours, minutes, seconds = (int(part or 0) for part in found.groups())
    total = 3600 * hours + 60 * minutes + seconds
    if total == 0:
        raise typer.BadParameter("a time limit must be longer than nothing.")
    if total > LONGEST_TIME_LIMIT_HOURS * 3600:
        raise typer.BadParameter(f"a time limit is at most {LONGEST_TIME_LIMIT_HOURS:,}h.")
    return float(total)


TimeLimit = Annotated[
    float | None,
    typer.Option(
        "--time-limit",
        parser=seconds_of,
        metavar="TIME",
        help="Stop after this time (90s, 9m, 1h30m) with a checkpoint, and say how to go on.",
    ),
]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with the run that --out holds.")]


_OF_WHAT_WAS_NAMED = (
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EROFS,
    errno.EACCES,
    errno.EPERM,
    errno.EIO,
    errno.EFBIG,
    errno.ENAMETOOLONG,
    errno.ELOOP,
    errno.ENOTDIR,
    errno.EMFILE,
    errno.ENFILE,
)


_MistakeInCommandLine: Any = typer.BadParameter.__mro__[1]
"""click's UsageError, of which typer names only this one kind."""
_NO_MEMORY = (
    "There is not enough memory for this command. End other programs, or raise the limit that this "
    "process was started with (ulimit -v): PyTorch alone takes several GiB of addresses."
)
_SAID_WITHOUT_MEMORY = ("failed to map segment", "cannot allocate memory", "bad_alloc")
"""What the system's loader, C libraries and C++ say where no memory is left."""


def main() -> None:
    """Runs the command line; a user's mistake becomes a message and exit code 2, a fault of ours 1."""
    warnings.showwarning = _show_warning
    replace_unshowable()
    try:
        _refuse_removed_directory()
        # Not standalone: typer would print mistakes in the command line by itself, unescaped.
        code = app(standalone_mode=False) or 0
        sys.stdout.flush()  # else what cannot be written is noticed after all that could say so
        sys.exit(code)
    except _MistakeInCommandLine as error:
        _show_mistake(error)
        sys.exit(2)
    except UserError as error:
        _show_error(str(error))
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
    except SystemExit as ended:
        if isinstance(
            ended.__context__, BrokenPipeError
        ):  # typer makes it exit code 1, a fault of ours
            _end_unread()
        raise
    except BrokenPipeError:
        _end_unread()
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _OF_WHAT_WAS_NAMED:
            limited = error.errno in (errno.EMFILE, errno.ENFILE)
            more = " Raise the limit that this process was started with (ulimit -n)." * limited
            _show_error(f"{error.filename or 'The output'}: {error.strerror}.{more}")
            sys.exit(2)
        if _lacks_memory(error):
            _show_error(_NO_MEMORY)
            sys.exit(2)
        _tell(traceback.format_exc().splitlines())
        _show_error(
            "This is a fault of autogan, not of what you gave. Please report it with the lines "
            "above, the command, and: "
            f"autogan {package_version()}, Python {platform.python_version()}, "
            f"{platform.platform()}."
        )
        sys.exit(1)


def _refuse_removed_directory() -> None:
    try:
        os.getcwd()
    except FileNotFoundError:
        raise UserError("The working directory was removed. Change to another one.") from None


def _end_unread() -> NoReturn:
    """Ends the program as SIGPIPE does: whoever read the output has read enough."""
    for stream in (sys.stdout, sys.stderr):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    sys.exit(ENDED_BY_SIGPIPE)


def _lacks_memory(error: BaseException) -> bool:
    said = str(error).lower()
    return isinstance(error, MemoryError) or any(words in said for words in _SAID_WITHOUT_MEMORY)


def _show_mistake(error: Any) -> None:
    """A mistake in the command line, with how the command is used; nothing where help was shown."""
    if error.__class__.__name__ == "NoArgsIsHelpError":
        return
    if error.ctx is not None:
        told = f"{error.ctx.get_usage()}\nMore: {error.ctx.command_path} --help"
        _tell(told.split("\n"))
    _show_error(error.format_message())


def _show_error(message: str) -> None:
    _tell([message], "[bold red]Error:[/] ")


def _tell(lines: Iterable[str], before: str = "") -> None:
    """Prints lines of an error; where they cannot be written, the exit code alone says it."""
    with contextlib.suppress(OSError):
        for line in lines:
            notes.print(before, end="")
            notes.print(line, markup=False, highlight=False, soft_wrap=True)


def _print_version(wanted: bool) -> None:
    if wanted:
        say(f"autogan {package_version()}")
        raise typer.Exit


@app.callback()
def _program(
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and stop."
        ),
    ] = False,
) -> None:
    """Find a GAN architecture for your images, train it, and judge it (AutoGAN, ICCV 2019).

    Example: [bold]autogan demo[/]
    """
    refuse_together(context.invoked_subcommand)


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    notes.print(f"Warning: {message}", markup=False, highlight=False, soft_wrap=True)


def refuse_unwritable(output: Path, option: str) -> None:
    """Raises `UserError` where an output is there already, or where its folder cannot be written.

    Nothing is ever overwritten. Folders above the output are made when it is written.
    """
    if output.exists():
        raise UserError(f"{output} exists already. Choose another {option}.")
    above = output.parent
    try:
        above = next(folder for folder in output.absolute().parents if folder.exists())
        with tempfile.TemporaryFile(dir=above):
            pass
    except OSError as error:
        raise UserError(
            f"{option} {output}: {above} cannot be written to ({error.strerror})."
        ) from None


def data_changes(data: str | None, skip_broken: bool = False) -> dict[str, Any]:
    """What --data and --skip-broken ask for, as a tree of settings."""
    changes: dict[str, Any] = {} if data is None else {"source": data}
    if skip_broken:
        changes["skip_broken"] = True
    return {"data": changes}


@contextmanager
def naming_damage(*runs: Path) -> Iterator[None]:
    """Where reading runs fails: whether their files are damaged, which is then said, or we are."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        from autogan.verify import verify

        for run in runs:
            if not run.is_dir():  # a file of results
                raise UserError(f"{run} does not hold what autogan evaluate writes.") from error
            if problems := verify(run).problems:
                raise UserError(
                    f"The run in {run} is damaged: {problems[0]}. `autogan verify {run}` names all."
                ) from error
        raise


@contextmanager
def shown_progress(
    title: str, speeds: "RememberedSpeeds | None" = None
) -> Iterator["TerminalProgress"]:
    """Progress on the terminal; with `speeds`, the time left is known from earlier runs."""
    from autogan.progress.terminal import TerminalProgress

    remembered = speeds.recall() if speeds else None
    with TerminalProgress(notes, f"autogan {title}", remembered) as progress:
        try:
            yield progress
        finally:
            if speeds:
                speeds.keep(progress.eta.speeds)


def print_results(results: dict[str, Any], folder: Path, as_json: bool) -> None:
    if as_json:
        print(json.dumps(results))
        return
    from autogan.progress.terminal import results_table
    from autogan.runs.cautions import cautions
    from autogan.runs.contents import Results
    from autogan.runs.outcomes import from_plain

    tables.print(results_table(results))
    if "files" in results:
        for name, file in results["files"].items():
            notes.print(f"{name}: {folder / file}", highlight=False, markup=False, soft_wrap=True)
        for caution in cautions(from_plain(Results, results)):
            notes.print(caution, style="yellow", highlight=False, markup=False, soft_wrap=True)
        results_file = folder / RESULTS
        notes.print(f"results: {results_file}", highlight=False, markup=False, soft_wrap=True)
