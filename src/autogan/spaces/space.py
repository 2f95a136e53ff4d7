"""The search space and its members, as plain values (paper section 3.1).

A `SearchSpace` is a list of `Decision`s per cell; an `Architecture` takes one option for each of
them. Strategies, networks, codecs and reports all read that list, so a further option is added here
and in the one operation that computes it. Nothing here imports torch.
"""

import math
import random
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Self

from autogan.basics.errors import UserError
from autogan.basics.limits import MOST_CELLS

ACTIVATION_ORDERS = ("post", "pre")
NORMALISATIONS = ("none", "batch", "instance")
UPSAMPLINGS = ("bilinear", "nearest", "deconvolution")

MOST_CHARACTERS = 2000

PUBLISHED_VECTORS = {
    "autogan-a": (1, 0, 1, 1, 1, 0, 0, 1, 1, 1, 0, 1, 0, 3),
    "autogan-b": (1, 0, 1, 1, 1, 0, 1, 1, 1, 1, 0, 1, 1, 3),
    "autogan-c": (1, 1, 1, 1, 1, 0, 0, 1, 1, 1, 0, 1, 0, 3),
}
"""The three published CIFAR-10 architectures (paper table 1), in the authors' vector."""

Option = str | bool | tuple[int, ...]


@dataclass(frozen=True)
class Decision:
    """One question that an architecture answers for one cell.

    `options` are in the order of the authors' integers: an option's position is its code.
    """

    name: str
    options: tuple[Option, ...]


@dataclass(frozen=True)
class CellArchitecture:
    """The options that one cell takes.

    order: "pre" (norm, ReLU, convolution) or "post" (convolution, norm, ReLU).
    normalisation: "none", "batch" or "instance" (no affine parameters).
    upsampling: "bilinear", "nearest" or "deconvolution" (stride 2, 2×2 kernel).
    shortcut: whether the cell's input is added to its output.
    skips: the earlier cells, ascending, whose skip-outs are added inside this cell.
    """

    order: str
    normalisation: str
    upsampling: str
    shortcut: bool
    skips: tuple[int, ...] = ()

    def __str__(self) -> str:
        extras = ["shortcut"] * self.shortcut + [f"skip{source}" for source in self.skips]
        return "+".join(["-".join((self.order, self.normalisation, self.upsampling)), *extras])


def _skip_options(cell: int) -> tuple[tuple[int, ...], ...]:
    """All sets of earlier cells; the code is binary, its most significant bit stands for cell 0."""
    return tuple(
        tuple(source for source in range(cell) if code >> (cell - 1 - source) & 1)
        for code in range(2**cell)
    )


def _cell_decisions(cell: int) -> tuple[Decision, ...]:
    """AutoGAN's decisions for one cell in the authors' order."""
    decisions = [
        Decision("order", ACTIVATION_ORDERS),
        Decision("normalisation", NORMALISATIONS),
        Decision("upsampling", UPSAMPLINGS),
        Decision("shortcut", (False, True)),
    ]
    if cell > 0:
        decisions.append(Decision("skips", _skip_options(cell)))
    return tuple(decisions)


@dataclass(frozen=True)
class Architecture:
    """A generator architecture: one `CellArchitecture` per cell, each doubling the resolution.

    Raises `UserError` when an option does not exist or a skip does not come from an earlier cell.
    Its text form, `str(architecture)`, reads `pre-none-nearest+shortcut/pre-batch-bilinear+skip0`:
    cells are separated by a slash, and no character needs quoting in a shell.
    """

    cells: tuple[CellArchitecture, ...]

    def __post_init__(self) -> None:
        _check_number(len(self.cells))
        for index, cell in enumerate(self.cells):
            for decision in _cell_decisions(index):
                option = getattr(cell, decision.name)
                if option not in decision.options:
                    allowed = ", ".join(option_text(o) for o in decision.options)
                    raise UserError(
                        f"Cell {index}: {decision.name} cannot be {option!r}. Allowed: {allowed}."
                    )
            if index == 0 and cell.skips:
                raise UserError("Cell 0 has no earlier cell to take a skip connection from.")

    def __str__(self) -> str:
        return "/".join(str(cell) for cell in self.cells)

    def __len__(self) -> int:
        return len(self.cells)

    def prefix(self, cells: int) -> "Architecture":
        """The architecture of the first `cells` cells."""
        return Architecture(self.cells[:cells])

    def to_vector(self) -> list[int]:
        """The authors' vector: order, normalisation, upsampling, shortcut, skips for each cell."""
        return [
            decision.options.index(getattr(cell, decision.name))
            for index, cell in enumerate(self.cells)
            for decision in _cell_decisions(index)
        ]

    @classmethod
    def from_vector(cls, vector: Sequence[int]) -> Self:
        """The architecture of an authors' vector of 4, 9, 14, … integers (5 per cell, 4 for the first).

        Raises `UserError` naming the position, the decision and what is allowed.
        """
        if len(vector) < 4 or (len(vector) - 4) % 5:
            raise UserError(
                f"An architecture vector has 4 integers for the first cell and 5 for each further "
                f"one (4, 9, 14, …); this one has {len(vector)}."
            )
        _check_number((len(vector) + 1) // 5)
        cells: list[CellArchitecture] = []
        position = 0
        while position < len(vector):
            chosen: dict[str, Option] = {}
            for decision in _cell_decisions(len(cells)):
                code = vector[position]
                if not 0 <= code < len(decision.options):
                    meanings = ", ".join(
                        f"{i} {option_text(option)}" for i, option in enumerate(decision.options)
                    )
                    raise UserError(
                        f"Architecture vector, position {position} (cell {len(cells)}, "
                        f"{decision.name}): {code} is not allowed. Allowed: {meanings}."
                    )
                chosen[decision.name] = decision.options[code]
                position += 1
            cells.append(CellArchitecture(**chosen))  # type: ignore[arg-type]
        return cls(tuple(cells))

    @classmethod
    def parse(cls, text: str) -> Self:
        """The architecture of a published name ("autogan-a" or "A"), a text form or an authors' vector.

        A vector may be written with spaces, commas, brackets or the words of a log line around it.
        """
        text = text.strip()
        if len(text) > MOST_CHARACTERS:
            raise UserError(
                f"An architecture's text has at most {MOST_CHARACTERS:,} characters, not {len(text):,}."
            )
        for name, vector in PUBLISHED_VECTORS.items():
            if text.lower() in (name, name.removeprefix("autogan-")):
                return cls.from_vector(vector)
        # "arch: [1, 0, 1, 1]" or "array([1 0 1 1])": what stands in the last brackets is the vector.
        bracketed = re.findall(r"[\[(]([\d\s,·-]+)[\])]", text)
        long_enough = [numbers for numbers in bracketed if len(re.findall(r"\d+", numbers)) >= 4]
        numbers = (long_enough or bracketed or [text])[-1]
        if re.fullmatch(r"[\d\s,·-]*\d[\d\s,·-]*", numbers):
            return cls.from_vector([_integer(n) for n in re.findall(r"-?\d+", numbers)])
        return cls(tuple(_parse_cell(part, i) for i, part in enumerate(text.split("/"))))


def _check_number(cells: int) -> None:
    if not 1 <= cells <= MOST_CELLS:
        raise UserError(
            f"An architecture has at least one cell and at most {MOST_CELLS}, not {cells}."
        )


def _integer(digits: str) -> int:
    if len(digits) > 18:
        raise UserError(f"{digits[:18]}… is no number of an architecture: it has too many digits.")
    return int(digits)


def _parse_cell(text: str, index: int) -> CellArchitecture:
    main, *extras = text.strip().split("+")
    words = main.split("-")
    unknown = [e for e in extras if e != "shortcut" and not re.fullmatch(r"skip\d+", e)]
    if len(words) != 3 or unknown:
        raise UserError(
            f"Cannot read {text.strip()!r} as cell {index} of an architecture. Write it as a "
            "published name (autogan-a, autogan-b, autogan-c), as the authors' vector "
            "(1,0,1,1,…), or as text such as pre-none-nearest+shortcut/pre-batch-bilinear+skip0."
        )
    skips = tuple(sorted(_integer(e.removeprefix("skip")) for e in extras if e != "shortcut"))
    return CellArchitecture(words[0], words[1], words[2], "shortcut" in extras, skips)


def option_text(option: Option) -> str:
    """An option in words."""
    if isinstance(option, tuple):
        return "from cell " + " and ".join(map(str, option)) if option else "no skip"
    if isinstance(option, bool):
        return "yes" if option else "no"
    return option


@dataclass(frozen=True)
class SearchSpace:
    """The decisions that are open, cell by cell; the first `n` cells form a space of their own.

    `SearchSpace.autogan(3)` is the published space of 36 × 72 × 144 = 373,248 architectures;
    `SearchSpace.only(architecture)` has a single member: a network built for it is that network.
    """

    cells: tuple[tuple[Decision, ...], ...]

    @classmethod
    def autogan(cls, cells: int = 3) -> Self:
        """AutoGAN's space (paper section 3.1) for `cells` cells, 1 to MOST_CELLS."""
        if not 1 <= cells <= MOST_CELLS:
            raise UserError(f"A search space has 1 to {MOST_CELLS} cells, not {cells}.")
        return cls(tuple(_cell_decisions(cell) for cell in range(cells)))

    @classmethod
    def only(cls, architecture: Architecture) -> Self:
        """The space whose one member is `architecture`."""
        return cls(
            tuple(
                tuple(Decision(d.name, (getattr(cell, d.name),)) for d in _cell_decisions(index))
                for index, cell in enumerate(architecture.cells)
            )
        )

    def __len__(self) -> int:
        return len(self.cells)

    def __contains__(self, architecture: Architecture) -> bool:
        return len(architecture) <= len(self) and all(
            getattr(cell, decision.name) in decision.options
            for cell, decisions in zip(architecture.cells, self.cells, strict=False)
            for decision in decisions
        )

    def at_stage(self, stage: int) -> tuple[Decision, ...]:
        """The decisions of one stage of growth."""
        return self.cells[stage]

    def prefix(self, cells: int) -> "SearchSpace":
        """The space of the first `cells` cells."""
        return SearchSpace(self.cells[:cells])

    def options(self, cell: int, name: str) -> tuple[Any, ...]:
        """The options of one decision of one cell; none where the cell has no such decision."""
        return next((d.options for d in self.cells[cell] if d.name == name), ())

    def cardinality(self) -> int:
        """How many architectures the space holds."""
        return math.prod(len(d.options) for decisions in self.cells for d in decisions)

    def encode(self, architecture: Architecture, cell: int) -> list[int]:
        """The position of the taken option for every decision of `cell`."""
        chosen = architecture.cells[cell]
        return [d.options.index(getattr(chosen, d.name)) for d in self.cells[cell]]

    def extend(self, prefix: Architecture | None, codes: Iterable[int]) -> Architecture:
        """`prefix` with one more cell, whose options stand at the positions `codes`."""
        done = prefix.cells if prefix else ()
        chosen = {
            decision.name: decision.options[code]
            for decision, code in zip(self.cells[len(done)], codes, strict=True)
        }
        return Architecture((*done, CellArchitecture(**chosen)))  # type: ignore[arg-type]

    def first(self) -> Architecture:
        """The architecture that takes every decision's first option."""
        architecture = None
        for decisions in self.cells:
            architecture = self.extend(architecture, [0] * len(decisions))
        assert architecture is not None, "a space has at least one cell"
        return architecture

    def sample(self, generator: random.Random, prefix: Architecture | None = None) -> Architecture:
        """One architecture, uniform over the space, or over what extends `prefix`."""
        architecture = prefix
        for decisions in self.cells[len(prefix) if prefix else 0 :]:
            codes = [generator.randrange(len(d.options)) for d in decisions]
            architecture = self.extend(architecture, codes)
        assert architecture is not None, "a space has at least one cell"
        return architecture
