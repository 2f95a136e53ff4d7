"""The beams of a search, stage by stage, as one SVG tree."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from autogan.basics.errors import UserError
from autogan.runs.contents import Searched
from autogan.spaces import space_of
from autogan.spaces.architecture import Architecture
from autogan.spaces.around_generators import players
from autogan.spaces.discriminator_architecture import DEVIATION

_WIDTH, _HEIGHT, _GAP, _BETWEEN, _TOP = 268, 50, 12, 58, 50
_MOST_WORDS, _FIRST_LINE = 3, 31  # words and characters beside the reward


@dataclass(frozen=True)
class Node:
    """A kept architecture: what its newest cell is, how it scored, and whether it leads to the winner.

    note: a few words on what became of it, e.g. "trained".
    """

    architecture: Architecture
    reward: float
    leads_to_winner: bool
    note: str = ""


@dataclass(frozen=True)
class StageColumn:
    """A stage: its title, and its beams, best first."""

    title: str
    nodes: tuple[Node, ...]


def columns_of(
    architectures: Searched, bottom_size: int, trained: Sequence[str], winner: str | None
) -> list[StageColumn]:
    """The columns for what a search found, as architectures.json has it.

    trained: the architectures that were trained; winner: the one of them that was best.
    """
    levels = [*architectures.stages, architectures.ranking]
    won = _readable(winner)
    columns = []
    for stage, children in enumerate(level for level in levels if level):
        nodes = []
        for child in children:
            architecture = child.architecture
            chosen = won is not None and won.taken[: stage + 1] == architecture.taken
            text = str(architecture)
            note = "winner" if text == winner else "trained" if text in trained else ""
            nodes.append(Node(architecture, child.reward, chosen, note))
        size = bottom_size << len(nodes[0].architecture)
        title = f"Stage {len(nodes[0].architecture)} · {size}×{size}"
        if stage == len(architectures.stages):
            title = f"Final ranking · {size}×{size}"
        columns.append(StageColumn(title, tuple(nodes)))
    return columns


def _readable(text: str | None) -> Architecture | None:
    """None where there is no text, or this version does not know an option in it."""
    try:
        return Architecture.parse(text) if text is not None else None
    except UserError:
        return None


def beam_tree(columns: Sequence[StageColumn]) -> str:
    """The columns left to right, every architecture joined to the beam that it extends."""
    tallest = max(len(column.nodes) for column in columns)
    width = len(columns) * (_WIDTH + _BETWEEN) - _BETWEEN + 4
    height = _TOP + tallest * (_HEIGHT + _GAP)
    rewards = [node.reward for column in columns for node in column.nodes]
    edges, cards = [], []
    for number, column in enumerate(columns):
        left = 2 + number * (_WIDTH + _BETWEEN)
        cards.append(f'<text class="head" x="{left}" y="18">{escape(column.title)}</text>')
        cards.append(f'<text class="soft" x="{left}" y="35">{_kept(column)}</text>')
        for row, node in enumerate(column.nodes):
            y = _TOP + row * (_HEIGHT + _GAP)
            cards.append(_card(node, left, y, min(rewards), max(rewards)))
            if number:
                edges.append(_edge(node, columns[number - 1], left, y))
    edges.sort(key=lambda edge: 'class="edge chosen"' in edge)  # the winner's way lies on top
    return (
        f'<svg class="tree" role="img" aria-label="Beams of every stage" '
        f'viewBox="0 0 {width} {height}" width="{width}" height="{height}">'
        f"{''.join(edges)}{''.join(cards)}</svg>"
    )


def _kept(column: StageColumn) -> str:
    count = len(column.nodes)
    return f"{count} kept" if column.title.startswith("Stage") else f"{count} sampled"


def _card(node: Node, left: float, y: float, lowest: float, highest: float) -> str:
    choices, extras = _newest(node.architecture)
    share = (node.reward - lowest) / (highest - lowest) if highest > lowest else 1.0
    css = "card chosen" if node.leads_to_winner else "card"
    note = f" · {node.note}" if node.note else ""
    return (
        f'<g class="{css}"><title>{escape(str(node.architecture))}</title>'
        f'<rect class="box" x="{left}" y="{y}" width="{_WIDTH}" height="{_HEIGHT}" rx="8"/>'
        f'<text x="{left + 12}" y="{y + 19}">{choices}</text>'
        f'<text class="soft" x="{left + 12}" y="{y + 35}">{extras}{note}</text>'
        f'<text class="value" x="{left + _WIDTH - 12}" y="{y + 19}">{node.reward:.3f}</text>'
        f'<rect class="gauge" x="{left + 12}" y="{y + 42}" width="{_WIDTH - 24}" height="3" rx="1.5"/>'
        f'<rect class="filled" x="{left + 12}" y="{y + 42}" width="{(_WIDTH - 24) * share:.1f}" '
        f'height="3" rx="1.5"/></g>'
    )


def _newest(architecture: Architecture) -> tuple[str, str]:
    """The options of the newest stage in two lines: the first words, then what is added.

    A question that the space asks only at other stages is answered with no. Of a pair the
    discriminator's newest block stands first, then the generator's newest cell.
    """
    generator, discriminator = players(architecture)
    if discriminator is not None:
        ends = f"{DEVIATION}, " * discriminator.minibatch_deviation
        return str(discriminator.blocks[-1]), f"{ends}for {_newest(generator)[0]}"
    choices: list[str] = []
    added: list[str] = []
    left_out: list[str] = []
    for name, option in space_of(architecture).by_name(architecture)[-1].items():
        noun = name.removesuffix("s")  # one of them
        line = " · ".join((*choices, str(option)))
        has_room = (
            len(choices) < _MOST_WORDS and len(line) <= _FIRST_LINE and not (added or left_out)
        )
        if isinstance(option, str) and has_room:
            choices.append(option)
        elif not option or option == "none":
            left_out.append(f"no {noun}")
        elif isinstance(option, str):
            added.append(f"{option} {noun}")
        elif isinstance(option, tuple):
            added.append(f"{noun} from {' and '.join(map(str, option))}")
        else:
            added.append(noun)
    return " · ".join(choices), ", ".join(added or left_out)


def _edge(node: Node, before: StageColumn, left: float, y: float) -> str:
    parent = node.architecture.prefix(len(node.architecture) - 1)
    row = next((r for r, n in enumerate(before.nodes) if n.architecture == parent), None)
    if row is None:  # a folder put together by hand may lack the beam
        return ""
    css = "edge chosen" if node.leads_to_winner else "edge"
    from_y = _TOP + row * (_HEIGHT + _GAP) + _HEIGHT / 2
    to_y, start, middle = y + _HEIGHT / 2, left - _BETWEEN, left - _BETWEEN / 2
    return f'<path class="{css}" d="M{start} {from_y}C{middle} {from_y} {middle} {to_y} {left} {to_y}"/>'
