"""The published architectures and the authors' vector, beside the paper's table and its words."""

import pytest

from autogan.spaces.architecture import Architecture
from autogan.spaces.autogan.decisions import cells_of

PUBLISHED = {
    "autogan-a": ("1 0 1 1  1 0 0 1 1  1 0 1 0 3", "none nearest, none bilinear, none nearest"),
    "autogan-b": ("1 0 1 1  1 0 1 1 1  1 0 1 1 3", "none nearest, none nearest, none nearest"),
    "autogan-c": ("1 1 1 1  1 0 0 1 1  1 0 1 0 3", "batch nearest, none bilinear, none nearest"),
}
"""The vectors of the authors' program, and what they say of each cell's norm and upsampling."""


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_published_architectures_are_those_of_the_paper(name: str) -> None:
    vector, words = PUBLISHED[name]
    architecture = Architecture.parse(name)
    assert architecture.to_vector() == [int(code) for code in vector.split()]
    cells = cells_of(architecture)
    assert [f"{cell.normalisation} {cell.upsampling}" for cell in cells] == words.split(", ")
    assert {cell.order for cell in cells} == {"pre"}
    assert [cell.shortcut for cell in cells] == [True, True, name == "autogan-b"]
    assert [cell.skips for cell in cells] == [(), (0,), (0, 1)]


@pytest.mark.parametrize(
    ("vector", "text"),
    [
        ("0 0 0 0", "post-none-bilinear"),
        ("1 1 1 1", "pre-batch-nearest+shortcut"),
        ("0 2 2 0", "post-instance-deconvolution"),
        ("0 0 0 0 0 0 0 0 0 0 0 0 0 2", "post-none-bilinear/" * 2 + "post-none-bilinear+skip0"),
        ("0 0 0 0 0 0 0 0 0 0 0 0 0 1", "post-none-bilinear/" * 2 + "post-none-bilinear+skip1"),
    ],
)
def test_every_code_means_what_it_means_in_the_authors_program(vector: str, text: str) -> None:
    """The most significant bit of the skips stands for cell 0."""
    assert str(Architecture.parse(vector)) == text
    assert Architecture.parse(text).to_vector() == [int(code) for code in vector.split()]
