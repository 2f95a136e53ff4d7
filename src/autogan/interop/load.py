"""Networks of the authors' program from their checkpoints, as networks of ours."""

import math
import operator
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from autogan.basics.errors import UserError
from autogan.interop import names
from autogan.interop.checkpoint import (
    AVERAGED_GENERATOR,
    CONTROLLER,
    DISCRIMINATOR,
    GENERATOR,
    Checkpoint,
    StateDict,
)
from autogan.nets.gates import Gates
from autogan.spaces import search_space
from autogan.spaces.architecture import Architecture
from autogan.spaces.autogan.discriminator import AutoGanDiscriminator
from autogan.spaces.autogan.generator import AutoGanGenerator
from autogan.spaces.space import SearchSpace
from autogan.strategies.controller import Controller

ArchitectureLike = Architecture | str | Sequence[int]
"""An architecture, any text that `Architecture.parse` reads, "A", "B" or "C", or a vector."""


def load_official_generator(
    path: str | Path, architecture: ArchitectureLike, average: bool = True
) -> AutoGanGenerator:
    """A generator of the authors' program, in evaluation mode: latents B×L → images B×3×S×S in [-1, 1].

    path: their training checkpoint, or the state dict of a generator alone.
    average: of a checkpoint, take the averaged generator; where there is none, the raw one is taken
    and a warning says so.
    Raises `UserError` where the file is none or the weights are not those of the architecture. What
    has no weights (nearest or bilinear, instance normalisation or none) cannot be told from a file.
    """
    return read_generator(Checkpoint.read(Path(path)), architecture, average)


def load_official_discriminator(path: str | Path) -> AutoGanDiscriminator:
    """The discriminator of an authors' checkpoint, or of its state dict alone, in evaluation mode.

    images B×3×H×W in [-1, 1] → logits B, at full growth; `discriminator(images, stage)` at another.
    """
    return _discriminator(Checkpoint.read(Path(path)))


@dataclass(frozen=True)
class OfficialSearch:
    """The networks of an authors' search checkpoint, in evaluation mode.

    generator: (latents, architecture) → images at the stage of the architecture's length.
    discriminator: (images, stage) → logits B; stage 0, 1 or 2.
    controller: the policy for the cell number `controller_stage`, counted from 0; its codes are the
    authors' tokens.
    """

    generator: "SharedGenerator"
    discriminator: AutoGanDiscriminator
    controller: Controller
    controller_stage: int


def load_official_search(path: str | Path) -> OfficialSearch:
    """Shared generator, growing discriminator and controller of an authors' search checkpoint."""
    checkpoint = Checkpoint.read(Path(path))
    if checkpoint.plain is not None:
        raise UserError(f"{path} is the state dict of one network, not a search checkpoint.")
    state = checkpoint.state(GENERATOR)
    latent_size, channels, bottom_size = _generator_sizes(state)
    generator = SharedGenerator(
        search_space("autogan", names.SHARED_CELLS),
        latent_size=latent_size,
        channels=channels,
        bottom_size=bottom_size,
    )
    generator.load_state_dict(_shared_weights(state, generator))
    controller, stage = _controller(checkpoint.state(CONTROLLER))
    return OfficialSearch(generator.eval(), _discriminator(checkpoint), controller, stage)


class SharedGenerator(AutoGanGenerator):
    """The shared generator, which takes architectures in the authors' notation too."""

    def forward(
        self,
        latents: Tensor,
        architecture: ArchitectureLike | None = None,
        batch_statistics: bool = False,
        labels: Tensor | None = None,
        gates: Gates | None = None,
    ) -> Tensor:
        """latents: B×latent_size → images B×3×S×S in [-1, 1], S = bottom_size · 2^(its cells)."""
        if architecture is None:
            raise UserError("A shared generator must be told the architecture.")
        chosen = as_architecture(architecture)
        if len(chosen) > len(self.cells):
            raise UserError(
                f"The architecture has {len(chosen)} cells; the shared generator has "
                f"{len(self.cells)}."
            )
        return super().forward(latents, chosen, batch_statistics, labels, gates)


def as_architecture(given: ArchitectureLike) -> Architecture:
    """The architecture that a user gave in any of the accepted notations.

    Raises `UserError` for one that is not of AutoGAN's space: the authors' program knows no other.
    """
    chosen = _read_architecture(given)
    if chosen.space != "autogan":
        raise UserError(
            f"The authors' files hold architectures of the space autogan, and {chosen} is of the space "
            f"{chosen.space}."
        )
    return chosen


def _read_architecture(given: ArchitectureLike) -> Architecture:
    if isinstance(given, Architecture):
        return given
    if isinstance(given, str):
        return Architecture.parse(given)
    try:
        vector = [operator.index(code) for code in given]
    except TypeError:
        raise UserError(f"An architecture vector is a list of integers, not {given!r}.") from None
    return Architecture.from_vector(vector)


def read_generator(
    checkpoint: Checkpoint, architecture: ArchitectureLike, average: bool
) -> AutoGanGenerator:
    """As `load_official_generator`, of a file that was read."""
    chosen = as_architecture(architecture)
    part = GENERATOR
    if average and has_average(checkpoint):
        part = AVERAGED_GENERATOR
    elif average and checkpoint.plain is None:
        warnings.warn(
            f"{checkpoint.path} has no averaged generator; the raw one is taken.", stacklevel=3
        )
    state = checkpoint.state(part)
    latent_size, channels, bottom_size = _generator_sizes(state)
    in_file = len({name.split(".")[0] for name in state.tensors if re.match(r"cell\d+\.", name)})
    if in_file != len(chosen):
        raise UserError(
            f"The weights in {state.source} are of {in_file} cells, but the architecture "
            f"{chosen} has {len(chosen)}."
        )
    generator = AutoGanGenerator(
        SearchSpace.only(chosen),
        latent_size=latent_size,
        channels=channels,
        bottom_size=bottom_size,
    )
    if any(re.match(r"cell\d+\.(pre|post)_conv", name) for name in state.tensors):
        with torch.device("meta"):  # only its shapes are needed
            shared = AutoGanGenerator(
                search_space("autogan", len(chosen)),
                latent_size=latent_size,
                channels=channels,
                bottom_size=bottom_size,
            )
        weights = _shared_weights(state, shared)
        generator.load_state_dict({name: weights[name] for name in generator.state_dict()})
    else:
        _load(generator, state, names.fixed_generator_names(chosen), f"the architecture {chosen}")
    return generator.eval()


def has_average(checkpoint: Checkpoint) -> bool:
    """Whether the file holds an averaged generator beside the raw one."""
    return AVERAGED_GENERATOR in checkpoint.parts


def _generator_sizes(state: StateDict) -> tuple[int, int, int]:
    """Latent size, channels and bottom size, read off the first and the last layer."""
    first, last = state.tensors.get("l1.weight"), state.tensors.get("to_rgb.2.weight")
    if first is None or last is None or first.ndim != 2 or last.ndim != 4:
        raise UserError(
            f"{state.source} holds no generator of the authors' program: it needs l1.weight "
            "(two dimensions) and to_rgb.2.weight (four)."
        )
    rows, latent_size = first.shape
    channels = last.shape[1]
    bottom_size = math.isqrt(rows // channels) if channels else 0
    if not latent_size or not bottom_size or channels * bottom_size**2 != rows:
        raise UserError(
            f"{state.source}: l1.weight has {rows} rows, which is not the {channels} channels of "
            "to_rgb.2.weight times a square."
        )
    return latent_size, channels, bottom_size


def _shared_weights(state: StateDict, shared: AutoGanGenerator) -> dict[str, Tensor]:
    """All weights of the shared layout under our names; `shared` gives their shapes."""
    cells = len(shared.cells)
    if cells > names.SHARED_CELLS:
        raise UserError(
            f"{state.source} is a shared generator of {cells} cells; the authors' has "
            f"{names.SHARED_CELLS}."
        )
    used = names.shared_generator_names(cells)
    channels = shared.widths[-1]  # of every cell: a checkpoint knows one width
    unused: dict[str, tuple[int, ...]] = {}
    for layer in names.unused_shared_layers(cells):
        unused[f"{layer}.weight"] = (channels, channels, 2, 2)
        unused[f"{layer}.bias"] = (channels,)
    expected = {**_shapes(shared, used), **unused}
    state.require(expected, f"the authors' shared generator of {cells} cells")
    return {ours: state.tensors[theirs] for theirs, ours in used.items()}


def _discriminator(checkpoint: Checkpoint) -> AutoGanDiscriminator:
    state = checkpoint.state(DISCRIMINATOR)
    last = state.tensors.get("l5.weight_orig")
    if last is None or last.ndim != 2 or not last.shape[1]:
        raise UserError(
            f"{state.source} holds no discriminator of the authors' program with spectral "
            "normalisation: it needs l5.weight_orig (two dimensions)."
        )
    discriminator = AutoGanDiscriminator(names.SHARED_CELLS, last.shape[1])
    _load(discriminator, state, names.discriminator_names(), "the authors' discriminator")
    return discriminator.eval()


def _controller(state: StateDict) -> tuple[Controller, int]:
    """The controller and the stage it was made for, which its numbers of options tell."""
    rows: dict[int, int] = {}
    for name, tensor in state.tensors.items():
        if (decoder := re.match(r"decoders\.(\d+)\.", name)) and tensor.ndim:
            rows.setdefault(int(decoder[1]), len(tensor))
    sizes = [rows[index] for index in sorted(rows)]
    recurrent = state.tensors.get("lstm.weight_hh")
    space = search_space("autogan", names.SHARED_CELLS)
    numbers_of_options = [
        [len(d.options) for d in space.at_stage(stage)] for stage in range(space.stages)
    ]
    if sizes not in numbers_of_options or recurrent is None or recurrent.ndim != 2:
        raise UserError(
            f"{state.source} holds no controller of the authors' program: it needs lstm.weight_hh, "
            "and decoders for 2, 3, 3, 2 options and, from the second cell on, for 2 or 4 skips; it "
            f"has decoders for {', '.join(map(str, sizes)) or 'none'}."
        )
    stage = numbers_of_options.index(sizes)
    hidden_size = recurrent.shape[1]
    controller = Controller(space.at_stage(stage), hidden_size)
    known = names.controller_names(len(sizes))
    encoder = {"encoder.weight": (sum(sizes), hidden_size)}
    state.require({**_shapes(controller, known), **encoder}, f"a controller for cell {stage}")
    weights = {ours: state.tensors[theirs] for theirs, ours in known.items()}
    for index, embedding in enumerate(state.tensors["encoder.weight"].split(sizes)):
        weights[f"embeddings.{index}.weight"] = embedding
    controller.load_state_dict(weights)
    return controller.eval(), stage


def _shapes(module: nn.Module, known: names.Names) -> dict[str, tuple[int, ...]]:
    """The shape of each of the authors' tensors, after our module's."""
    ours = module.state_dict()
    return {theirs: tuple(ours[name].shape) for theirs, name in known.items()}


def _load(module: nn.Module, state: StateDict, known: names.Names, network: str) -> None:
    state.require(_shapes(module, known), network)
    module.load_state_dict({ours: state.tensors[theirs] for theirs, ours in known.items()})
