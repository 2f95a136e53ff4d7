"""What can be proposed on a rung: codes of all architectures that extend a promoted one, and no others."""

import itertools
import random

from autogan.spaces import search_space
from autogan.spaces.architecture import Architecture
from autogan.strategies.base import Rung
from autogan.strategies.domain import Domain

SPACE = search_space("autogan", 2)
BEAMS = (Architecture.parse("pre-batch-nearest"), Architecture.parse("post-none-bilinear"))
STAGE = Domain(SPACE, Rung(1, promoted=BEAMS))


def test_a_stage_asks_for_the_beam_and_the_decisions_of_its_cell() -> None:
    assert STAGE.sizes == (2, 2, 3, 3, 2, 2) and STAGE.cardinality == 144
    assert list(STAGE.questions)[:2] == ["beam", "generator cell 1 order"]
    every = {STAGE.decode(codes) for codes in itertools.product(*map(range, STAGE.sizes))}
    assert len(every) == 144 and {a.prefix(1) for a in every} == set(BEAMS)


def test_a_rung_without_promoted_ones_is_the_whole_space() -> None:
    domain = Domain(SPACE, Rung(1, steps=100))
    assert domain.cardinality == SPACE.cardinality() == 36 * 72


def test_a_rung_of_more_steps_has_the_promoted_ones_alone() -> None:
    whole = (SPACE.sample(random.Random(0)), SPACE.sample(random.Random(1)))
    domain = Domain(SPACE, Rung(1, steps=400, promoted=whole))
    assert domain.sizes == (2,) and [domain.decode((n,)) for n in (0, 1)] == list(whole)
    assert domain.encode(SPACE.first()) is None


def test_codes_and_architectures_are_one_to_one() -> None:
    stream = random.Random(0)
    for domain in (STAGE, Domain(SPACE, Rung(1))):
        for _ in range(20):
            codes = domain.sample(stream)
            assert domain.encode(domain.decode(codes)) == codes
    other = Architecture.parse("pre-none-nearest/post-none-bilinear")
    assert STAGE.encode(other) is None, "it extends no beam"
    assert STAGE.encode(BEAMS[0]) is None, "it is of another stage"


def test_neighbours_and_mutants_differ_in_one_answer() -> None:
    codes, stream = STAGE.sample(random.Random(3)), random.Random(0)
    neighbours = list(STAGE.neighbours(codes))
    assert len(neighbours) == len(set(neighbours)) == sum(size - 1 for size in STAGE.sizes)
    assert all(sum(a != b for a, b in zip(codes, n, strict=True)) == 1 for n in neighbours)
    assert {STAGE.mutate(codes, stream) for _ in range(500)} == set(neighbours)


def test_where_nothing_is_open_a_mutant_is_the_same() -> None:
    domain = Domain(SPACE, Rung(1, steps=400, promoted=(SPACE.first(),)))
    assert domain.mutate((0,), random.Random(0)) == (0,)
