"""The search space as plain values: sizes, codecs, refusals."""

import random
import subprocess
import sys
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autogan.basics.errors import UserError
from autogan.spaces import search_space
from autogan.spaces.architecture import Architecture
from autogan.spaces.autogan.codec import PUBLISHED_VECTORS
from autogan.spaces.autogan.decisions import (
    CellArchitecture,
    architecture_of,
    cells_of,
)
from autogan.spaces.decisions import generator_cell

architectures = st.builds(
    lambda cells, seed: search_space("autogan", cells).sample(random.Random(seed)),
    st.integers(1, 4),
    st.integers(0, 2**32),
)


def test_the_published_space_has_373248_members() -> None:
    sizes = [search_space("autogan", cells).cardinality() for cells in (1, 2, 3)]
    assert sizes == [36, 36 * 72, 373_248]


@pytest.mark.parametrize("cells", [0, 8, -1])
def test_a_space_of_no_or_too_many_cells_is_refused(cells: int) -> None:
    with pytest.raises(UserError, match=f"1 to 7 cells, not {cells}"):
        search_space("autogan", cells)


@pytest.mark.parametrize("name", PUBLISHED_VECTORS)
def test_published_vectors_round_trip(name: str) -> None:
    architecture = Architecture.parse(name.upper())
    assert architecture == Architecture.parse(name[-1]) == Architecture.parse(name[-1].upper())
    assert architecture.to_vector() == list(PUBLISHED_VECTORS[name])
    assert Architecture.parse(str(architecture)) == architecture
    assert architecture in search_space("autogan", 3)


def test_autogan_a_says_what_the_paper_draws() -> None:
    assert str(Architecture.parse("autogan-a")) == (
        "pre-none-nearest+shortcut/pre-none-bilinear+shortcut+skip0/pre-none-nearest+skip0+skip1"
    )


@given(architectures)
def test_vectors_are_read_in_any_notation(architecture: Architecture) -> None:
    vector = architecture.to_vector()
    commas = ",".join(map(str, vector))
    spaces = " ".join(map(str, vector))
    for text in (
        commas,
        spaces,
        str(vector),
        str(tuple(vector)),
        f"[{spaces}]",
        f"array([{commas}])",
        f"2020-01-01 12:00:05,123 arch: [{spaces}]",
        f"arch (rank 1): {vector}, IS: 8.51 || FID 12.4",
    ):
        assert Architecture.parse(text) == architecture, text


@given(architectures, architectures)
def test_equality_and_hash_follow_the_decisions(one: Architecture, other: Architecture) -> None:
    same = Architecture.from_vector(one.to_vector())
    assert same is not one and same == one and hash(same) == hash(one)
    assert (one == other) == (one.to_vector() == other.to_vector())
    assert len({one, same, other}) == (1 if one == other else 2)


def test_architectures_differ_in_every_single_decision() -> None:
    base = [0] * 9
    space = search_space("autogan", 2)
    sizes = [len(d.options) for d in space.decisions]
    neighbours = [
        [*base[:place], code, *base[place + 1 :]]
        for place, size in enumerate(sizes)
        for code in range(1, size)
    ]
    distinct = {Architecture.from_vector(vector) for vector in [base, *neighbours]}
    assert len(distinct) == 1 + sum(size - 1 for size in sizes)


@pytest.mark.parametrize("length", [0, 1, 3, 5, 8, 10, 13, 15])
def test_a_vector_of_wrong_length_is_refused(length: int) -> None:
    with pytest.raises(UserError, match=rf"this one has {length}\b"):
        Architecture.from_vector([0] * length)


@pytest.mark.parametrize(
    ("place", "code", "cell", "decision", "allowed"),
    [
        (0, 2, 0, "order", "0 post, 1 pre"),
        (1, 3, 0, "normalisation", "0 none, 1 batch, 2 instance"),
        (2, -1, 0, "upsampling", "0 bilinear, 1 nearest, 2 deconvolution"),
        (7, 2, 1, "shortcut", "0 no, 1 yes"),
        (8, 2, 1, "skips", "0 no skip, 1 from cell 0"),
        (
            13,
            4,
            2,
            "skips",
            "0 no skip, 1 from cell 1, 2 from cell 0, 3 from cell 0 and 1",
        ),
    ],
)
def test_a_value_out_of_range_is_named(
    place: int, code: int, cell: int, decision: str, allowed: str
) -> None:
    vector = [0] * 14
    vector[place] = code
    with pytest.raises(UserError) as caught:
        Architecture.from_vector(vector)
    message = str(caught.value)
    assert f"position {place} (cell {cell}, {decision}): {code} " in message
    assert f"Allowed: {allowed}." in message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("autogan-d", ["autogan-d", "autogan-a"]),
        ("", ["cell 0"]),
        ("pre-none", ["'pre-none'", "cell 0"]),
        ("pre-none-nearest+shortcat", ["shortcat"]),
        ("mid-none-nearest", ["Generator cell 0", "order", "'mid'", "post, pre"]),
        ("pre-layer-nearest", ["normalisation", "'layer'", "batch"]),
        (
            "pre-none-nearest/pre-none-cubic",
            ["Generator cell 1", "upsampling", "'cubic'", "bilinear"],
        ),
        ("pre-none-nearest+skip0", ["Cell 0", "skip"]),
        ("pre-none-nearest/pre-none-nearest+skip1", ["Generator cell 1", "skips"]),
        ("pre-none-nearest/pre-none-nearest+skip2", ["Generator cell 1", "skips"]),
        ("pre-none-nearest/pre-none-nearest+skip0+skip0", ["Generator cell 1", "skips"]),
        ("pre-none-nearest//pre-none-nearest", ["cell 1"]),
        ("1,0,1", ["3"]),
        ("1,0,9,1", ["position 2", "upsampling", "9"]),
        ("1,0,-1,1", ["position 2", "upsampling", "-1"]),
    ],
)
def test_unreadable_texts_are_refused_with_their_place(text: str, words: list[str]) -> None:
    with pytest.raises(UserError) as caught:
        Architecture.parse(text)
    for word in words:
        assert word in str(caught.value)


def test_an_architecture_has_a_cell() -> None:
    with pytest.raises(UserError, match="at least one cell"):
        architecture_of([])
    with pytest.raises(UserError, match="Cell 0"):
        architecture_of([CellArchitecture("pre", "none", "nearest", False, (0,))])


def test_sampling_is_uniform() -> None:
    stream = random.Random(7)
    space = search_space("autogan", 1)
    counts = Counter(space.sample(stream) for _ in range(3600))
    assert len(counts) == 36
    # Chi-square with 35 degrees of freedom: 80 is passed by chance once in 40,000.
    assert sum((n - 100) ** 2 / 100 for n in counts.values()) < 80


def test_sampling_keeps_the_prefix_and_draws_the_rest_uniformly() -> None:
    stream = random.Random(3)
    prefix = Architecture.parse("post-batch-deconvolution+shortcut")
    space = search_space("autogan", 3)
    drawn = [space.sample(stream, prefix) for _ in range(1200)]
    assert all(a.prefix(1) == prefix and len(a) == 3 for a in drawn)
    skips = Counter(cells_of(a)[2].skips for a in drawn)
    assert set(skips) == {(), (0,), (1,), (0, 1)}
    assert all(230 < n < 370 for n in skips.values())


def test_extend_takes_exactly_one_code_for_each_decision() -> None:
    space = search_space("autogan", 2)
    with pytest.raises(ValueError):
        space.extend(None, [0, 0, 0])
    with pytest.raises(ValueError):
        space.extend(None, [0, 0, 0, 0, 0])


def test_options_of_a_cell() -> None:
    space = search_space("autogan", 3)
    assert space.options(generator_cell(0), "skips") == ()
    assert space.options(generator_cell(1), "skips") == ((), (0,))
    assert space.options(generator_cell(2), "skips") == ((), (1,), (0,), (0, 1))
    assert space.options(generator_cell(2), "shortcut") == (False, True)


def test_space_and_settings_import_no_torch() -> None:
    code = (
        "import sys, autogan.spaces.space, autogan.settings.loading as s; s.load_settings('demo'); "
        "print('torch' in sys.modules)"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (answer.stdout.strip(), answer.stderr) == ("False", "")
