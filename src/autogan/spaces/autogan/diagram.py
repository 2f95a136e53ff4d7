"""AutoGAN's architectures as drawings."""

from autogan.spaces.architecture import Architecture
from autogan.spaces.autogan.decisions import cells_of
from autogan.spaces.autogan.operations import generator_operations
from autogan.spaces.diagram import generator_diagram


def architecture_diagram(architecture: Architecture, bottom_size: int = 4) -> str:
    """`architecture` as SVG text, its first cell doubling maps of bottom_size × bottom_size pixels."""
    operations = generator_operations(  # widths are not drawn
        architecture, latent_size=1, channels=1, bottom_size=bottom_size
    )
    kinds = [f"{cell.order}-activation" for cell in cells_of(architecture)]
    return generator_diagram(operations, kinds, str(architecture))
