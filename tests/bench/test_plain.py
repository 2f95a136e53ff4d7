"""The fast path computes what the plain one does; and the measurements measure."""

import contextlib
import platform
import random
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
import torch
from games import ClassDiscriminator, ClassGenerator, GradientPenalties, Paired, Remembering, Shades
from torch import Tensor

from autogan.bench import growth
from autogan.bench.cases import RECIPES, Widths, adversarial_case, recipe_case
from autogan.bench.matrix_peak import matrix_peak
from autogan.bench.plain import PlainGan, as_plain, plain_compute
from autogan.bench.suite import measured
from autogan.device.compute import Compute
from autogan.device.timing import interleaved
from autogan.gan.augmentation import Augmentation
from autogan.gan.objectives import Hinge, Objective
from autogan.gan.step import Gan
from autogan.images.batches import Batch
from autogan.images.classes import Classes
from autogan.spaces import search_space
from autogan.spaces.architecture import Architecture
from autogan.spaces.autogan.discriminator import AutoGanDiscriminator
from autogan.spaces.autogan.generator import AutoGanGenerator
from autogan.spaces.block_discriminator import BlockDiscriminator
from autogan.spaces.discriminator_architecture import (
    EXAMPLE,
    DiscriminatorArchitecture,
    only_options,
)
from autogan.spaces.networks import Discriminator

CPU = torch.device("cpu")
FAST = Compute.resolve("cpu", "float32")
TINY = Widths(8, 8, 4, 4, 1)


def spread() -> list[Architecture]:
    """Two random architectures of each stage, and the published three."""
    stream = random.Random(3)
    drawn = [search_space("autogan", cells).sample(stream) for cells in (1, 2, 3) for _ in range(2)]
    return [*drawn, *(Architecture.parse(f"autogan-{letter}") for letter in "abc")]


def gan(
    kind: type[Gan],
    objective: type[Objective] = Hinge,
    augmentation: type[Augmentation] = Augmentation,
    of_classes: bool = False,
    classes: Classes | None = None,
    told: DiscriminatorArchitecture | None = None,
) -> Gan:
    generator = AutoGanGenerator(
        search_space("autogan", 3), latent_size=16, channels=8, bottom_size=4, classes=classes
    )
    discriminator: Discriminator = AutoGanDiscriminator(3, 8, classes=classes)
    if told:
        discriminator = BlockDiscriminator(only_options(told), 8, classes=classes)
    if of_classes:
        generator, discriminator = ClassGenerator(3), ClassDiscriminator(3)
    plain = kind is PlainGan
    made = kind(
        as_plain(generator) if plain else generator,
        as_plain(discriminator) if plain else discriminator,
        learning_rate=1e-3,
        betas=(0.0, 0.9),
        compute=plain_compute(CPU) if plain else FAST,
        seed=7,
        purpose="test",
        objective=objective(),
        augmentation=augmentation(),
    )
    made.discriminator.eval()  # the plain way iterates its spectral norms twice as often
    return made


def assert_close(one: Tensor, other: Tensor, what: str) -> None:
    """To 1e-5 of the larger one's norm."""
    difference = (one - other).norm() / other.norm().clamp_min(1e-12)
    assert difference <= 1e-5, (what, difference.item())


def gradients(module: torch.nn.Module) -> dict[str, Tensor]:
    return {n: p.grad for n, p in module.named_parameters() if p.grad is not None}


def joined(by_name: dict[str, Tensor]) -> Tensor:
    return torch.cat([by_name[name].flatten() for name in sorted(by_name)])


@pytest.mark.parametrize("architecture", spread(), ids=str)
def test_losses_and_gradients_of_both_steps_are_those_of_the_plain_path(
    architecture: Architecture,
) -> None:
    assert_same_steps(lambda kind: gan(kind), architecture)


@pytest.mark.parametrize("architecture", [spread()[0], spread()[-1]], ids=str)
@pytest.mark.parametrize("objective", [GradientPenalties, Paired, Remembering])
@pytest.mark.parametrize("of_classes", [False, True])
def test_so_they_are_with_other_objectives_with_augmentation_and_with_labels(
    architecture: Architecture, objective: type[Objective], of_classes: bool
) -> None:
    assert_same_steps(lambda kind: gan(kind, objective, Shades, of_classes), architecture)


@pytest.mark.parametrize("architecture", [spread()[0], spread()[-1]], ids=str)
@pytest.mark.parametrize("objective", [Hinge, Paired])
@pytest.mark.parametrize("unlabelled", [False, True])
def test_so_they_are_where_networks_are_told_classes(
    architecture: Architecture, objective: type[Objective], unlabelled: bool
) -> None:
    classes = Classes(("a", "b", "c"), (0.5, 0.25, 0.25), unlabelled)
    labels = [0, 1, -1, 2, -1, 1] if unlabelled else [0, 1, 0, 2, 1, 0]
    assert_same_steps(
        lambda kind: gan(kind, objective, Shades, classes=classes), architecture, labels
    )


def test_so_they_are_against_a_discriminator_made_of_blocks() -> None:
    """Which looks at the deviation of four images: eight real ones make two such groups."""
    told = DiscriminatorArchitecture.parse(EXAMPLE)
    assert_same_steps(
        lambda kind: gan(kind, GradientPenalties, told=told), spread()[-1], labels=[0] * 8
    )


def assert_same_steps(
    make: Callable[[type[Gan]], Gan],
    architecture: Architecture,
    labels: Sequence[int] = (0, 1, 0, 2, 1, 0),
) -> None:
    """Loss and gradients of a discriminator step, then of a generator step, fast and plain."""
    size = 4 << len(architecture)
    stream = torch.Generator().manual_seed(4)
    shape = (len(labels), 3, size, size)
    pixels = torch.randint(0, 256, shape, generator=stream, dtype=torch.uint8)
    real = Batch(pixels, torch.tensor(labels))
    for step, network in (("discriminator_step", "discriminator"), ("generator_step", "generator")):
        fast, plain = make(Gan), make(PlainGan)
        if network == "discriminator":
            losses = [made.discriminator_step(real, architecture) for made in (fast, plain)]
        else:
            losses = [made.generator_step(len(real), architecture, real) for made in (fast, plain)]
        assert_close(losses[0], losses[1], f"{step}: loss")
        expected = gradients(getattr(plain, network))
        found = gradients(getattr(fast, network))
        assert found.keys() == expected.keys() and expected
        assert_close(joined(found), joined(expected), f"{step}: all gradients")
        whole = joined(expected).norm()
        for name, gradient in found.items():
            # Some gradients are zero but for rounding: a bias before a normalisation.
            difference = (gradient - expected[name]).norm()
            assert difference <= 1e-4 * expected[name].norm() + 5e-6 * whole, (step, name)


def test_the_plain_path_makes_discriminator_gradients_that_the_fast_one_leaves_out() -> None:
    architecture = Architecture.parse("autogan-a")
    fast, plain = gan(Gan), gan(PlainGan)
    fast.generator_step(4, architecture)
    plain.generator_step(4, architecture)
    assert gradients(plain.discriminator) and not gradients(fast.discriminator)


def test_a_case_runs_both_ways_and_counts_its_work() -> None:
    case = adversarial_case("tiny", 2, 1, TINY, FAST)
    timings = interleaved(case.ways, CPU, seconds=0, least=2)
    assert timings.keys() == {"plain", "fast"}
    assert all(t.rounds == 2 and t.lower_quartile_ms > 0 for t in timings.values())
    wider = adversarial_case("wide", 2, 1, Widths(16, 16, 4, 4, 1), FAST)
    assert 3 < wider.floating_point_operations / case.floating_point_operations < 4


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_runs_both_ways_and_counts_its_discriminator(recipe: str) -> None:
    narrow = [f"train.{player}_batch=4" for player in ("generator", "discriminator")]
    narrow.append("train.generator_channels=8")
    cases = [
        recipe_case(recipe, FAST, [*narrow, f"train.discriminator_channels={channels}"])
        for channels in (8, 16)
    ]
    assert cases[0].ways.keys() == {"plain", "fast"}
    for call in cases[0].ways.values():
        call()
    narrower, wider = (case.floating_point_operations for case in cases)
    assert 1.5 < wider / narrower < 4


def test_interleaving_times_what_it_calls() -> None:
    calls: list[str] = []
    ways = {name: (lambda name=name: calls.append(name)) for name in ("one", "other")}
    timings = interleaved(ways, CPU, seconds=0, least=4)
    assert calls == ["one", "other"] * (timings["one"].rounds + 1)
    calls.clear()
    timings = interleaved(ways, CPU, seconds=0, least=2, warm_up=3)
    assert len(calls) == 2 * (timings["one"].rounds + 3)


def test_a_way_may_want_a_context_of_its_own_and_the_others_then_settle() -> None:
    calls: list[str] = []

    @contextlib.contextmanager
    def apart() -> Iterator[None]:
        calls.append("in")
        yield
        calls.append("out")

    ways = {name: (lambda name=name: calls.append(name)) for name in ("one", "other")}
    timings = interleaved(ways, CPU, seconds=0, least=2, around={"one": apart})
    first, later = ["in", "one", "out", "other"], ["in", "one", "out", "other", "other"]
    assert calls == first + later * timings["one"].rounds


def test_the_matrix_peak_is_a_plausible_speed() -> None:
    assert 1e8 < matrix_peak(CPU, torch.float32, seconds=0.05) < 1e14


def test_a_measured_case_says_how_much_faster_and_how_near_the_peak() -> None:
    case = adversarial_case("tiny", 2, 1, TINY, FAST)
    found = measured(case, FAST, seconds=0, peak=1e12)
    ways = found["ways"]
    ratio = ways["plain"]["median_ms"] / ways["fast"]["median_ms"]
    assert found["times_faster"] == pytest.approx(ratio, abs=0.01)
    assert found["images_per_second"] == pytest.approx(4000 / ways["fast"]["median_ms"], abs=0.1)
    assert 0 <= found["share_of_matrix_peak"] < 1


def test_growth_says_by_how_many_images_a_child_is_scored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(growth, "_step", lambda *given: None)
    monkeypatch.setattr(growth, "scoring_a_child", lambda images, compute: images)
    scored = [
        case for case in growth._cases(plain_compute(CPU)) if case[0] not in ("width", "resolution")
    ]
    assert scored == [("images", count, count) for count in (250, 500, 1000)]


def test_measuring_needs_nothing_but_torch() -> None:
    program = (
        "import sys, autogan.bench.suite; print([m for m in ('pydantic', 'typer', 'rich', 'yaml', "
        "'safetensors', 'platformdirs', 'matplotlib') if m in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert answer.stdout.strip() == "[]", answer.stderr


MEMORY_PROGRAM = """
import resource, torch
from autogan.device.memory import freed_memory_returned, keep_freed_memory

def resident_mib():
    with open("/proc/self/statm") as sizes:
        return int(sizes.read().split()[1]) * resource.getpagesize() // 2**20

def left_after_freeing():  # what the process still holds of tensors of 256 MiB that were freed
    before = resident_mib()
    tensors = [torch.ones(64 * 2**18) for _ in range(4)]
    del tensors
    return resident_mib() - before

left_after_freeing()  # what torch itself takes at the first call
with freed_memory_returned():
    returned = left_after_freeing()
keep_freed_memory()
kept = left_after_freeing()
for _ in range(20):  # the heap grows until it has room for what is aligned
    left_after_freeing()
print(kept, returned, left_after_freeing())
"""


@pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc" or not Path("/proc/self/statm").exists(),
    reason="only glibc has the setting, and only Linux tells what a process holds",
)
def test_freed_memory_is_kept_and_for_a_while_returned() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", MEMORY_PROGRAM], capture_output=True, text=True, check=True
    )
    kept, returned, taken_anew = map(int, ended.stdout.split())
    assert kept > 200 and returned < 50 and taken_anew < 50, ended.stdout
