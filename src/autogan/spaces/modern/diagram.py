"""The modern space's architectures as drawings."""

from autogan.spaces.architecture import Architecture
from autogan.spaces.diagram import generator_diagram
from autogan.spaces.modern.decisions import CONVOLUTION_ORDERS, CellArchitecture, cells_of
from autogan.spaces.modern.operations import generator_operations


def architecture_diagram(architecture: Architecture, bottom_size: int = 4) -> str:
    """`architecture` as SVG text, its first cell doubling maps of bottom_size × bottom_size pixels."""
    operations = generator_operations(  # widths are not drawn
        architecture, latent_size=1, channels=1, bottom_size=bottom_size
    )
    kinds = [_kind(cell) for cell in cells_of(architecture)]
    return generator_diagram(operations, kinds, str(architecture))


def _kind(cell: CellArchitecture) -> str:
    """What a cell is, in words."""
    words = f"{cell.kind}-activation" if cell.kind in CONVOLUTION_ORDERS else cell.kind
    return words if cell.width == "full" else f"{words}, half width"
