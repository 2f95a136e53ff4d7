"""Numbers as people read them."""

import pytest

from autogan.basics.formatting import millions


@pytest.mark.parametrize(
    ("number", "text"),
    [(12_000, "0.012"), (24_600_000, "24.6"), (1_771_000_000, "1,771"), (99_960_000, "100")],
)
def test_millions_never_read_as_nothing(number: float, text: str) -> None:
    assert millions(number) == text
