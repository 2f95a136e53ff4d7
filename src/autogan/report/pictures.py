"""Pictures inside a page, so that it is whole in itself."""

import base64
from pathlib import Path


def png_uri(file: Path) -> str:
    """A PNG file as a data URI."""
    return f"data:image/png;base64,{base64.b64encode(file.read_bytes()).decode('ascii')}"
