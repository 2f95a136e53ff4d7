"""Architectures of the modern space as values: every way to write one is read back."""

import json
import pickle
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autogan.basics.errors import UserError
from autogan.spaces import search_space
from autogan.spaces.architecture import Architecture
from autogan.spaces.modern.codec import EXAMPLE
from autogan.spaces.modern.decisions import CellArchitecture, architecture_of, cells_of
from autogan.spaces.modern.space import ModernSpace

architectures = st.builds(
    lambda cells, seed: search_space("modern", cells).sample(random.Random(seed)),
    st.integers(1, 7),
    st.integers(0, 2**32),
)


@given(architectures)
def test_text_vector_json_and_pickle_are_read_back(architecture: Architecture) -> None:
    assert Architecture.parse(str(architecture)) == architecture
    assert str(architecture).startswith("modern:")
    vector = architecture.to_vector()
    assert ModernSpace.from_vector(vector) == architecture
    for written in (str(vector), " ".join(map(str, vector)), json.dumps(vector)):
        assert Architecture.parse(f"modern:{written}") == architecture, written
    assert architecture_of(cells_of(architecture)) == architecture
    assert pickle.loads(pickle.dumps(architecture)) == architecture


@given(architectures, architectures)
def test_equality_and_hash_follow_the_decisions(one: Architecture, other: Architecture) -> None:
    assert (one == other) == (one.to_vector() == other.to_vector())
    assert len({one, other, Architecture.parse(str(one))}) == (1 if one == other else 2)


def test_a_text_says_what_a_cell_takes() -> None:
    cells = cells_of(Architecture.parse(EXAMPLE))
    assert cells == (
        CellArchitecture("pre-batch", "nearest"),
        CellArchitecture("grouped", "bilinear", "half", "linear", (0,)),
    )
    assert Architecture.parse(EXAMPLE).to_vector() == [1, 0, 0, 0, 7, 1, 1, 2, 1]
    first, second = cells
    assert (first.kind, first.normalisation, first.middle) == ("pre", "batch", "full")
    assert (second.kind, second.middle) == ("grouped", "full")
    assert CellArchitecture("modulated", "nearest", width="half").middle == "half"


def test_the_space_holds_as_many_as_its_description_says() -> None:
    assert [search_space("modern", n).cardinality() for n in (1, 2)] == [162, 162 * 324]
    assert search_space("modern", 3).cardinality() == 34_012_224
    assert "softmax" not in search_space("modern", 4).at_stage(3)[3].options


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("bottleneck-batch-nearest", "Cannot read 'bottleneck-batch-nearest' as cell 0"),
        ("modulated", "Cannot read 'modulated'"),
        ("pre-none-nearest+shortcut", "Cannot read"),
        ("pre-none-nearest+half+half", "Cannot read"),
        ("pre-none-nearest+softmax+linear", "Cannot read"),
        ("pre-none-nearest+skip0", "Cell 0 has no earlier cell"),
        ("grouped-nearest/grouped-nearest+skip1", "Generator cell 1: skips cannot be"),
        ("0 0 0", "this one has 3"),
        ("9 0 0 0", r"position 0 \(cell 0, block\): 9 is not allowed.*8 modulated"),
        ("0 0 0 0 0 0 0 0 2", r"position 8 \(cell 1, skips\)"),
        ("/".join(["grouped-nearest"] * 8), "at most 7, not 8"),
        ("/".join(["grouped-nearest"] * 3 + ["grouped-nearest+softmax"]), "Generator cell 3: att"),
        ("1" * 19, "too many digits"),
    ],
)
def test_what_is_none_is_refused_with_the_reason(text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        Architecture.parse(f"modern:{text}")
