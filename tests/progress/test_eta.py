"""The eta: how much is done, and whether the time left comes true."""

import random

import pytest

from autogan.progress.base import Cost
from autogan.progress.eta import Eta, Measured, Speed, WorkingTime
from autogan.runs.plan import Plan
from autogan.runs.task import Task
from autogan.runs.workload import Workload
from autogan.settings.loading import load_settings

# Seconds for each call, and for each multiply-accumulate, of machines that were measured.
LAPTOP = {"training": (0.004, 1 / 36e9), "scoring": (0.06, 1 / 24e9), "judge": (0.002, 1 / 22e9)}
BUSY = {"training": (0.009, 1 / 15e9), "scoring": (0.10, 1 / 12e9), "judge": (0.004, 1 / 10e9)}
GPU = {"training": (0.008, 1 / 3e12), "scoring": (0.02, 1 / 5e12), "judge": (0.004, 1 / 5e12)}


class Machine:
    """A run that only takes time: its parts in order, with noise of a third on every step."""

    def __init__(self, speeds: dict[str, tuple[float, float]]) -> None:
        self.speeds = speeds
        self.time = 0.0
        self.random = random.Random(0)

    def takes(self, load: Cost) -> float:
        per_call, per_work = self.speeds[load.kind]
        return per_call * load.calls + per_work * load.work

    def run(self, eta: Eta, parts: dict[str, list[Cost]]) -> list[tuple[float, float, float]]:
        """(time, share, seconds left) after every piece of work."""
        seen = []
        for part, loads in parts.items():
            eta.start(part)
            for pair in (loads[i : i + 2] for i in range(0, len(loads), 2)):
                for piece in [load / 200 for _ in range(200) for load in pair]:
                    self.time += self.takes(piece) * self.random.uniform(0.67, 1.33)
                    eta.advance(piece)
                    seen.append((self.time, eta.share, eta.seconds_left or -1.0))
        return seen


@pytest.mark.parametrize("preset", ["demo", "cifar10-cpu", "cifar10-paper"])
@pytest.mark.parametrize(
    ("speeds", "since"),
    [(LAPTOP, 0.1), (BUSY, 0.1), (GPU, 0.6)],
    ids=["laptop", "busy", "gpu"],
)
def test_the_time_left_is_right_to_a_third_after_a_tenth(
    preset: str, speeds: dict[str, tuple[float, float]], since: float
) -> None:
    """On a GPU later: its narrow steps take no time but to begin, which one stage does not tell."""
    images = 10_000 if preset == "demo" else 50_000
    settings = load_settings(preset)
    parts = Plan.of(settings, Task(), Workload(settings, images, images)).costs()
    machine = Machine(speeds)
    eta = Eta(lambda: machine.time)
    eta.plan(parts)
    seen = machine.run(eta, parts)
    total = seen[-1][0]
    assert seen[-1][1] == pytest.approx(1)
    late = [entry for entry in seen if since * total < entry[0] < 0.9 * total]
    ratios = [left / (total - now) for now, _, left in late]
    assert len(ratios) > 100
    assert min(ratios) > 2 / 3 and max(ratios) < 4 / 3


def test_shares_only_grow_and_end_at_one() -> None:
    settings = load_settings("demo")
    parts = Plan.of(settings, Task(), Workload(settings, 10_000, 10_000)).costs()
    machine = Machine(LAPTOP)
    eta = Eta(lambda: machine.time)
    eta.plan(parts)
    shares = [share for _, share, _ in machine.run(eta, parts)]
    assert shares == sorted(shares) and shares[-1] == pytest.approx(1)


def test_what_a_part_did_not_need_is_not_waited_for() -> None:
    machine = Machine(LAPTOP)
    eta = Eta(lambda: machine.time)
    half = Cost("training", 50, 5e9)
    eta.plan({"judge": [Cost("judge", 100, 1e12)], "search": [2 * half]})
    eta.start("judge")  # taken from the cache: nothing is spent
    eta.start("search")
    machine.time += machine.takes(half)
    eta.advance(half)
    assert eta.share == pytest.approx(0.5)
    assert eta.seconds_left == pytest.approx(machine.takes(half), rel=0.05)


def test_what_an_earlier_sitting_did_counts_as_done_and_not_as_fast() -> None:
    machine = Machine(LAPTOP)
    eta = Eta(lambda: machine.time)
    tenth = Cost("training", 100, 1e10)
    eta.plan({"search": [10 * tenth]})
    eta.start("search")
    eta.skipped([8 * tenth])
    assert eta.share == pytest.approx(0.8) and eta.seconds_left is None
    machine.time += 30
    eta.advance(tenth)
    assert eta.seconds_left == pytest.approx(30, rel=0.05)


def test_a_speed_is_what_was_measured_and_never_negative() -> None:
    small, large = Cost("training", 100, 1e9), Cost("training", 100, 1e11)
    speed = Speed("training")
    speed.add(small, 1.0)
    speed.add(large, 5.0)
    assert speed.seconds(small, None) == pytest.approx(1.0, rel=0.1)
    assert speed.seconds(large, None) == pytest.approx(5.0, rel=0.05)
    strange = Speed("training")  # larger steps that were faster: other work was going on
    strange.add(small, 5.0)
    strange.add(large, 1.0)
    assert strange.seconds(small, None) > 0 and strange.seconds(large, None) > 0


def test_a_pause_is_no_work() -> None:
    wall, processor = [100.0], [7.0]
    clock = WorkingTime(lambda: wall[0], lambda: processor[0])

    def pass_time(seconds: float, used: float) -> float:
        wall[0] += seconds
        processor[0] += used
        return clock()

    assert pass_time(10, used=9.5) == pytest.approx(10)
    assert pass_time(3600, used=0.02) == pytest.approx(10.02)  # asleep
    assert pass_time(4, used=0) == pytest.approx(14.02)  # waiting for a disk
    assert pass_time(60, used=3) == pytest.approx(74.02)  # waiting for a GPU


def measured_on(speeds: dict[str, tuple[float, float]], preset: str) -> dict[str, Measured]:
    """What a whole run on a machine leaves to be remembered."""
    settings = load_settings(preset)
    machine = Machine(speeds)
    eta = Eta(lambda: machine.time)
    eta.plan(parts := Plan.of(settings, Task(), Workload(settings, 10_000, 10_000)).costs())
    machine.run(eta, parts)
    return {kind: speed.measured for kind, speed in eta.speeds.items()}


def test_a_machine_that_was_met_before_tells_the_time_at_once() -> None:
    settings = load_settings("demo")
    parts = Plan.of(settings, Task(), Workload(settings, 10_000, 10_000)).costs()
    machine = Machine(LAPTOP)
    eta = Eta(lambda: machine.time, measured_on(LAPTOP, "demo"))
    eta.plan(parts)
    eta.start(next(iter(parts)))
    at_once = eta.seconds_left
    assert at_once is not None
    total = machine.run(eta, parts)[-1][0]
    assert at_once == pytest.approx(total, rel=0.1)


def test_a_memory_of_quicker_days_is_soon_corrected() -> None:
    settings = load_settings("cifar10-cpu")
    parts = Plan.of(settings, Task(), Workload(settings, 50_000, 50_000)).costs()
    machine = Machine(BUSY)
    eta = Eta(lambda: machine.time, measured_on(LAPTOP, "demo"))
    eta.plan(parts)
    seen = machine.run(eta, parts)
    total = seen[-1][0]
    ratios = [left / (total - now) for now, _, left in seen if 0.1 * total < now < 0.9 * total]
    assert min(ratios) > 0.8 and max(ratios) < 1.25
