"""The authors' names of tensors, each with ours: values alone, no tensor is touched.

Their program writes generators in two layouts. *Fixed*: one class for each published architecture,
always pre-activation, without deconvolutions. *Shared*: the weight-sharing generator, with every
option's tensors; the search writes it, and so does their training of a derived architecture.
"""

from autogan.basics.errors import UserError
from autogan.spaces.architecture import Architecture
from autogan.spaces.autogan.decisions import ACTIVATION_ORDERS, cells_of

AFFINE = ("weight", "bias")
BATCH_NORM = (*AFFINE, "running_mean", "running_var")

SHARED_CELLS = 3
"""Cells of the authors' shared generator; growing blocks of their discriminator."""

Names = dict[str, str]
"""Tensors: the authors' name → ours."""


def _tensors(layers: dict[str, str], parts: tuple[str, ...] = AFFINE) -> Names:
    return {
        f"{theirs}.{part}": f"{ours}.{part}" for theirs, ours in layers.items() for part in parts
    }


def _frame_names() -> Names:
    """What stands before and after the cells of every generator."""
    return {
        **_tensors({"l1": "project", "to_rgb.2": "to_rgb"}),
        **_tensors({"to_rgb.0": "to_rgb_normalisation"}, BATCH_NORM),
    }


def fixed_generator_names(architecture: Architecture) -> Names:
    """The fixed layout; raises `UserError` for options that it cannot express."""
    names = _frame_names()
    for index, cell in enumerate(cells_of(architecture)):
        for option, only in ((cell.order, "pre"), (cell.upsampling, "bilinear or nearest")):
            if option not in only.split(" or "):
                raise UserError(
                    f"Cell {index} of the architecture takes {option}, but the weights are laid "
                    f"out as those of the authors' fixed networks, which know only {only} there. "
                    "Is it another architecture?"
                )
        theirs, ours = f"cell{index + 1}", f"cells.{index}"
        names |= _tensors({f"{theirs}.c{b}": f"{ours}.block{b}.pre.convolution" for b in (1, 2)})
        if cell.normalisation == "batch":
            names |= _tensors(
                {f"{theirs}.n{b}": f"{ours}.block{b}.pre.normalisation" for b in (1, 2)},
                BATCH_NORM,
            )
        if cell.shortcut:
            names |= _tensors({f"{theirs}.c_sc": f"{ours}.shortcut.convolution"})
        for place, source in enumerate(cell.skips):
            names |= _tensors(
                {f"{theirs}.skip_in_ops.{place}": f"{ours}.skips.{source}.convolution"}
            )
    return names


def shared_generator_names(cells: int) -> Names:
    """What the first `cells` cells of the shared layout use, at most SHARED_CELLS."""
    names = _frame_names()
    for index in range(cells):
        theirs, ours = f"cell{index + 1}", f"cells.{index}"
        for order in ACTIVATION_ORDERS:
            for block in (1, 2):
                layer, our_layer = f"{theirs}.{order}_conv{block}", f"{ours}.block{block}.{order}"
                names |= _tensors({f"{layer}.conv": f"{our_layer}.convolution"})
                names |= _tensors({f"{layer}.bn": f"{our_layer}.normalisation"}, BATCH_NORM)
            upsamples = {f"{theirs}.{order}_conv1.deconv": f"{ours}.block1.{order}.deconvolution"}
            names |= _tensors(upsamples)
        names |= _tensors(
            {
                f"{theirs}.c_sc": f"{ours}.shortcut.convolution",
                f"{theirs}.deconv_sc": f"{ours}.shortcut.deconvolutions.0",
            }
        )
        for source in range(index):
            ours_skip = f"{ours}.skips.{source}"
            names |= _tensors({f"{theirs}.skip_in_ops.{source}": f"{ours_skip}.convolution"})
            for place, layer in enumerate(_skip_deconvolutions(index - source)):
                names |= _tensors({f"{theirs}.{layer}": f"{ours_skip}.deconvolutions.{place}"})
    return names


def unused_shared_layers(cells: int) -> list[str]:
    """Deconvolutions that the authors' program always writes with the shared layout and never uses."""
    unused = []
    for index in range(cells):
        theirs = f"cell{index + 1}"
        unused += [f"{theirs}.{order}_conv2.deconv" for order in ACTIVATION_ORDERS]
        for doublings in (1, 2):
            if doublings > index:
                unused += [f"{theirs}.{layer}" for layer in _skip_deconvolutions(doublings)]
    return unused


def _skip_deconvolutions(doublings: int) -> list[str]:
    """The layers that double a skip once or twice."""
    return ["skip_deconvx2"] if doublings == 1 else ["skip_deconvx4.0", "skip_deconvx4.1"]


def discriminator_names() -> Names:
    """Four residual blocks, the first two with a shortcut convolution, and a linear layer."""
    layers = {}
    blocks = [f"growing.{index}" for index in range(SHARED_CELLS)] + ["last"]
    for number, ours in enumerate(blocks, start=1):
        layers[f"block{number}.c1"] = f"{ours}.convolution1"
        layers[f"block{number}.c2"] = f"{ours}.convolution2"
        if number <= 2:
            layers[f"block{number}.c_sc"] = f"{ours}.shortcut"
    names = {f"{theirs}.bias": f"{ours}.layer.bias" for theirs, ours in layers.items()}
    layers["l5"] = "to_logit"
    for theirs, ours in layers.items():
        names[f"{theirs}.weight_orig"] = f"{ours}.layer.weight"
        names[f"{theirs}.weight_u"] = f"{ours}.u"
        names[f"{theirs}.weight_v"] = f"{ours}.v"
    return names


def controller_names(decisions: int) -> Names:
    """All but `encoder.weight`, in which the embeddings of all decisions are stacked in order."""
    lstm = [f"lstm.{part}_{side}" for part in ("weight", "bias") for side in ("ih", "hh")]
    heads = _tensors({f"decoders.{index}": f"heads.{index}" for index in range(decisions)})
    return {**{name: name for name in lstm}, **heads}
