"""Every test of every conformance suite fails for some broken plug-in, and passes for a sound one."""

import inspect
import itertools
import pickle
import random
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import pytest
import torch
from games import GradientPenalties, Remembering
from torch import Tensor

from autogan import spaces
from autogan.gan.objectives import Hinge, Objective
from autogan.images import DataSet, ImageSet, glyphs
from autogan.images.dataset import from_stored
from autogan.judges.base import Judge, Judgement, check_images
from autogan.spaces import search_space
from autogan.spaces.architecture import Architecture
from autogan.spaces.autogan.discriminator import AutoGanDiscriminator
from autogan.spaces.autogan.generator import AutoGanGenerator
from autogan.spaces.autogan.space import AutoGanSpace
from autogan.spaces.space import SearchSpace
from autogan.strategies.base import Observation, Rung, Strategy
from autogan.strategies.local_search import LocalSearch
from autogan.strategies.uniform import UniformRandom
from autogan.testing import (
    ImageSourceConformance,
    JudgeConformance,
    ObjectiveConformance,
    SpaceConformance,
    StrategyConformance,
)


def names_of(suite: type) -> list[str]:
    return sorted(name for name in dir(suite) if name.startswith("test_"))


def run(suite: Any, name: str, tmp_path: Path) -> None:
    """One test of a suite, as pytest would run it."""
    test = getattr(suite, name)
    test(tmp_path) if "tmp_path" in inspect.signature(test).parameters else test()


@contextmanager
def refused_by_the_suite() -> Iterator[None]:
    """Fails where nothing is refused, or not by the suite but by what it calls."""
    with pytest.raises(AssertionError) as refused:
        yield
    files = [Path(entry.path).as_posix() for entry in refused.traceback]
    assert "/autogan/testing/" in [file for file in files if "/autogan/" in file][-1], files


def check_all_can_fail(suite: type, broken: Mapping[str, object]) -> None:
    assert sorted(broken) == names_of(suite)


# Strategies


class Strategies(StrategyConformance):
    learns = False

    def __init__(self, kind: Callable[[SearchSpace, int], Strategy]) -> None:
        self.kind = kind

    def make(self, space: SearchSpace, seed: int) -> Strategy:
        return self.kind(space, seed)


class ProposesOutside(UniformRandom):
    def propose(self, count: int, rung: Rung, history: Sequence[Observation]) -> list[Architecture]:
        proposals = super().propose(count, rung, history)
        longer = search_space("autogan", rung.stage + 2)
        return [longer.extend(proposal, [0] * 5) for proposal in proposals]


class PromotesTheWorst(UniformRandom):
    def ranked(self, observations: Sequence[Observation]) -> list[Observation]:
        return super().ranked(observations)[::-1]


class PromotesTwice(UniformRandom):
    def promote(
        self, rung: Rung, observations: Sequence[Observation], count: int
    ) -> list[Architecture]:
        self.beams = [o.architecture for o in self.ranked(observations)[:count]]
        return list(self.beams)


class ForgetsWhatItPromoted(UniformRandom):
    def promote(
        self, rung: Rung, observations: Sequence[Observation], count: int
    ) -> list[Architecture]:
        return Strategy.promote(self, rung, observations, count)


class ForgetsItsState(UniformRandom):
    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.beams = [Architecture.parse(beam) for beam in state["beams"]]


class HasOneSeed(UniformRandom):
    def __init__(self, space: SearchSpace, seed: int) -> None:
        super().__init__(space, 0)


class TakesFailuresForSuccesses(UniformRandom):
    def promote(
        self, rung: Rung, observations: Sequence[Observation], count: int
    ) -> list[Architecture]:
        self.beams = [o.architecture for o in observations][:count]
        return list(self.beams)


class MeasuresInTensors(UniformRandom):
    def observe(self, observations: Sequence[Observation]) -> dict[str, float]:
        return {"loss": torch.zeros(())}  # type: ignore[dict-item]


class ChangesTheHistory(UniformRandom):
    def propose(self, count: int, rung: Rung, history: Sequence[Observation]) -> list[Architecture]:
        assert isinstance(history, list)
        history.reverse()
        return super().propose(count, rung, history)


class DrawsFromASharedStream(UniformRandom):
    def observe(self, observations: Sequence[Observation]) -> dict[str, float]:
        return {"luck": random.random()}


class PicklesItsState(UniformRandom):
    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "pickled": pickle.dumps(self.beams).hex()}


class Learners(Strategies):
    """Asked to show that they learn."""

    learns = learns_from_failures = True
    learning_rung = Rung(2, 100)


BROKEN_LEARNERS: dict[str, type[Strategy]] = {
    "test_it_learns_what_is_better": UniformRandom,
    "test_it_avoids_what_fails": UniformRandom,
}
BROKEN_STRATEGIES: dict[str, list[type[UniformRandom]]] = {
    "test_proposals_are_members_as_many_as_asked_on_every_rung": [ProposesOutside],
    "test_the_promoted_are_distinct_observed_and_the_best_first": [
        PromotesTheWorst,
        PromotesTwice,
    ],
    "test_proposals_after_a_promotion_extend_a_promoted_one": [ForgetsWhatItPromoted],
    "test_it_goes_on_exactly_from_a_state_that_was_stored": [ForgetsItsState],
    "test_the_seed_decides_the_proposals": [HasOneSeed],
    "test_it_copes_with_scorings_that_gave_no_values": [TakesFailuresForSuccesses],
    "test_metrics_are_numbers_that_the_journal_can_hold": [MeasuresInTensors],
    "test_nothing_is_pickled": [PicklesItsState],
    "test_it_changes_nothing_but_itself": [ChangesTheHistory, DrawsFromASharedStream],
}


def test_every_test_of_a_strategy_can_fail(tmp_path: Path) -> None:
    check_all_can_fail(StrategyConformance, {**BROKEN_STRATEGIES, **BROKEN_LEARNERS})
    for name, kinds in BROKEN_STRATEGIES.items():
        run(Strategies(UniformRandom), name, tmp_path)
        for kind in kinds:
            with refused_by_the_suite():
                run(Strategies(kind), name, tmp_path)


@pytest.mark.parametrize("name", BROKEN_LEARNERS)
def test_every_test_of_what_is_learned_can_fail(name: str, tmp_path: Path) -> None:
    run(Learners(LocalSearch), name, tmp_path)
    with refused_by_the_suite():
        run(Learners(BROKEN_LEARNERS[name]), name, tmp_path)


# Spaces


class Spaces(SpaceConformance):
    most_stages = 2
    samples = 3

    def __init__(self, kind: type[SearchSpace]) -> None:
        self.kind = kind

    def make(self, stages: int) -> SearchSpace:
        return self.kind.of(stages)


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[type[SearchSpace]], None]]:
    """Puts a space in the place of AutoGAN's, for the length of a test."""

    def put(kind: type[SearchSpace]) -> None:
        search_space.cache_clear()
        monkeypatch.setattr(spaces, "space_class", lambda name: kind)
        monkeypatch.setattr("autogan.spaces.architecture.space_class", lambda name: kind)

    yield put
    search_space.cache_clear()


class AsksTwice(AutoGanSpace):
    @classmethod
    def of(cls, stages: int) -> Self:
        whole = super().of(stages)
        return cls(tuple(tuple(replace(d, name="order") for d in ds) for ds in whole.by_stage))


class AsksWhatADiscriminatorIsAsked(AutoGanSpace):
    @classmethod
    def of(cls, stages: int) -> Self:
        (first, *others), *later = super().of(stages).by_stage
        return cls(((replace(first, name="discriminator block"), *others), *later))


class HasNoSmallerOne(AutoGanSpace):
    def prefix(self, stages: int) -> Self:
        return self


class HasOneStageAtLeast(AutoGanSpace):
    @classmethod
    def of(cls, stages: int) -> Self:
        return super().of(max(stages, 1))


class CountsOneMore(AutoGanSpace):
    def cardinality(self) -> int:
        return super().cardinality() + 1


class ForgetsThePrefix(AutoGanSpace):
    def sample(self, generator: random.Random, prefix: Architecture | None = None) -> Architecture:
        return super().sample(generator)


class HoldsEverything(AutoGanSpace):
    def __contains__(self, architecture: Architecture) -> bool:
        return architecture.space == self.name


class LeavesOutShortcuts(AutoGanSpace):
    @classmethod
    def text(cls, architecture: Architecture) -> str:
        return super().text(architecture).replace("+shortcut", "")


class ReadsEverything(AutoGanSpace):
    @classmethod
    def parse(cls, text: str) -> Architecture:
        return cls.of(1).first()


class ReadsEveryVector(AutoGanSpace):
    @classmethod
    def from_vector(cls, vector: Sequence[int]) -> Architecture:
        return super().from_vector([code if code < 10 else 0 for code in vector])


class EncodesNothing(AutoGanSpace):
    def encode(self, architecture: Architecture, stage: int) -> list[int]:
        return [0] * len(super().encode(architecture, stage))


class PublishesAnother(AutoGanSpace):
    @classmethod
    def published(cls) -> Mapping[str, Architecture]:
        return {"autogan-a": cls.of(3).first()}


class HasNetworks(AutoGanSpace):
    """With a generator or a discriminator of its own."""

    generator_class: type[AutoGanGenerator] = AutoGanGenerator
    discriminator_class: type[AutoGanDiscriminator] = AutoGanDiscriminator

    def generator(self, **shape: Any) -> AutoGanGenerator:
        return self.generator_class(self, **shape)

    def discriminator(self, channels: int, **shape: Any) -> AutoGanDiscriminator:
        return self.discriminator_class(self.stages, channels, **shape)


class TooBright(AutoGanGenerator):
    def forward(self, *given: Any, **named: Any) -> Tensor:
        return super().forward(*given, **named) + 5


class OwnWeights(AutoGanGenerator):
    def __init__(self, space: SearchSpace, **shape: Any) -> None:
        super().__init__(space, **shape)
        if space.cardinality() == 1:
            self.extra = torch.nn.Parameter(torch.zeros(3))


class Unused(AutoGanGenerator):
    def __init__(self, space: SearchSpace, **shape: Any) -> None:
        super().__init__(space, **shape)
        self.extra = torch.nn.Parameter(torch.zeros(3))


class OneWidth(AutoGanGenerator):
    def __init__(self, space: SearchSpace, *, channels: Any, **shape: Any) -> None:
        width = channels if isinstance(channels, int) else channels[0]
        super().__init__(space, channels=width, **shape)


class Compares(AutoGanDiscriminator):
    def forward(self, *given: Any, **named: Any) -> Tensor:
        logits = super().forward(*given, **named)
        return logits - logits.mean()


class DrawsItsOwn(AutoGanDiscriminator):
    def initialise(self, generator: torch.Generator) -> None:
        super().initialise(torch.Generator().manual_seed(0))


class MakesOneClass(AutoGanGenerator):
    def forward(self, *given: Any, labels: Tensor | None = None, **named: Any) -> Tensor:
        alike = None if labels is None else 0 * labels
        return super().forward(*given, labels=alike, **named)


class KnowsNoClass(AutoGanDiscriminator):
    def _logits(self, h: Tensor, labels: Tensor | None) -> Tensor:
        return super()._logits(h, None if labels is None else 0 * labels)


class MakesAllClassesAlike(HasNetworks):
    generator_class = MakesOneClass


class JudgesAllClassesAlike(HasNetworks):
    discriminator_class = KnowsNoClass


class TrainsTogether(AutoGanDiscriminator):
    def logits_apart(self, *given: Any, **named: Any) -> tuple[Tensor, Tensor]:
        logits, along = super().logits_apart(*given, **named)
        return logits, along + 0 * logits


class MakesTooBright(HasNetworks):
    generator_class = TooBright


class MakesOthersForOne(HasNetworks):
    generator_class = OwnWeights


class MakesMoreThanItUses(HasNetworks):
    generator_class = Unused


class MakesOneWidth(HasNetworks):
    generator_class = OneWidth


class JudgesByTheBatch(HasNetworks):
    discriminator_class = Compares


class TrainsAllAtOnce(HasNetworks):
    discriminator_class = TrainsTogether


class SeedsItself(HasNetworks):
    discriminator_class = DrawsItsOwn


class LeavesOneOut(AutoGanSpace):
    def operations(self, *given: Any, **named: Any) -> Any:
        return super().operations(*given, **named)[1:]

    def discriminator_operations(self, *given: Any, **named: Any) -> Any:
        return super().discriminator_operations(*given, **named)[1:]


class GoesBackwards(AutoGanSpace):
    def operations(self, *given: Any, **named: Any) -> Any:
        return super().operations(*given, **named)[::-1]


class DrawsOneThing(AutoGanSpace):
    def diagram(self, architecture: Architecture, *, bottom_size: int = 4) -> str:
        return '<svg viewBox="0 0 1 1"/>'

    def text_diagram(self, *given: Any, **named: Any) -> str:
        return "latent\ncell\nimage"


BROKEN_SPACES: dict[str, type[AutoGanSpace]] = {
    "test_decisions_are_told_apart_by_place_and_name": AsksTwice,
    "test_the_first_stages_are_the_smaller_space": HasNoSmallerOne,
    "test_no_stages_are_refused": HasOneStageAtLeast,
    "test_it_holds_as_many_architectures_as_it_says": CountsOneMore,
    "test_samples_are_members_and_keep_the_prefix": ForgetsThePrefix,
    "test_a_member_of_more_stages_is_none": HoldsEverything,
    "test_its_generators_go_with_every_discriminator": AsksWhatADiscriminatorIsAsked,
    "test_texts_are_read_back": LeavesOutShortcuts,
    "test_what_is_no_text_of_an_architecture_is_refused": ReadsEverything,
    "test_vectors_are_read_back": ReadsEveryVector,
    "test_prefix_extend_and_encode_agree": EncodesNothing,
    "test_the_space_of_one_architecture_has_one_member": CountsOneMore,
    "test_published_architectures_are_read_by_their_names": PublishesAnother,
    "test_generators_make_images_of_every_stage": MakesTooBright,
    "test_images_are_of_the_class_that_is_asked_for": MakesAllClassesAlike,
    "test_a_derived_generator_is_a_path_through_the_shared_one": MakesOthersForOne,
    "test_gradients_reach_every_weight_of_a_derived_generator": MakesMoreThanItUses,
    "test_operations_have_the_parameters_of_the_generator": LeavesOneOut,
    "test_cells_may_have_widths_of_their_own": MakesOneWidth,
    "test_the_discriminator_gives_one_logit_an_image_at_every_stage": JudgesByTheBatch,
    "test_the_discriminator_judges_an_image_by_its_class": JudgesAllClassesAlike,
    "test_the_discriminator_is_drawn_from_the_stream_it_is_given": SeedsItself,
    "test_features_and_direction_of_a_discriminator_are_trained_apart": TrainsAllAtOnce,
    "test_operations_have_the_parameters_of_the_discriminator": LeavesOneOut,
    "test_diagrams_are_well_formed": DrawsOneThing,
    "test_text_diagrams_are_lines_of_text": DrawsOneThing,
    "test_operations_stand_inside_and_between_the_places": GoesBackwards,
}


def test_every_test_of_a_space_has_a_broken_one() -> None:
    check_all_can_fail(SpaceConformance, BROKEN_SPACES)


@pytest.mark.parametrize("name", BROKEN_SPACES)
def test_a_test_of_a_space_can_fail(
    name: str, known: Callable[[type[SearchSpace]], None], tmp_path: Path
) -> None:
    run(Spaces(AutoGanSpace), name, tmp_path)
    known(BROKEN_SPACES[name])
    with refused_by_the_suite():
        run(Spaces(BROKEN_SPACES[name]), name, tmp_path)


# Judges


class Judges(JudgeConformance):
    def __init__(self, kind: type[Judge]) -> None:
        self.kind = kind

    def make(self) -> Judge:
        return self.kind()


class Colours(Judge):
    """A sound one: features are colours, classes the strongest of them."""

    kind, name = "colours", "colours-1"
    feature_dimension, class_count, class_names = 3, 3, ("red", "green", "blue")

    def __call__(self, images: Tensor) -> Judgement:
        check_images(images)
        features = images.float().mean((2, 3)) / 255
        return Judgement(features, features.softmax(1))


class InDoublePrecision(Colours):
    def __call__(self, images: Tensor) -> Judgement:
        return Judgement(*(part.double() for part in vars(super().__call__(images)).values()))


class IsHalfSure(Colours):
    def __call__(self, images: Tensor) -> Judgement:
        judgement = super().__call__(images)
        return Judgement(judgement.features, judgement.probabilities / 2)


class Tires(Colours):
    seen = 0

    def __call__(self, images: Tensor) -> Judgement:
        judgement = super().__call__(images)
        self.seen += len(images)
        return Judgement(judgement.features / self.seen, judgement.probabilities)


class SeesNothing(Colours):
    def __call__(self, images: Tensor) -> Judgement:
        judgement = super().__call__(images)
        return Judgement(torch.zeros_like(judgement.features), judgement.probabilities)


class ComparesWithTheBatch(Colours):
    def __call__(self, images: Tensor) -> Judgement:
        judgement = super().__call__(images)
        features = judgement.features
        return Judgement(features - features.mean(0), judgement.probabilities)


class LosesTheOrder(Colours):
    def judge_all(self, batches: Any) -> Judgement:
        return super().judge_all(list(batches)[::-1])


class JudgesEverything(Colours):
    def __call__(self, images: Tensor) -> Judgement:
        features = images.float().mean((2, 3)) / 255
        return Judgement(features, features.softmax(1))


class SaysMoreThanJson(Colours):
    def describe(self) -> dict[str, Any]:
        return {**super().describe(), "classes": self.class_names}


class HasAPathForAName(Colours):
    name = "colours/1"


class NamesTooFew(Colours):
    class_names = ("red",)


BROKEN_JUDGES: dict[str, type[Judge]] = {
    "test_a_judgement_has_the_promised_shapes_at_every_size": InDoublePrecision,
    "test_probabilities_sum_to_1": IsHalfSure,
    "test_the_same_images_get_the_same_judgement": Tires,
    "test_other_images_get_another_judgement": SeesNothing,
    "test_an_image_is_judged_by_itself": ComparesWithTheBatch,
    "test_batches_are_joined_in_their_order": LosesTheOrder,
    "test_what_is_no_image_is_refused": JudgesEverything,
    "test_it_describes_itself_in_json": SaysMoreThanJson,
    "test_its_name_can_be_part_of_a_file_s": HasAPathForAName,
    "test_its_class_names_are_those_of_its_classes": NamesTooFew,
}


def test_every_test_of_a_judge_can_fail(tmp_path: Path) -> None:
    check_all_can_fail(JudgeConformance, BROKEN_JUDGES)
    for name, kind in BROKEN_JUDGES.items():
        run(Judges(Colours), name, tmp_path)
        with refused_by_the_suite():
            run(Judges(kind), name, tmp_path)


# Objectives


class Objectives(ObjectiveConformance):
    def __init__(self, kind: type[Objective]) -> None:
        self.kind = kind

    def make(self) -> Objective:
        return self.kind()


class OneLossAnImage(Hinge):
    def generator_loss(self, generated_logits: Tensor, real_logits: Tensor | None = None) -> Tensor:
        return -generated_logits


class TakesRealForGenerated(Hinge):
    def discriminator_loss(self, real_logits: Tensor, generated_logits: Tensor) -> Tensor:
        return super().discriminator_loss(generated_logits, real_logits)


class HelpsTheDiscriminator(Hinge):
    def generator_loss(self, generated_logits: Tensor, real_logits: Tensor | None = None) -> Tensor:
        return generated_logits.mean()


class PenalisesNothing(GradientPenalties):
    def penalty(self, *given: Any) -> Tensor:
        return super().penalty(*given).detach()


class Dithers(Hinge):
    def discriminator_loss(self, real_logits: Tensor, generated_logits: Tensor) -> Tensor:
        return super().discriminator_loss(real_logits, generated_logits) + 1e-3 * torch.rand(())


class RemembersBesideItsState(Hinge):
    real_mean = 0.0

    def discriminator_loss(self, real_logits: Tensor, generated_logits: Tensor) -> Tensor:
        self.real_mean = 0.9 * self.real_mean + 0.1 * real_logits.detach().mean().item()
        pull = (real_logits - self.real_mean).square().mean()
        return super().discriminator_loss(real_logits, generated_logits) + 0.3 * pull


class NeverForgets(Remembering):
    def restart(self) -> None:
        pass


class TeachesNothing(Hinge):
    def generator_loss(self, generated_logits: Tensor, real_logits: Tensor | None = None) -> Tensor:
        return 0 * generated_logits.mean()


BROKEN_OBJECTIVES: dict[str, type[Objective]] = {
    "test_losses_are_finite_scalars": OneLossAnImage,
    "test_the_discriminator_wants_real_logits_high_and_generated_ones_low": TakesRealForGenerated,
    "test_the_generator_wants_its_logits_high": HelpsTheDiscriminator,
    "test_a_penalty_is_a_finite_scalar_that_reaches_the_weights": PenalisesNothing,
    "test_it_draws_no_random_numbers_and_learns_nothing": Dithers,
    "test_its_state_goes_on_from_a_checkpoint": RemembersBesideItsState,
    "test_a_restart_forgets": NeverForgets,
    "test_a_game_goes_on_from_a_checkpoint": RemembersBesideItsState,
    "test_steps_teach_the_discriminator_an_easy_problem": TakesRealForGenerated,
    "test_steps_teach_the_generator_against_a_discriminator_that_stays": TeachesNothing,
}


def test_every_test_of_an_objective_can_fail(tmp_path: Path) -> None:
    check_all_can_fail(ObjectiveConformance, BROKEN_OBJECTIVES)
    for name, kind in BROKEN_OBJECTIVES.items():
        run(Objectives(Hinge), name, tmp_path)
        with refused_by_the_suite():
            run(Objectives(kind), name, tmp_path)


# Image sources

Change = Callable[[DataSet], DataSet]


class Sources(ImageSourceConformance):
    def __init__(self, change: Change) -> None:
        self.change = change

    def load(self, size: int, cache_directory: Path) -> DataSet:
        stored = glyphs.stored(size, cache_directory, train_images=60, held_out_images=20)
        return self.change(from_stored("glyphs", stored, cache_directory))


def sound(data: DataSet) -> DataSet:
    return data


def ordered(data: DataSet, order: Tensor) -> DataSet:
    assert data.train.labels is not None
    return replace(data, train=ImageSet(data.train.pixels[order], data.train.labels[order]))


def of_one_size(data: DataSet) -> DataSet:
    return data.resized(16)


def with_classes_without_names(data: DataSet) -> DataSet:
    assert data.train.labels is not None
    return replace(data, train=ImageSet(data.train.pixels, data.train.labels + 1))


def judged_by_what_it_trained_on(data: DataSet) -> DataSet:
    return replace(data, held_out=data.train)


NUMBERS = itertools.count()


def shuffled_anew(data: DataSet) -> DataSet:
    stream = torch.Generator().manual_seed(next(NUMBERS))
    return ordered(data, torch.randperm(len(data.train), generator=stream))


def with_one_digest(data: DataSet) -> DataSet:
    return replace(data, digest="0" * 64)


def class_by_class(data: DataSet) -> DataSet:
    assert data.train.labels is not None
    return ordered(data, data.train.labels.argsort(stable=True))


class Reversing(DataSet):
    def resized(self, size: int) -> DataSet:
        small = super().resized(size)
        return small if small is self else ordered(small, torch.arange(len(small.train)).flip(0))


def reversed_when_made_smaller(data: DataSet) -> DataSet:
    names = ("name", "digest", "class_names", "train", "held_out", "notes", "cache_directory")
    return Reversing(**{name: getattr(data, name) for name in names})


def with_an_empty_note(data: DataSet) -> DataSet:
    return replace(data, notes=("",))


BROKEN_SOURCES: dict[str, Change] = {
    "test_images_are_uint8_of_the_size_asked_for": of_one_size,
    "test_labels_are_classes_of_the_data": with_classes_without_names,
    "test_held_out_images_are_not_trained_on": judged_by_what_it_trained_on,
    "test_the_same_data_come_every_time": shuffled_anew,
    "test_the_digest_tells_sizes_apart": with_one_digest,
    "test_images_do_not_come_class_by_class": class_by_class,
    "test_smaller_images_keep_their_order": reversed_when_made_smaller,
    "test_notes_are_sentences_for_people": with_an_empty_note,
}


def test_every_test_of_an_image_source_can_fail(tmp_path: Path) -> None:
    check_all_can_fail(ImageSourceConformance, BROKEN_SOURCES)
    for name, change in BROKEN_SOURCES.items():
        run(Sources(sound), name, tmp_path)
        with refused_by_the_suite():
            run(Sources(change), name, tmp_path)


def test_suites_need_no_pytest() -> None:
    """They are inherited where pytest is, and imported where it may not be."""
    code = "import sys, autogan.testing; print('pytest' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "False"
