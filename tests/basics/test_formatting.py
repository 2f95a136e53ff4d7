"""Numbers as people read them."""

import pytest

from autogan.basics.formatting import binary_size, millions


@pytest.mark.parametrize(
    ("number", "text"),
    [(12_000, "0.012"), (24_600_000, "24.6"), (1_771_000_000, "1,771"), (99_960_000, "100")],
)
def test_millions_never_read_as_nothing(number: float, text: str) -> None:
    assert millions(number) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (2**14, "16 KiB"),
        (3.4 * 2**20, "3.4 MiB"),
        (5.6 * 2**30, "5.6 GiB"),
        (193_119 * 2**30, "188.6 TiB"),
        (3_125_000 * 2**30, "3,051.8 TiB"),
    ],
)
def test_sizes_keep_few_digits(number: float, text: str) -> None:
    assert binary_size(number) == text
