"""The commands about presets: presets, presets show."""

import json
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from autogan.cli.common import INGREDIENTS, Json, app, complete_presets
from autogan.cli.console import say, say_lines, say_named


class _ShowHint(TyperGroup):
    """Who gives a preset's name alone is told how it is shown."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and self.get_command(ctx, args[0]) is None:
            from autogan.settings.loading import preset_names

            if args[0] in preset_names():
                ctx.fail(f"To see a preset: autogan presets show {args[0]}")
        return super().resolve_command(ctx, args)


presets_app = typer.Typer(cls=_ShowHint)
app.add_typer(presets_app, name="presets", rich_help_panel=INGREDIENTS)


@presets_app.callback(invoke_without_command=True)
def presets(context: typer.Context, as_json: Json = False) -> None:
    """Settings by name, which --preset takes; alone, lists them.

    Example: [bold]autogan presets[/]

    Example: [bold]autogan presets show cifar10-cpu[/]
    """
    if context.invoked_subcommand is not None:
        return
    from autogan.settings.loading import preset_names
    from autogan.settings.presets_in_words import preset_summary

    summaries = {name: preset_summary(name) for name in preset_names()}
    if as_json:
        print(json.dumps(summaries))
        return
    say_named(summaries)


@presets_app.command()
def show(
    preset: Annotated[
        str,
        typer.Argument(metavar="P", help="A preset's name.", autocompletion=complete_presets),
    ],
    as_json: Json = False,
) -> None:
    """One preset with every setting resolved and explained, as YAML that --config takes.

    Example: [bold]autogan presets show cifar10-cpu > mine.yaml[/]
    """
    from autogan.settings.loading import load_settings

    settings = load_settings(preset)
    if as_json:
        print(json.dumps(settings.model_dump(mode="json")))
        return
    from autogan.settings.presets_in_words import commented_yaml, preset_summary

    say(f"# {preset}: {preset_summary(preset)}")
    say_lines(commented_yaml(settings))
