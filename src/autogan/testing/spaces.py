"""What every search space keeps to."""

import itertools
import json
import math
import random
import xml.etree.ElementTree as ElementTree
from abc import ABC, abstractmethod
from collections.abc import Iterator

import torch
from torch import Tensor

from autogan.images.classes import Classes
from autogan.nets.layers import initialise
from autogan.spaces import search_space
from autogan.spaces.architecture import MOST_CHARACTERS, Architecture
from autogan.spaces.around_generators import players
from autogan.spaces.networks import Discriminator, Generator
from autogan.spaces.operations import Size
from autogan.spaces.pair import pair_space
from autogan.spaces.sizes import discriminator_size, generator_size
from autogan.spaces.space import SearchSpace
from autogan.spaces.widths import Channels
from autogan.testing.checks import refuses, seeded

MOST_LISTED = 1000
CLASSES = Classes(("a", "b", "c"), (0.5, 0.3, 0.2))
PARTLY_LABELLED = Classes(CLASSES.names, CLASSES.shares, unlabelled=True)
TOLD = (None, CLASSES, PARTLY_LABELLED)
"""What networks may be told: no classes, those of every image, or those of some."""


class SpaceConformance(ABC):
    """Tests of a search space as values, of its networks, its counts and its diagrams.

    The space's name must be known: one line of `autogan.spaces.space_class`. In a file of tests:

        from autogan.testing import SpaceConformance
        from mine import ModernSpace

        class TestModernSpace(SpaceConformance):
            channels = 16  # where its networks need more

            def make(self, stages):
                return ModernSpace.of(stages)
    """

    most_stages = 3
    latent_size = 6
    channels = 8
    """Of every cell and every block; the tests of one width for each cell take 2, 3, … times as many."""
    bottom_size = 4
    batch = 3
    samples = 6
    """Architectures of each space that the networks are built for."""

    @abstractmethod
    def make(self, stages: int) -> SearchSpace:
        """The whole space of so many stages."""

    # What the tests build.

    def spaces(self) -> Iterator[SearchSpace]:
        """The whole spaces of 1, 2, … stages."""
        return (self.make(stages) for stages in range(1, self.most_stages + 1))

    def members(self, space: SearchSpace) -> list[Architecture]:
        """The first member, the one of all last options, and a random sample."""
        last = None
        for stage in range(space.stages):
            last = space.extend(last, [len(d.options) - 1 for d in space.at_stage(stage)])
        assert last is not None
        sampled = [space.sample(random.Random(seed)) for seed in range(self.samples)]
        return [space.first(), last, *sampled]

    def generator(
        self,
        space: SearchSpace,
        channels: Channels | None = None,
        classes: Classes | None = None,
    ) -> Generator:
        """The generator of a space, with fresh weights, in evaluation mode."""
        generator = space.generator(
            latent_size=self.latent_size,
            channels=channels or self.channels,
            bottom_size=self.bottom_size,
            classes=classes,
        )
        initialise(generator, seeded(0))
        return generator.eval()

    def discriminator(self, space: SearchSpace, classes: Classes | None = None) -> Discriminator:
        """The discriminator of a space, with fresh weights, in evaluation mode."""
        discriminator = space.discriminator(self.channels, classes=classes)
        discriminator.initialise(seeded(0))
        return discriminator.eval()

    def labels(self, first: int = 0) -> Tensor:
        """int64 B: every class in turn, from `first` on."""
        return (torch.arange(self.batch) + first) % len(CLASSES)

    def latents(self) -> Tensor:
        """B×latent_size."""
        return torch.randn(self.batch, self.latent_size, generator=seeded(1))

    def size(self, stage: int) -> int:
        """Side of the images of a stage, in pixels."""
        return self.bottom_size << (stage + 1)

    def images(self, stage: int) -> Tensor:
        """B×3×S×S in [-1, 1]."""
        size = self.size(stage)
        return torch.rand(self.batch, 3, size, size, generator=seeded(2)) * 2 - 1

    def each_width(self, stages: int) -> tuple[int, ...]:
        """Another width for every cell, the widest first."""
        return tuple(self.channels * (stages + 1 - stage) for stage in range(stages))

    # Decisions and architectures as values.

    def test_decisions_are_told_apart_by_place_and_name(self) -> None:
        for space in self.spaces():
            assert space.decisions and all(space.by_stage), "a stage decides nothing"
            named = [(decision.place, decision.name) for decision in space.decisions]
            assert len(set(named)) == len(named), named
            for decision in space.decisions:
                options = decision.options
                assert options and len(set(options)) == len(options), decision
                assert space.options(decision.place, decision.name) == options, decision

    def test_the_first_stages_are_the_smaller_space(self) -> None:
        whole = self.make(self.most_stages)
        for space in self.spaces():
            assert whole.prefix(space.stages) == space == self.make(space.stages)
            assert hash(space) == hash(self.make(space.stages))
            assert search_space(space.name, space.stages) == space, "its name means another space"

    def test_no_stages_are_refused(self) -> None:
        for stages in (0, -1):
            assert refuses(self.make, stages), f"{stages} stages"

    def test_it_holds_as_many_architectures_as_it_says(self) -> None:
        for space in self.spaces():
            sizes = [len(decision.options) for decision in space.decisions]
            assert space.cardinality() == math.prod(sizes), (space.cardinality(), sizes)
        first = self.make(1)
        codes = itertools.product(*(range(len(d.options)) for d in first.decisions))
        listed = {first.extend(None, code) for code in itertools.islice(codes, MOST_LISTED)}
        assert len(listed) == min(first.cardinality(), MOST_LISTED), "some members are equal"
        assert len(set(map(str, listed))) == len(listed), "some members have one text"

    def test_samples_are_members_and_keep_the_prefix(self) -> None:
        for space in self.spaces():
            samples = [space.sample(random.Random(seed)) for seed in range(30)]
            assert all(a in space and len(a) == space.stages for a in samples), samples
            assert samples == [space.sample(random.Random(seed)) for seed in range(30)]
            assert len(set(samples)) > 1, "all samples are one"
            for stages in range(1, space.stages):
                beginning = samples[0].prefix(stages)
                extended = space.sample(random.Random(7), beginning)
                assert extended in space and extended.prefix(stages) == beginning
                assert len(extended) == space.stages

    def test_a_member_of_more_stages_is_none(self) -> None:
        for smaller, larger in itertools.pairwise(self.spaces()):
            for architecture in self.members(larger):
                assert architecture not in smaller
                assert architecture.prefix(smaller.stages) in smaller
                assert architecture.prefix(smaller.stages) in larger

    def test_texts_are_read_back(self) -> None:
        for space in self.spaces():
            for architecture in self.members(space):
                text = str(architecture)
                assert Architecture.parse(text) == architecture, text
                assert Architecture.parse(f" {text}\n") == architecture, text
                assert Architecture.parse(json.loads(json.dumps(text))) == architecture, text
                assert text.isprintable() and len(text) <= MOST_CHARACTERS, text

    def test_what_is_no_text_of_an_architecture_is_refused(self) -> None:
        name = self.make(1).name
        for text in ("", "no such architecture", "/", "[]", "99"):
            written = f"{name}:{text}"
            assert refuses(Architecture.parse, written), written

    def test_its_generators_go_with_every_discriminator(self) -> None:
        """As pairs, which have a text, a vector, stages and decisions of their own."""
        for space in self.spaces():
            pairs = pair_space(space)
            names = [[d.name for d in decisions] for decisions in pairs.by_stage]
            assert all(len(set(of_stage)) == len(of_stage) for of_stage in names), names
            assert pairs.generators == space
            for seed in range(self.samples):
                pair = pairs.sample(random.Random(seed))
                generator, discriminator = players(pair)
                assert discriminator is not None and generator in space
                assert pairs.pair(generator, discriminator) == pair
                assert Architecture.parse(str(pair)) == pair, str(pair)
                assert pairs.from_vector(pair.to_vector()) == pair
                closed = pair_space(SearchSpace.only(generator))
                assert pair in closed, str(pair)
                assert players(closed.sample(random.Random(seed)))[0] == generator

    def test_vectors_are_read_back(self) -> None:
        for space in self.spaces():
            for architecture in self.members(space):
                vector = architecture.to_vector()
                assert len(vector) == len(space.decisions) and all(type(c) is int for c in vector)
                assert type(space).from_vector(vector) == architecture, vector
                assert refuses(type(space).from_vector, [*vector[:-1], 10**6]), vector

    def test_prefix_extend_and_encode_agree(self) -> None:
        for space in self.spaces():
            for architecture in self.members(space):
                built, vector = None, list[int]()
                for stage in range(space.stages):
                    codes = space.encode(architecture, stage)
                    built = space.extend(built, codes)
                    vector += codes
                    assert built == architecture.prefix(stage + 1)
                assert built == architecture and vector == architecture.to_vector()

    def test_the_space_of_one_architecture_has_one_member(self) -> None:
        for space in self.spaces():
            members = self.members(space)
            for architecture in members:
                only = SearchSpace.only(architecture)
                assert type(only) is type(space) and only.stages == space.stages
                assert only.cardinality() == 1 and only.first() == architecture in only
                assert only.sample(random.Random(0)) == architecture
                assert not any(other in only for other in members if other != architecture)

    def test_published_architectures_are_read_by_their_names(self) -> None:
        space = self.make(1)
        for name, architecture in type(space).published().items():
            assert Architecture.parse(f"{space.name}:{name}") == architecture, name
            assert architecture in type(space).of(len(architecture)), name

    # Networks.

    def test_generators_make_images_of_every_stage(self) -> None:
        for classes in (None, CLASSES):
            whole = self.generator(self.make(self.most_stages), classes=classes)
            for space in self.spaces():
                for architecture in self.members(space):
                    own = self.generator(SearchSpace.only(architecture), classes=classes)
                    for generator in (whole, own):
                        self._check_images(generator, architecture)

    @torch.no_grad()
    def _check_images(self, generator: Generator, architecture: Architecture) -> None:
        labels = self.labels()
        size = self.size(len(architecture) - 1)
        for batch_statistics in (False, True):
            images = generator(self.latents(), architecture, batch_statistics, labels)
            assert images.shape == (self.batch, 3, size, size), images.shape
            assert bool(images.isfinite().all()) and images.abs().max() <= 1, "not in [-1, 1]"
            assert not torch.equal(images[0], images[1]), "two latents make one image"
        pairs = zip(self.latents().split(1), labels.split(1), strict=True)
        apart = [generator(latent, architecture, labels=label) for latent, label in pairs]
        together = generator(self.latents(), architecture, labels=labels)
        torch.testing.assert_close(torch.cat(apart), together, rtol=1e-4, atol=1e-4)

    @torch.no_grad()
    def test_images_are_of_the_class_that_is_asked_for(self) -> None:
        for space in self.spaces():
            for architecture in self.members(space):
                generator = self.generator(SearchSpace.only(architecture), classes=CLASSES)
                assert generator.classes == CLASSES
                images = generator(self.latents(), labels=self.labels())
                others = generator(self.latents(), labels=self.labels(first=1))
                differ = [not torch.equal(*pair) for pair in zip(images, others, strict=True)]
                assert all(differ), f"{architecture}: two classes make one image"
                assert refuses(generator, self.latents()), "it makes images of no class"

    def test_a_derived_generator_is_a_path_through_the_shared_one(self) -> None:
        for space, classes in itertools.product(self.spaces(), (None, CLASSES)):
            shared = self.generator(space, classes=classes)
            weights = shared.state_dict()
            labels = self.labels()
            for architecture in self.members(space):
                derived = self.generator(SearchSpace.only(architecture), classes=classes)
                assert derived.architecture == architecture
                own = derived.state_dict()
                shapes = {name: weight.shape for name, weight in own.items()}
                there = {name: weights[name].shape for name in shapes if name in weights}
                assert shapes == there, f"{architecture}: other names or shapes"
                derived.load_state_dict({name: weights[name] for name in own})
                with torch.no_grad():
                    torch.testing.assert_close(
                        derived(self.latents(), labels=labels),
                        shared(self.latents(), architecture, labels=labels),
                    )

    def test_gradients_reach_every_weight_of_a_derived_generator(self) -> None:
        for space, classes in itertools.product(self.spaces(), (None, CLASSES)):
            for architecture in self.members(space):
                generator = self.generator(SearchSpace.only(architecture), classes=classes).train()
                images = generator(self.latents(), labels=self.labels())
                (images * torch.randn(images.shape, generator=seeded(3))).sum().backward()
                missed = [n for n, weight in generator.named_parameters() if weight.grad is None]
                assert not missed, f"{architecture} has no use for {missed}"

    def test_operations_have_the_parameters_of_the_generator(self) -> None:
        for space in self.spaces():
            widths: list[Channels] = [self.channels, self.each_width(space.stages)]
            chosen = itertools.product(self.members(space), widths, (None, CLASSES))
            for architecture, channels, classes in chosen:
                only = SearchSpace.only(architecture)
                generator = self.generator(only, channels, classes)
                built = sum(p.numel() for p in generator.parameters())
                size = generator_size(
                    architecture,
                    latent_size=self.latent_size,
                    channels=channels,
                    bottom_size=self.bottom_size,
                    classes=classes,
                )
                assert size.parameters == built, f"{architecture}: {size.parameters}, not {built}"
                assert size.multiply_accumulates > 0

    def test_cells_may_have_widths_of_their_own(self) -> None:
        for space in self.spaces():
            widths = self.each_width(space.stages)
            shared = self.generator(space, widths)
            assert shared.channels == widths
            for architecture in self.members(space):
                derived = self.generator(SearchSpace.only(architecture), widths)
                for generator in (shared, derived):
                    self._check_images(generator, architecture)
            assert refuses(self.generator, space, self.each_width(space.stages + 1))

    @torch.no_grad()
    def test_the_discriminator_gives_one_logit_an_image_at_every_stage(self) -> None:
        for space, classes in itertools.product(self.spaces(), TOLD):
            discriminator = self.discriminator(space, classes)
            labels = self.labels()
            for stage in range(space.stages):
                logits = discriminator(self.images(stage), stage, labels)
                assert logits.shape == (self.batch,), logits.shape
                assert bool(logits.isfinite().all()) and logits.std() > 0, logits
                pairs = zip(self.images(stage).split(1), labels.split(1), strict=True)
                apart = [discriminator(image, stage, label) for image, label in pairs]
                torch.testing.assert_close(torch.cat(apart), logits, rtol=1e-4, atol=1e-4)
            last = discriminator(self.images(stage), labels=labels)
            assert torch.equal(last, logits), "not the last stage"

    @torch.no_grad()
    def test_the_discriminator_judges_an_image_by_its_class(self) -> None:
        for space, classes in itertools.product(self.spaces(), (CLASSES, PARTLY_LABELLED)):
            discriminator = self.discriminator(space, classes)
            assert discriminator.classes == classes
            assert discriminator.guesses_classes == classes.unlabelled
            for stage in range(space.stages):
                images = self.images(stage)
                logits = discriminator(images, stage, self.labels())
                others = discriminator(images, stage, self.labels(first=1))
                assert bool((logits != others).all()), "two classes get one logit"
                if not discriminator.guesses_classes:
                    continue
                unlabelled = torch.full_like(self.labels(), -1)
                given, guesses = discriminator.with_guesses(images, stage, unlabelled)
                assert guesses.shape == (self.batch, len(classes)), guesses.shape
                assert torch.equal(given, discriminator(images, stage, unlabelled))
                assert torch.equal(given, discriminator(images, stage, guesses.argmax(1)))

    def test_the_discriminator_is_drawn_from_the_stream_it_is_given(self) -> None:
        space = self.make(self.most_stages)
        one, same = (self.discriminator(space).state_dict() for _ in range(2))
        other = space.discriminator(self.channels)
        other.initialise(seeded(5))
        assert all(torch.equal(one[name], same[name]) for name in one), "it draws from elsewhere"
        assert not all(torch.equal(v, one[n]) for n, v in other.state_dict().items())

    def test_features_and_direction_of_a_discriminator_are_trained_apart(self) -> None:
        for space in self.spaces():
            assert not self.discriminator(space).has_direction
            discriminator = space.discriminator(self.channels, direction_head=True)
            discriminator.initialise(seeded(0))
            assert discriminator.eval().has_direction
            weights = dict(discriminator.named_parameters())
            reached = []
            for stage in range(space.stages):
                logits = discriminator.logits_apart(self.images(stage), stage)
                torch.testing.assert_close(logits[0], logits[1])
                torch.testing.assert_close(logits[0], discriminator(self.images(stage), stage))
                for values in logits:
                    discriminator.zero_grad()
                    values.sum().backward(retain_graph=True)
                    reached.append({name for name in weights if weights[name].grad is not None})
            for features, direction in zip(reached[0::2], reached[1::2], strict=True):
                assert features and direction, "nothing is trained"
                assert not features & direction, f"both train {features & direction}"

    def test_operations_have_the_parameters_of_the_discriminator(self) -> None:
        for space, classes in itertools.product(self.spaces(), TOLD):
            built = sum(p.numel() for p in self.discriminator(space, classes).parameters())
            sizes = [
                discriminator_size(
                    space,
                    stage,
                    channels=self.channels,
                    image_size=self.size(stage),
                    classes=classes,
                )
                for stage in range(space.stages)
            ]
            assert sizes[-1].parameters == built, f"{sizes[-1].parameters}, not {built}"
            growth = [size.parameters for size in sizes]
            assert growth == sorted(growth) and all(s.multiply_accumulates > 0 for s in sizes)

    # What is shown.

    def test_diagrams_are_well_formed(self) -> None:
        for space in self.spaces():
            drawn = set()
            for architecture in self.members(space):
                svg = space.diagram(architecture, bottom_size=self.bottom_size)
                root = ElementTree.fromstring(svg)
                assert root.tag.endswith("svg"), root.tag
                assert {"viewBox", "width", "height"} & root.attrib.keys(), "it has no size"
                drawn.add(svg)
            assert len(drawn) > 1, "all architectures are drawn alike"

    def test_text_diagrams_are_lines_of_text(self) -> None:
        for space in self.spaces():
            drawn = set()
            for architecture in self.members(space):
                for channels in (self.channels, self.each_width(space.stages)):
                    text = space.text_diagram(
                        architecture, channels=channels, bottom_size=self.bottom_size
                    )
                    lines = text.splitlines()
                    assert len(lines) >= space.stages, text
                    assert all(line.isprintable() for line in lines), text
                    drawn.add(text)
            assert len(drawn) > 2, "all architectures are drawn alike"

    def test_operations_stand_inside_and_between_the_places(self) -> None:
        for space in self.spaces():
            for architecture in self.members(space):
                operations = space.operations(
                    architecture,
                    latent_size=self.latent_size,
                    channels=self.channels,
                    bottom_size=self.bottom_size,
                )
                first, last = operations[0], operations[-1]
                assert first.place is None and last.place is None, "it begins or ends in a place"
                made = (last.channels, last.side)
                assert made == (3, self.size(space.stages - 1)), f"the last map is {made}"
                assert Size.of(operations) == generator_size(
                    architecture,
                    latent_size=self.latent_size,
                    channels=self.channels,
                    bottom_size=self.bottom_size,
                )
