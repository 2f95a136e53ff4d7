"""What is timed: each case is one hot step, done the plain and the fast way on the same weights."""

import itertools
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib.util import find_spec

import torch
from torch import Tensor

from autogan.bench.plain import PlainGan, as_plain, plain_compute
from autogan.device.compute import Compute
from autogan.gan.generation import generate, latent_batches
from autogan.gan.step import Gan
from autogan.images.batches import Batch
from autogan.images.classes import Classes
from autogan.images.pixels import to_uint8
from autogan.judges.cost import INCEPTION_MULTIPLY_ACCUMULATES, classifier_multiply_accumulates
from autogan.judges.network import ResidualClassifier, build, initialise
from autogan.spaces import search_space
from autogan.spaces.architecture import Architecture
from autogan.spaces.autogan.generator import AutoGanGenerator
from autogan.spaces.discriminator_architecture import EXAMPLE, told_discriminator
from autogan.spaces.sizes import discriminator_size, generator_size
from autogan.spaces.space import SearchSpace

LATENT_SIZE, BOTTOM_SIZE = 128, 4
ARCHITECTURES = 8
"""Architectures a search step goes through in turn, the same for both ways."""
RECORDING_CALLS = 12
"""Calls of search steps after which each of the architectures was met three times by both steps."""
PLAIN_SCORING_BATCH = 100
RECIPES: dict[str, tuple[str, ...]] = {
    "autogan": ("network.space=autogan",),
    "modern": ("network.space=modern",),
    "modern against blocks": ("network.space=modern", f"network.discriminator={EXAMPLE}"),
    "Wasserstein": (
        "train.objective.loss=wasserstein",
        "train.objective.real_penalty=0",
        "train.objective.generated_penalty=0",
        "train.objective.slope_penalty=10",
    ),
}
"""What is changed in `own-32` for each of the recipes whose steps are timed."""
SCORING, SAMPLING = "scoring one child", "sampling, architecture A"
JUDGING, JUDGING_BY_INCEPTION = "domain judge", "Inception judge"


@dataclass(frozen=True)
class Widths:
    """Channels and batches of a step; the paper's are the defaults of a search."""

    generator_channels: int = 128
    discriminator_channels: int = 64
    generator_batch: int = 128
    discriminator_batch: int = 64
    discriminator_steps: int = 5


SEARCH = Widths()
SCRATCH = Widths(generator_channels=256, discriminator_channels=128)


@dataclass(frozen=True)
class Case:
    """One step in every way it can be done, and the work in it.

    floating_point_operations: of the textbook form, 2 for each multiply-accumulate; a backward pass
    counts as two forward passes. images: that one call makes or looks at.
    parts: times are told of one of so many equal parts of a call. of: what a part is.
    warm_up: calls until every step was recorded, where steps are.
    """

    name: str
    ways: dict[str, Callable[[], object]]
    floating_point_operations: float
    images: int
    parts: int = 1
    of: str = ""
    warm_up: int = 1


def search_architectures(cells: int, space: str = "autogan") -> list[Architecture]:
    """A fixed spread of architectures of a space, by default of the published one."""
    stream = random.Random(0)
    return [search_space(space, cells).sample(stream) for _ in range(ARCHITECTURES)]


def adversarial_steps(
    kind: type[Gan],
    cells: int,
    stage: int,
    widths: Widths,
    compute: Compute,
    architecture: Architecture | None = None,
) -> Callable[[], object]:
    """A call that does `widths.discriminator_steps` discriminator steps and one generator step.

    kind: `Gan`, or `PlainGan` for the plain way. Without `architecture` they are search steps: the
    shared network, another architecture at every step.
    """
    space = SearchSpace.only(architecture) if architecture else search_space("autogan", cells)
    turn = itertools.cycle([architecture] if architecture else search_architectures(stage + 1))
    generator = space.generator(
        latent_size=LATENT_SIZE, channels=widths.generator_channels, bottom_size=BOTTOM_SIZE
    )
    whole = search_space(architecture.space if architecture else "autogan", cells)
    discriminator = whole.discriminator(widths.discriminator_channels)
    plain = kind is PlainGan
    gan = kind(
        as_plain(generator) if plain else generator,
        as_plain(discriminator) if plain else discriminator,
        learning_rate=2e-4,
        betas=(0.0, 0.9),
        compute=plain_compute(compute.device) if plain else compute,
        seed=0,
        purpose="bench",
        average_decay=0.999 if architecture else None,
    )
    size = BOTTOM_SIZE << (stage + 1)
    shape = (widths.discriminator_batch, 3, size, size)
    real = Batch(torch.randint(0, 256, shape, dtype=torch.uint8, device=compute.device))

    def steps() -> None:
        for _ in range(widths.discriminator_steps):
            gan.discriminator_step(real, next(turn))
        gan.generator_step(widths.generator_batch, next(turn))

    return steps


def adversarial_case(
    name: str,
    cells: int,
    stage: int,
    widths: Widths,
    compute: Compute,
    architecture: Architecture | None = None,
) -> Case:
    """`adversarial_steps` both ways, on a GPU also without recording them; see there."""
    chosen = [architecture] if architecture else search_architectures(stage + 1)
    ways = {
        way: adversarial_steps(kind, cells, stage, widths, compute, architecture)
        for way, kind in (("plain", PlainGan), ("fast", Gan))
    }
    if compute.captures:
        direct = replace(compute, captures=False)
        ways["fast, not captured"] = adversarial_steps(
            Gan, cells, stage, widths, direct, architecture
        )
    return Case(
        name,
        ways,
        _step_work(widths, cells, stage, chosen),
        widths.discriminator_batch * widths.discriminator_steps,
        parts=widths.discriminator_steps,
        of="discriminator iteration",
        warm_up=RECORDING_CALLS if compute.captures else 1,
    )


def recipe_case(recipe: str, compute: Compute, changes: Sequence[str] = ()) -> Case:
    """Steps of both networks from one penalty to the next, as `own-32` trains images of ten classes with what
    one of `RECIPES` changes: labels, and by default relativistic pairing, R1 and R2.

    changes: more settings to change. Needs pydantic and PyYAML.
    """
    from autogan.gan.from_settings import discriminator_for
    from autogan.gan.penalties import make_objective
    from autogan.runs.workload import PENALTY_PASSES
    from autogan.settings.loading import load_settings

    settings = load_settings("own-32", overrides=[*RECIPES[recipe], *changes])
    section, size = settings.train, settings.data.image_size
    space = settings.network.space
    told = told_discriminator(settings.network.discriminator, settings.cells)
    classes = Classes(tuple("0123456789"), (0.1,) * 10)
    architecture = search_architectures(settings.cells, space)[0]
    whole = search_space(space, settings.cells)
    shape = (section.generator_batch, 3, size, size)
    real = Batch(
        torch.randint(0, 256, shape, dtype=torch.uint8, device=compute.device),
        (torch.arange(section.generator_batch) % 10).to(compute.device),
    )

    def steps(kind: type[Gan], compute: Compute) -> Callable[[], object]:
        plain = kind is PlainGan
        generator = SearchSpace.only(architecture).generator(
            latent_size=LATENT_SIZE,
            channels=section.generator_channels,
            bottom_size=BOTTOM_SIZE,
            classes=classes,
        )
        discriminator = discriminator_for(section, whole, classes, told)
        gan = kind(
            as_plain(generator) if plain else generator,
            as_plain(discriminator) if plain else discriminator,
            learning_rate=section.learning_rate,
            betas=section.betas,
            class_rate=section.class_rate,
            compute=compute,
            seed=0,
            purpose="bench",
            average_decay=section.average_decay,
            objective=make_objective(section.objective),
        )

        def rounds() -> None:
            for _ in range(section.objective.penalty_every_steps):
                gan.discriminator_step(real, architecture)
                gan.generator_step(len(real), architecture, real)

        return rounds

    ways = {"plain": steps(PlainGan, plain_compute(compute.device)), "fast": steps(Gan, compute)}
    if compute.captures:
        ways["fast, not captured"] = steps(Gan, replace(compute, captures=False))
    each = section.objective.penalty_every_steps
    generator = generator_size(
        architecture,
        latent_size=LATENT_SIZE,
        channels=section.generator_channels,
        bottom_size=BOTTOM_SIZE,
        classes=classes,
    ).multiply_accumulates
    discriminator = discriminator_size(
        whole,
        settings.cells - 1,
        channels=section.discriminator_channels,
        image_size=size,
        classes=classes,
        told=told,
    ).multiply_accumulates
    # D's step: both kinds of images forwards and backwards; G's: those it sees forwards, one backwards to
    # the pixels.
    passes = 2 * 3 + PENALTY_PASSES * section.objective.penalties / each
    passes += 3 if section.objective.generator_sees_real else 2
    work = 2.0 * len(real) * (passes * discriminator + (1 + 3) * generator)
    return Case(
        recipe_name(recipe),
        ways,
        each * work,
        each * len(real),
        parts=each,
        of="step of both networks",
        warm_up=3 if compute.captures else 1,
    )


def _step_work(widths: Widths, cells: int, stage: int, architectures: list[Architecture]) -> float:
    generator = sum(_generator_work(a, widths.generator_channels) for a in architectures)
    generator /= len(architectures)
    discriminator = 2.0 * (
        discriminator_size(
            search_space(architectures[0].space, cells),
            stage,
            channels=widths.discriminator_channels,
            image_size=BOTTOM_SIZE << (stage + 1),
        ).multiply_accumulates
    )
    each = widths.discriminator_batch * (2 * 3 * discriminator + generator)
    once = widths.generator_batch * (3 * generator + 2 * discriminator)
    return widths.discriminator_steps * each + once


def _generator_work(architecture: Architecture, channels: int) -> float:
    size = generator_size(
        architecture, latent_size=LATENT_SIZE, channels=channels, bottom_size=BOTTOM_SIZE
    )
    return 2.0 * size.multiply_accumulates


def scoring_a_child(images: int, compute: Compute, judge_width: int = 32) -> Case:
    """One child at 32×32 of the search's shared network: `images` images made and judged.

    The plain way makes small batches, keeps all images on the host, and judges them afterwards; both
    ways use the same judge.
    """
    architecture = Architecture.parse("autogan-a")
    shared = search_space("autogan", 3).generator(
        latent_size=LATENT_SIZE, channels=SEARCH.generator_channels, bottom_size=BOTTOM_SIZE
    )
    fast, plain = compute.place(shared), plain_compute(compute.device).place(as_plain(shared))
    judge = _judge(judge_width, compute.device)
    latents = torch.randn(images, LATENT_SIZE)

    def drawn(count: int) -> Tensor:
        return latents[:count]

    @torch.inference_mode()
    def fast_way() -> list[Tensor]:
        return [
            judge(generate(fast, batch, compute, architecture, batch_statistics=True).float())[1]
            for batch in latent_batches(images, drawn)
        ]

    @torch.no_grad()
    def plain_way() -> list[Tensor]:
        made = []
        plain.eval()
        for batch in latents.split(PLAIN_SCORING_BATCH):
            made.append(to_uint8(plain(batch.to(compute.device), architecture, True)).cpu())
        return [
            judge(batch.to(compute.device).float())[1]
            for batch in torch.cat(made).split(PLAIN_SCORING_BATCH)
        ]

    work = _generator_work(architecture, SEARCH.generator_channels)
    return Case(
        SCORING,
        {"plain": plain_way, "fast": fast_way},
        images * (work + _judge_work(judge_width)),
        images,
    )


def sampling(images: int, compute: Compute) -> Case:
    """Images of architecture A at its published width, in evaluation mode."""
    architecture = Architecture.parse("autogan-a")
    generator = AutoGanGenerator.for_architecture(architecture)
    fast, plain = compute.place(generator), plain_compute(compute.device).place(as_plain(generator))
    latents = torch.randn(images, LATENT_SIZE)
    on_plain = plain_compute(compute.device)
    return Case(
        SAMPLING,
        {
            "plain": lambda: generate(plain, latents, on_plain),
            "fast": lambda: generate(fast, latents, compute),
        },
        images * _generator_work(architecture, 256),
        images,
    )


def judging(images: int, compute: Compute, judge_width: int = 32) -> Case:
    """Images of 32×32 through the domain judge's network."""
    judge = _judge(judge_width, compute.device)
    pixels = torch.randint(0, 256, (images, 3, 32, 32), dtype=torch.uint8, device=compute.device)

    @torch.inference_mode()
    def run() -> Tensor:
        return judge(pixels.float())[1]

    return Case(
        JUDGING,
        {"fast": run},
        images * _judge_work(judge_width),
        images,
    )


def judging_by_inception(images: int, compute: Compute) -> Case:
    """Images of 32×32 through the Inception judge; its weights, random here, do not matter for time.

    Needs torch-fidelity.
    """
    from autogan.judges.inception import InceptionJudge, Network

    weights = {name: torch.zeros(value.shape) for name, value in Network().state_dict().items()}
    judge = InceptionJudge(weights, "random", compute.device)
    pixels = torch.randint(0, 256, (images, 3, 32, 32), dtype=torch.uint8, device=compute.device)
    work = images * 2 * INCEPTION_MULTIPLY_ACCUMULATES
    return Case(JUDGING_BY_INCEPTION, {"fast": lambda: judge(pixels)}, work, images)


def _judge(width: int, device: torch.device) -> ResidualClassifier:
    network = build(width, 10)
    initialise(network, torch.Generator().manual_seed(0))
    return network.to(device).eval().requires_grad_(False)


def _judge_work(width: int) -> float:
    return 2 * classifier_multiply_accumulates(width, 32)


def standard_cases(compute: Compute, scored_images: int) -> Iterator[Case]:
    """The cases of the performance table, one after the other so that each frees its memory."""
    return (make() for make in named_cases(compute, scored_images).values())


def named_cases(compute: Compute, scored_images: int) -> dict[str, Callable[[], Case]]:
    """By the name of each case, what makes it."""
    a = Architecture.parse("autogan-a")
    made: dict[str, Callable[[], Case]] = {}
    for stage, size in enumerate((8, 16, 32)):
        name = f"search step, {size}×{size}"
        made[name] = partial(adversarial_case, name, 3, stage, SEARCH, compute)
    name = "from-scratch step, architecture A"
    made[name] = partial(adversarial_case, name, 3, 2, SCRATCH, compute, a)
    if find_spec("pydantic") and find_spec("yaml"):
        for recipe in RECIPES:
            made[recipe_name(recipe)] = partial(recipe_case, recipe, compute)
    made[SCORING] = partial(scoring_a_child, scored_images, compute)
    made[SAMPLING] = partial(sampling, 250, compute)
    made[JUDGING] = partial(judging, 1000, compute)
    if find_spec("torch_fidelity"):
        made[JUDGING_BY_INCEPTION] = partial(judging_by_inception, 50, compute)
    return made


def recipe_name(recipe: str) -> str:
    """Of `recipe_case`."""
    return f"from-scratch step as own-32 trains, {recipe}"
