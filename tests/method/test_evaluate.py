"""The evaluation: which real images, which latents, and the two ends that scores lie between."""

import copy
import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tiny import Listening, context_of, noise, tiny
from torch import Tensor

from autogan.basics.randomness import torch_generator
from autogan.gan import generation
from autogan.images import ImageSet
from autogan.images.classes import Classes
from autogan.judges import (
    FeatureStatistics,
    Scores,
    floor,
    frechet_distance,
    inception_score,
    reference,
    score,
)
from autogan.judges.modes import measure
from autogan.judges.statistics_files import StatisticsFile
from autogan.method import evaluate as module
from autogan.method.context import Context
from autogan.method.evaluate import (
    clusters_of,
    evaluate,
    evaluate_against,
    evaluation_labels,
    judge_generator,
    real_sides,
)
from autogan.method.train import validation_of
from autogan.nets.layers import initialise
from autogan.progress.base import Cost
from autogan.settings.protocols import Protocol
from autogan.settings.sections import EvaluateSettings
from autogan.spaces.architecture import Architecture
from autogan.spaces.networks import Generator

ARCHITECTURE = Architecture.parse("pre-batch-nearest+shortcut/post-none-bilinear+skip0")


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return context_of(tiny(), tmp_path)


@pytest.fixture
def generator() -> Generator:
    """Not as a fresh one: its images are brighter."""
    made = Generator.for_architecture(ARCHITECTURE, latent_size=16, channels=8, seed=3).eval()
    with torch.no_grad():
        made.get_parameter("to_rgb.bias").fill_(0.4)
    return made


class Work(Listening):
    """Adds up what is advanced."""

    done = 0.0

    def advance(self, load: Cost) -> None:
        self.done += load.work


def drawn(purpose: str, count: int = 40) -> Tensor:
    return torch.randn(count, 16, generator=torch_generator(0, purpose))


@pytest.fixture
def latents(monkeypatch: pytest.MonkeyPatch) -> list[Tensor]:
    """Those that images are generated from, batch by batch."""
    seen: list[Tensor] = []

    def noted(generator: Generator, given: Tensor, *rest: object, **named: object) -> Tensor:
        seen.append(given.clone())
        return generation.generate(generator, given, *rest, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "generate", noted)
    return seen


def small(patch: pytest.MonkeyPatch, protocol: Protocol) -> Protocol:
    """A protocol in the place of those with thousands of images."""
    patch.setattr(EvaluateSettings, "resolved_protocol", lambda settings: protocol)
    return protocol


def test_a_protocol_compares_with_the_training_images_and_the_others_are_the_floor() -> None:
    train, held_out = noise(0), noise(1, 20)
    name, real, others = real_sides(train, held_out, Protocol("x", images=10))
    assert (name, real, others) == ("training", train, held_out)


@pytest.mark.parametrize("number", [1, 19, 20])
def test_a_protocol_of_held_out_images_takes_the_first_of_them(number: int) -> None:
    train, held_out = noise(0), noise(1, 20)
    protocol = Protocol("x", images=10, real="held-out", real_images=number)
    name, real, others = real_sides(train, held_out, protocol)
    assert name == "held-out" and len(real) == number and len(others) == 10
    assert torch.equal(real.pixels, held_out.pixels[:number])
    assert torch.equal(others.pixels, train.pixels[:10])
    assert real.labels is not None and len(real.labels) == number


def test_where_too_few_are_held_out_training_images_are_taken_and_it_is_said() -> None:
    train, held_out = noise(0), noise(1, 20)
    protocol = Protocol("x", images=10, real="held-out", real_images=21)
    name, real, others = real_sides(train, held_out, protocol)
    assert name == "training" and others is held_out
    assert torch.equal(real.pixels, train.pixels[:21])


def test_scores_come_with_the_protocol_and_their_two_ends(
    context: Context, generator: Generator
) -> None:
    progress = Work()
    evaluation = evaluate(generator, context, progress)
    assert evaluation.protocol == {
        "name": "custom",
        "images": 40,
        "inception_splits": 1,
        "real": "training",
        "real_images": 64,
        "statistics": "computed",
    }
    assert evaluation.floor == floor(context.judge, context.data.held_out, context.reference, 1)
    ends = (evaluation.scores, evaluation.floor, evaluation.untrained)
    assert [(s.images, s.real_images, s.judge) for s in ends if s] == [
        (40, 64, "colours"),
        (64, 64, "colours"),
        (40, 64, "colours"),
    ]
    assert len({s.frechet_distance for s in ends if s}) == 3
    assert json.loads(json.dumps(evaluation.to_dict()))["floor"]["images"] == 64
    assert progress.done == pytest.approx(context.workload.evaluation().work)
    assert evaluation.as_few is None  # the real images are no fewer


def close(one: Scores | None, other: Scores) -> bool:
    """Whether they are the same but for the rounding that comes with the size of a batch."""
    if one is None:
        return False
    same = (one.images, one.marks, one.recall) == (other.images, other.marks, other.recall)
    return same and one.frechet_distance == pytest.approx(other.frechet_distance, rel=1e-5)


@pytest.mark.parametrize("real", [30, 39])
def test_where_real_images_are_fewer_as_many_generated_ones_are_scored_too(
    context: Context, generator: Generator, real: int
) -> None:
    held_out = context.data.held_out
    assert held_out.labels is not None
    few = ImageSet(held_out.pixels[:real], held_out.labels[:real])
    context = replace(context, data=replace(context.data, held_out=few))
    evaluation = evaluate(generator, context, Listening())
    latents = torch_generator(context.settings.seed, "evaluation/latents")
    images = generation.generate(
        generator, torch.randn((40, 16), generator=latents), context.compute
    )[:real]
    alone = score(context.judge, iter([images]), real, context.reference, 1)
    assert close(evaluation.as_few, alone) and not close(evaluation.scores, alone)
    assert json.loads(json.dumps(evaluation.to_dict()))["as_few"]["images"] == real


def test_both_generators_are_scored_from_latents_that_nothing_was_chosen_by(
    context: Context, generator: Generator, latents: list[Tensor]
) -> None:
    evaluate(generator, context, Listening())
    trained, untrained = latents
    assert torch.equal(trained, drawn("evaluation/latents")) and torch.equal(trained, untrained)
    latents.clear()
    validation_of(generator, 1, context)
    (validation,) = latents
    assert torch.equal(validation, drawn("validation/latents"))
    assert not torch.equal(validation, trained)


def test_the_untrained_one_is_the_same_architecture_with_fresh_weights(
    context: Context, generator: Generator
) -> None:
    before = copy.deepcopy(generator.state_dict())
    evaluation = evaluate(generator, context, Listening())
    after = generator.state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items())
    other = Generator.for_architecture(ARCHITECTURE, latent_size=16, channels=8, seed=9).eval()
    again = evaluate(other, context, Listening())
    assert again.untrained == evaluation.untrained and again.scores != evaluation.scores
    seeded = replace(context, settings=context.settings.model_copy(update={"seed": 4}))
    assert evaluate(generator, seeded, Listening()).untrained != evaluation.untrained


def test_the_same_evaluation_gives_the_same_scores(context: Context, generator: Generator) -> None:
    one, again = (evaluate(generator, context, Listening()) for _ in range(2))
    assert one == again


def test_a_protocol_of_held_out_images_has_a_reference_of_its_own(
    context: Context, generator: Generator, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    protocol = small(monkeypatch, Protocol("small", 30, 1, real="held-out", real_images=50))
    evaluation = evaluate(generator, context, Listening())
    assert (evaluation.protocol["real"], evaluation.protocol["real_images"]) == ("held-out", 50)
    assert evaluation.scores.images == evaluation.untrained.images == 30
    _, real, others = real_sides(context.data.train, context.data.held_out, protocol)
    against = reference(context.judge, real, "another digest", own_cache / "other")
    assert evaluation.floor == floor(context.judge, others, against, 1)
    assert evaluation.floor.images == 30 and evaluation.scores.real_images == 50
    assert evaluate(generator, context, Listening()) == evaluation  # from the cache


def test_held_out_images_that_are_as_many_as_the_training_ones_are_not_taken_for_them(
    context: Context, generator: Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    small(monkeypatch, Protocol("small", 40, 1, real="held-out", real_images=64))
    scores = evaluate(generator, context, Listening()).scores
    latents = torch_generator(0, "evaluation/latents")
    judged = judge_generator(generator, context, 40, latents).features
    real = context.judge(context.data.held_out.pixels).features
    expected = frechet_distance(*map(FeatureStatistics.from_features, (judged, real)))
    assert scores.frechet_distance == pytest.approx(expected)


def test_all_inception_scores_are_taken_over_the_splits_of_the_protocol(
    context: Context, generator: Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    small(monkeypatch, Protocol("small", 40, 4))
    evaluation = evaluate(generator, context, Listening())
    untrained = Generator.for_architecture(ARCHITECTURE, latent_size=16, channels=8)
    initialise(untrained, torch_generator(0, "evaluation/untrained"))
    judgements = [
        judge_generator(made, context, 40, torch_generator(0, "evaluation/latents"))
        for made in (generator, untrained.eval())
    ]
    judgements.append(context.judge(context.data.held_out.pixels))
    scores = (evaluation.scores, evaluation.untrained, evaluation.floor)
    for judgement, found in zip(judgements, scores, strict=True):
        score = inception_score(judgement.probabilities, 4, shuffle_seed=2020)
        assert found is not None and found.inception_score == pytest.approx(score.mean)
        assert found.inception_score_std == pytest.approx(score.std) and score.std > 0


def test_the_seed_names_the_latents_of_the_scores(
    context: Context, generator: Generator, latents: list[Tensor]
) -> None:
    seeded = replace(context, settings=context.settings.model_copy(update={"seed": 4}))
    evaluate(generator, seeded, Listening())
    validation_of(generator, 1, seeded)
    for given, purpose in zip(
        latents, ("evaluation/latents", "evaluation/latents", "validation/latents"), strict=True
    ):
        assert torch.equal(given, torch.randn(40, 16, generator=torch_generator(4, purpose)))


def test_kinds_of_images_are_measured_on_the_images_that_are_scored(
    context: Context, generator: Generator, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert evaluate(generator, context, Listening()).modes is None  # 64 real images are too few
    monkeypatch.setattr("autogan.judges.modes.TRAINING_IMAGES_A_CLUSTER", 16)
    modes = evaluate(generator, context, Listening()).modes
    clusters = clusters_of(context)
    assert modes is not None and clusters is not None
    held_out = context.data.held_out.pixels
    generated = judge_generator(generator, context, 40, torch_generator(0, "evaluation/latents"))
    features = context.judge(held_out).features
    assert modes == measure(clusters, generated.features, features)
    assert sum(mode.real for mode in modes.modes) == pytest.approx(1)
    assert (modes.clustered_images, modes.generated_images, modes.held_out_images) == (64, 40, 64)
    small(monkeypatch, Protocol("small", 30, 1, real="held-out", real_images=50))
    modes = evaluate(generator, context, Listening()).modes
    assert modes == measure(clusters, generated.features[:30], features[:50])


def test_imported_statistics_allow_scores_without_a_floor(
    context: Context, generator: Generator
) -> None:
    features = context.judge(context.data.train.pixels).features
    imported = StatisticsFile(FeatureStatistics.from_features(features), "colours", "noise")
    evaluation = evaluate_against(
        imported, generator, context.judge, context.settings, context.compute, Listening()
    )
    whole = evaluate(generator, context, Listening())
    assert evaluation.floor is None and evaluation.to_dict()["floor"] is None
    assert evaluation.modes is None and evaluation.to_dict()["modes"] is None
    assert (evaluation.protocol["statistics"], evaluation.protocol["real_images"]) == (
        "imported",
        64,
    )
    assert evaluation.scores.frechet_distance == pytest.approx(whole.scores.frechet_distance)
    assert evaluation.scores.inception_score == whole.scores.inception_score
    assert evaluation.scores.kernel_distance is evaluation.scores.recall is None


def test_a_generator_is_judged_in_evaluation_mode(context: Context, generator: Generator) -> None:
    """Batch by batch as all at once: an image does not depend on those beside it."""
    generator.train()
    judgement = judge_generator(generator, context, 40, torch_generator(0, "x"))
    assert len(judgement) == 40 and generator.training
    generator.eval()
    images = generation.generate(generator, drawn("x"), context.compute)
    one_by_one = context.judge.judge_all(images.split(1))
    torch.testing.assert_close(judgement.features, one_by_one.features)


def test_a_generator_of_classes_is_scored_class_by_class(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = context_of(tiny(network={"conditional": "always"}), tmp_path)
    generator = Generator.for_architecture(
        ARCHITECTURE, latent_size=16, channels=8, classes=context.classes
    ).eval()
    asked: list[int] = []

    def noted(*given: object, labels: Tensor, **named: object) -> Tensor:
        asked.extend(labels.tolist())
        return generation.generate(*given, labels=labels, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "generate", noted)
    evaluation = evaluate(generator, context, Listening())
    assert [row.name for row in evaluation.by_class.classes] == ["a", "b", "c"]  # type: ignore[union-attr]
    assert context.classes is not None
    counts = list(context.classes.counts(40))
    assert torch.tensor(asked[:40]).bincount().tolist() == counts
    assert asked[:40] == asked[40:], "the untrained generator is asked for others"
    again = evaluate(generator, context, Listening())
    assert again.to_dict() == evaluation.to_dict()
    plain = json.loads(json.dumps(evaluation.to_dict()))["by_class"]
    assert [row["images"] for row in plain["classes"]] == counts
    assert all(row["frechet_distance"] > 0 for row in plain["classes"])


@pytest.mark.parametrize("enough", [True, False])
def test_few_images_of_classes_are_as_many_of_each_as_the_real_ones(
    tmp_path: Path, enough: bool
) -> None:
    context = context_of(tiny(network={"conditional": "always"}), tmp_path)
    generator = Generator.for_architecture(
        ARCHITECTURE, latent_size=16, channels=8, classes=context.classes
    ).eval()
    held_out = context.data.held_out
    assert held_out.labels is not None
    labels = torch.tensor([0] * 4 + [1] * 9 if enough else [2] * 30)  # of 40 images 13 or 14
    few = ImageSet(held_out.pixels[: len(labels)], labels)
    context = replace(context, data=replace(context.data, held_out=few))
    asked = evaluation_labels(generator, 40, context.settings.seed)
    assert asked is not None
    chosen = torch.zeros(40, dtype=torch.bool)
    chosen[: len(labels)] = True
    if enough:
        chosen[:] = False
        for label, count in ((0, 4), (1, 9)):
            chosen[(asked == label).nonzero()[:count]] = True
    latents = torch.randn((40, 16), generator=torch_generator(0, "evaluation/latents"))
    images = generation.generate(generator, latents, context.compute, labels=asked)[chosen]
    expected = score(context.judge, iter([images]), len(labels), context.reference, 1)
    assert close(evaluate(generator, context, Listening()).as_few, expected)


def test_classes_of_other_data_are_not_scored(tmp_path: Path) -> None:
    context = context_of(tiny(), tmp_path)
    generator = Generator.for_architecture(
        ARCHITECTURE, latent_size=16, channels=8, classes=Classes(("x", "y"), (0.5, 0.5))
    ).eval()
    assert evaluate(generator, context, Listening()).by_class is None
