"""Checkpoints of the authors' program, read as they are (docs/official-checkpoints.md).

Nothing in a file is ever executed. Widths, bottom size, latent and hidden size are read off the
tensors; a file that does not fit is refused with a `UserError` that names the tensors.
"""

from autogan.interop.load import (
    load_official_discriminator,
    load_official_generator,
    load_official_search,
)

__all__ = ["load_official_discriminator", "load_official_generator", "load_official_search"]
