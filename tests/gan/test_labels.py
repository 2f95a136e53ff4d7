"""Labels reach the networks that have a use for them."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from games import CPU, ONE, TWO, ClassDiscriminator, ClassGenerator, GradientPenalties, Paired, real

from autogan.files.storage import load_tree, save_tree
from autogan.gan.generation import generate, shared_labels
from autogan.gan.looking import guessing_loss
from autogan.gan.objectives import Objective
from autogan.gan.penalties import make_objective
from autogan.gan.step import Gan
from autogan.images.batches import Batch
from autogan.images.classes import Classes
from autogan.settings.game import ObjectiveSettings
from autogan.spaces import search_space
from autogan.spaces.autogan.discriminator import AutoGanDiscriminator
from autogan.spaces.autogan.generator import AutoGanGenerator
from autogan.testing.checks import equal_trees

LABELS, OTHERS = [0, 2, 1, 2], [1, 1, 0, 3]
PARTLY = [0, -1, -1, 3]
CLASSES = Classes(("a", "b", "c", "d"), (0.4, 0.3, 0.2, 0.1))
PARTLY_LABELLED = Classes(CLASSES.names, CLASSES.shares, unlabelled=True)


def make(objective: Objective | None = None, of_classes: bool = True) -> Gan:
    plain = AutoGanGenerator(search_space("autogan", 2), latent_size=16, channels=8, bottom_size=4)
    return Gan(
        ClassGenerator() if of_classes else plain,
        ClassDiscriminator() if of_classes else AutoGanDiscriminator(2, 8),
        learning_rate=1e-3,
        betas=(0.0, 0.9),
        compute=CPU,
        seed=0,
        purpose="test",
        objective=objective,
    )


def given(gan: Gan) -> tuple[list[list[int]], list[list[int]]]:
    """What both networks were given since the last call."""
    assert isinstance(gan.generator, ClassGenerator)
    assert isinstance(gan.discriminator, ClassDiscriminator)
    both = gan.generator.given[:], gan.discriminator.given[:]
    gan.generator.given.clear()
    gan.discriminator.given.clear()
    return both


def test_generated_images_have_the_labels_of_the_real_ones_in_both_steps() -> None:
    gan = make()
    gan.discriminator_step(real(ONE, labels=LABELS), ONE)
    assert given(gan) == ([LABELS], [LABELS + LABELS])
    gan.generator_step(4, TWO, real(TWO, labels=OTHERS))
    assert given(gan) == ([OTHERS], [OTHERS])


def test_penalties_and_comparisons_keep_images_and_labels_together() -> None:
    gan = make(GradientPenalties())
    gan.discriminator_step(real(ONE, labels=LABELS), ONE)
    assert given(gan)[1] == [LABELS + LABELS, LABELS, LABELS]
    gan = make(Paired())
    gan.generator_step(4, ONE, real(ONE, labels=OTHERS))
    assert given(gan) == ([OTHERS], [OTHERS, OTHERS])


def test_networks_without_a_use_for_labels_train_the_same_with_and_without_them() -> None:
    with_labels, without = make(of_classes=False), make(of_classes=False)
    losses = [
        [
            gan.discriminator_step(batch, ONE).item(),
            gan.generator_step(4, ONE, batch).item(),
        ]
        for gan, batch in (
            (with_labels, real(ONE, labels=LABELS)),
            (without, Batch(real(ONE).pixels)),
        )
    ]
    assert losses[0] == losses[1]


def test_images_of_a_class_can_be_asked_for() -> None:
    generator = ClassGenerator()
    torch.nn.init.normal_(generator.project.weight)
    latents = torch.zeros(2, 16)
    images = generate(generator, latents, CPU, ONE, labels=torch.tensor([0, 3]))
    assert generator.given == [[0, 3]]
    assert not torch.equal(images[0], images[1])


def conditional(
    classes: Classes = CLASSES, objective: Objective | None = None, class_rate: float = 1.0
) -> Gan:
    space = search_space("autogan", 2)
    return Gan(
        space.generator(latent_size=16, channels=8, bottom_size=4, classes=classes),
        space.discriminator(8, classes=classes),
        learning_rate=1e-3,
        betas=(0.0, 0.9),
        class_rate=class_rate,
        compute=CPU,
        seed=0,
        purpose="test",
        average_decay=0.9,
        objective=objective,
    )


def labels_given(gan: Gan, monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """Those that the generator is given from here on."""
    given: list[list[int]] = []
    forward = gan.generator.forward

    def listened(*inputs: object, labels: torch.Tensor, **named: object) -> torch.Tensor:
        given.append(labels.tolist())
        return forward(*inputs, labels=labels, **named)

    monkeypatch.setattr(gan.generator, "forward", listened)
    return given


def test_unlabelled_images_stand_beside_generated_ones_of_some_class(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gan = conditional(PARTLY_LABELLED)
    given = labels_given(gan, monkeypatch)
    for _ in range(300):
        gan.discriminator_step(real(ONE, labels=PARTLY), ONE)
    assert all((first, last) == (0, 3) for first, _, _, last in given)
    drawn = Counter(label for _, *middle, _ in given for label in middle)
    assert sum(drawn.values()) == 600
    for label, share in enumerate(CLASSES.shares):
        assert drawn[label] / 600 == pytest.approx(share, abs=0.07)


@pytest.mark.parametrize(
    ("settings", "of_generated"),
    [
        ({"real_penalty": 1.0}, False),
        ({"generated_penalty": 1.0}, True),
        ({"loss": "wasserstein", "slope_penalty": 1.0}, True),
    ],
)
def test_a_penalty_at_generated_images_has_their_labels(
    settings: dict[str, Any], of_generated: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And not the class that D would guess, by which the loss does not judge them."""
    gan = conditional(PARTLY_LABELLED, make_objective(ObjectiveSettings(**settings)))
    wanted = labels_given(gan, monkeypatch)
    looked = []
    forward = gan.discriminator.forward

    def listened(
        images: torch.Tensor, stage: int, labels: torch.Tensor, seen_by: None
    ) -> torch.Tensor:
        looked.append(labels.tolist())
        return forward(images, stage, labels, seen_by)

    monkeypatch.setattr(gan.discriminator, "forward", listened)
    gan.discriminator_step(real(ONE, labels=PARTLY), ONE)
    assert looked == (wanted if of_generated else [PARTLY])


def test_generator_steps_draw_classes_by_their_shares(monkeypatch: pytest.MonkeyPatch) -> None:
    gan = conditional()
    given = labels_given(gan, monkeypatch)
    for _ in range(100):
        gan.generator_step(6, ONE)
    drawn = Counter(label for labels in given for label in labels)
    for label, share in enumerate(CLASSES.shares):
        assert drawn[label] / 600 == pytest.approx(share, abs=0.07)


@pytest.mark.parametrize("classes", [CLASSES, PARTLY_LABELLED], ids=["all", "some"])
@pytest.mark.parametrize("objective", [None, GradientPenalties, Paired])
def test_a_step_changes_the_tables_of_the_classes_that_it_saw(
    classes: Classes, objective: type[Objective] | None
) -> None:
    gan = conditional(classes, objective() if objective else None)
    labels = PARTLY if classes.unlabelled else LABELS
    seen = objective is Paired
    before = gan.generator.class_embedding.weight.clone()
    head = getattr(gan.discriminator, "to_class", None)
    for _ in range(3):
        gan.discriminator_step(real(TWO, labels=labels), TWO)
        if head is not None:
            assert head.weight.grad is not None and bool(head.weight.grad.any())
        loss = gan.generator_step(4, TWO, real(TWO, labels=labels) if seen else None)
        assert bool(loss.isfinite())
    assert not torch.equal(gan.generator.class_embedding.weight, before)
    assert bool(gan.generator.to_rgb_normalisation.class_gain.any())
    assert (head is not None) == classes.unlabelled


def test_guessing_is_learned_from_labelled_real_images_alone() -> None:
    guesses = torch.randn(4, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    guesses.requires_grad_(True)
    labels = torch.tensor(PARTLY)
    expected = -(F.log_softmax(guesses, 1)[0, 0] + F.log_softmax(guesses, 1)[3, 3]) / 2
    torch.testing.assert_close(guessing_loss(guesses, labels), expected)
    (gradient,) = torch.autograd.grad(guessing_loss(guesses, labels), guesses)
    (of_expected,) = torch.autograd.grad(expected, guesses)
    torch.testing.assert_close(gradient, of_expected)
    assert guessing_loss(guesses, torch.full((4,), -1)).item() == 0


@pytest.mark.parametrize("rate", [1.0, 4.0])
def test_what_tells_classes_apart_learns_so_many_times_faster(rate: float) -> None:
    """Adam's first step moves every weight that has a gradient by the learning rate."""
    gan = conditional(class_rate=rate)
    telling = {id(weight) for weight in gan.generator.class_parameters()}
    before = {name: weight.clone() for name, weight in gan.generator.named_parameters()}
    gan.set_learning_rate(0.5)
    gan.generator_step(4, TWO)
    moved: dict[bool, list[float]] = {True: [], False: []}
    for name, weight in gan.generator.named_parameters():
        distance = (weight - before[name]).abs().max().item()
        moved[id(weight) in telling].append(distance)
    assert max(moved[True]) == pytest.approx(5e-4 * rate, rel=1e-2)
    assert max(moved[False]) == pytest.approx(5e-4, rel=1e-2)


def test_classes_that_learn_as_fast_as_all_else_leave_the_optimiser_as_it_was() -> None:
    """So states from before there was such a rate are loaded."""
    gan = conditional()
    (group,) = gan.learners.generator.optimiser.param_groups
    assert len(group["params"]) == len(list(gan.generator.parameters()))
    assert "times" not in group


@pytest.mark.parametrize("rate", [1.0, 4.0])
@pytest.mark.parametrize("classes", [CLASSES, PARTLY_LABELLED], ids=["all", "some"])
def test_an_interrupted_game_of_classes_goes_on_exactly(
    tmp_path: Path, classes: Classes, rate: float
) -> None:
    batch = real(TWO, labels=PARTLY if classes.unlabelled else LABELS)

    def play(gan: Gan) -> list[float]:
        losses = [gan.discriminator_step(batch, TWO).item() for _ in range(2)]
        return [*losses, gan.generator_step(4, TWO).item()]

    whole, stopped, other = (conditional(classes, class_rate=rate) for _ in range(3))
    assert play(whole) == play(stopped)
    save_tree(tmp_path / "state", stopped.state_dict())
    other.load_state_dict(load_tree(tmp_path / "state"))
    assert play(whole) == play(other)
    assert equal_trees(whole.state_dict(), other.state_dict())


def test_shared_labels_are_in_the_shares_and_shuffled() -> None:
    labels = shared_labels(CLASSES, 25, 0, "x")
    assert labels.bincount().tolist() == [10, 8, 5, 2]  # 10, 7.5, 5, 2.5: the first of a draw
    assert labels.tolist() != sorted(labels.tolist())
    assert torch.equal(labels, shared_labels(CLASSES, 25, 0, "x"))
    assert not torch.equal(labels, shared_labels(CLASSES, 25, 0, "y"))
    assert not torch.equal(labels, shared_labels(CLASSES, 25, 1, "x"))
