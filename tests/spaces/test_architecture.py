"""Architectures as values that know no particular space, and the seam that a space fills."""

import copy
import json
import pickle
import random
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self

import pytest

import autogan
from autogan import spaces
from autogan.basics.errors import UserError
from autogan.spaces import search_space, space_class, space_of
from autogan.spaces.architecture import Architecture
from autogan.spaces.autogan.decisions import cells_of
from autogan.spaces.decisions import Decision, Place
from autogan.spaces.operations import Operation
from autogan.spaces.space import SearchSpace


class Toy(SearchSpace):
    """One stage after another asks at two places; it has no networks."""

    name = "toy"

    @classmethod
    def of(cls, stages: int) -> Self:
        return cls(
            tuple(
                (
                    Decision("width", Place("generator cell", stage), ("narrow", "wide")),
                    Decision("attention", Place("discriminator block", stage), (False, True)),
                )
                for stage in range(stages)
            )
        )

    @classmethod
    def published(cls) -> Mapping[str, Architecture]:
        return {}

    @classmethod
    def text(cls, architecture: Architecture) -> str:
        return json.dumps(architecture.to_vector())

    @classmethod
    def parse(cls, text: str) -> Architecture:
        return cls.from_vector(json.loads(text))

    @classmethod
    def from_vector(cls, vector: Sequence[int]) -> Architecture:
        architecture, space = None, cls.of(len(vector) // 2)
        for stage in range(space.stages):
            architecture = space.extend(architecture, vector[2 * stage : 2 * stage + 2])
        assert architecture is not None
        return architecture

    def generator(self, **shape: Any) -> Any:
        raise NotImplementedError

    def discriminator(self, channels: int) -> Any:
        raise NotImplementedError

    def operations(self, architecture: Architecture, **shape: Any) -> tuple[Operation, ...]:
        return ()

    def discriminator_operations(self, stage: int, **shape: Any) -> tuple[Operation, ...]:
        return ()

    def diagram(self, architecture: Architecture, *, bottom_size: int = 4) -> str:
        return ""

    def text_diagram(self, architecture: Architecture, **shape: Any) -> str:
        return ""


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A second space, known for the length of a test."""
    own = spaces.space_class

    def known(name: str) -> type[SearchSpace]:
        return Toy if name == "toy" else own(name)

    monkeypatch.setattr("autogan.spaces.space_class", known)
    monkeypatch.setattr("autogan.spaces.architecture.space_class", known)
    monkeypatch.setattr("autogan.spaces.architecture.SPACES", ("autogan", "toy"))
    yield
    search_space.cache_clear()


@pytest.mark.usefixtures("toy")
def test_another_space_has_values_texts_and_samples_of_its_own() -> None:
    space = search_space("toy", 2)
    assert space.cardinality() == 16 and len(space.decisions) == 4
    assert space.options(Place("discriminator block", 1), "attention") == (False, True)
    architecture = Architecture("toy", (("wide", False), ("narrow", True)))
    assert str(architecture) == "toy:[1, 0, 0, 1]"
    assert Architecture.parse(str(architecture)) == architecture in space
    assert architecture not in search_space("autogan", 2)
    assert Architecture.parse("autogan-a").prefix(2) not in space
    only = SearchSpace.only(architecture)
    assert isinstance(only, Toy) and only.first() == architecture and only.cardinality() == 1
    assert len({space.sample(random.Random(seed)) for seed in range(200)}) == 16
    with pytest.raises(UserError, match="Discriminator block 1: attention cannot be 'yes'"):
        Architecture("toy", (("wide", False), ("narrow", "yes")))
    with pytest.raises(UserError, match="Stage 0 of an architecture of toy takes 2 options, not 1"):
        Architecture("toy", (("wide",),))


def test_an_unknown_space_lists_the_known_ones() -> None:
    with pytest.raises(
        UserError, match=r"Unknown search space 'autogun'\..*Known: autogan, modern\."
    ):
        search_space("autogun", 3)
    with pytest.raises(UserError, match="Unknown search space"):
        Architecture("modernist", ((),))


def test_spaces_are_values() -> None:
    assert search_space("autogan", 3) is search_space("autogan", 3)
    assert search_space("autogan", 3) == space_class("autogan").of(3)
    assert hash(search_space("autogan", 2)) == hash(space_class("autogan").of(2))
    assert search_space("autogan", 2) != search_space("autogan", 3)
    assert autogan.search_space("autogan", 3).cardinality() == 373_248
    places = [str(decision.place) for decision in search_space("autogan", 2).decisions]
    assert places == ["generator cell 0"] * 4 + ["generator cell 1"] * 5


def test_a_text_may_name_its_space() -> None:
    a = Architecture.parse("autogan-a")
    assert Architecture.parse(f"autogan:{a}") == Architecture.parse("autogan: A") == a
    assert Architecture.parse(json.loads(json.dumps(str(a)))) == a


def test_copies_in_and_between_processes_are_equal_and_hash_alike() -> None:
    a = Architecture.parse("autogan-c")
    for other in (copy.copy(a), copy.deepcopy(a), pickle.loads(pickle.dumps(a))):
        assert other == a and hash(other) == hash(a) and other in {a: None}
    # Words hash differently in another process: the hash is not carried along.
    code = (
        "import pickle, sys; from autogan.spaces.architecture import Architecture as A; "
        "a = pickle.loads(sys.stdin.buffer.read()); print(a in {A.parse('autogan-c'): None})"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], input=pickle.dumps(a), capture_output=True
    )
    assert answer.stdout.strip() == b"True", answer.stderr


def test_an_architecture_cannot_be_changed() -> None:
    a = Architecture.parse("autogan-a")
    with pytest.raises(AttributeError):
        a.taken = ()  # type: ignore[misc]
    assert repr(a).startswith(
        "Architecture(space='autogan', taken=(('pre', 'none', 'nearest', True)"
    )


def test_the_cells_of_an_architecture_are_made_once() -> None:
    assert cells_of(Architecture.parse("A")) is cells_of(Architecture.parse("autogan-a"))


def test_the_whole_space_of_an_architecture() -> None:
    assert space_of(Architecture.parse("autogan-a").prefix(2)) == search_space("autogan", 2)
