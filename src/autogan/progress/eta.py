"""How much of a plan is done, and how long the rest will take."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping

from autogan.progress.base import Cost

_EARLIEST_SHARE = 0.02  # of the plan done before a time left is told
# What a call costs whatever its size, until calls of two sizes were measured: as multiply-accumulates
# that would take as long, and in seconds where no other kind tells the machine's pace. Measured on
# one thread of a server processor of 2023, as was the usual pace: seconds for each work, of the judge's.
# Training took 9e7 without gradient penalties and 3e8 with them.
_OVERHEAD_WORK = {"scoring": 1.1e9, "judge": 5e7, "training": 1.2e8, "sampling": 5e8}
_OVERHEAD_SECONDS = {"scoring": 0.05, "judge": 0.002, "training": 0.004, "sampling": 0.02}
_USUAL_PACE = {"scoring": 0.9, "judge": 1.0, "training": 0.65, "sampling": 0.6}
_MOST_OVERHEAD = 0.6  # of the smallest call that was measured
SHORTEST_PAUSE_SECONDS = 5.0
_LEAST_USE = 0.01  # of one processor, by a process that is at work
_TRUST_IN_ASSUMPTION = 0.002  # as if that share of the measured time had shown it
_TRUST_IN_MEMORY_SECONDS = 5.0  # an earlier run's speed weighs as much as that time of this one's

Measured = dict[float, tuple[float, float]]
"""Multiply-accumulates of a call → how many calls of that size were measured, and their seconds."""


class Speed:
    """How long calls of one kind take: a constant for each call, and so much for each work.

    Small steps are slower for their work than large ones. Both numbers are fitted to what was
    measured, by least squares of the relative errors.
    """

    def __init__(self, kind: str, remembered: Measured | None = None) -> None:
        """remembered: what an earlier run on this machine has measured."""
        self.kind = kind
        self.measured: Measured = {}
        self.slowdown = 1.0
        """How many times as long as then the same work takes now."""
        self._remembered = remembered or {}

    def add(self, cost: Cost, seconds: float) -> None:
        """`cost` was done in so many seconds."""
        size = float(f"{cost.work / cost.calls:.2g}")
        calls, before = self.measured.get(size, (0.0, 0.0))
        self.measured[size] = (calls + cost.calls, before + seconds)

    @property
    def measured_seconds(self) -> float:
        """In this run."""
        return sum(seconds for _, seconds in self.measured.values())

    def slowness(self) -> tuple[float, float]:
        """Seconds that this run has measured, and what the same calls took by what is remembered."""
        earlier = Speed(self.kind)
        earlier.measured = self._remembered
        if not self._remembered:
            return 0.0, 0.0
        calls = [Cost(self.kind, n, size * n) for size, (n, _) in self.measured.items()]
        return self.measured_seconds, sum(earlier.seconds(cost, None) for cost in calls)

    def _known(self) -> Measured:
        """What this run has measured, and a little of what was remembered."""
        earlier = sum(seconds for _, seconds in self._remembered.values())
        weight = min(1.0, _TRUST_IN_MEMORY_SECONDS / earlier) if earlier else 0.0
        known = {
            size: (weight * calls, weight * self.slowdown * seconds)
            for size, (calls, seconds) in self._remembered.items()
        }
        for size, (calls, seconds) in self.measured.items():
            before = known.get(size, (0.0, 0.0))
            known[size] = (before[0] + calls, before[1] + seconds)
        return known

    @property
    def pace(self) -> float:
        """Seconds for each multiply-accumulate, all calls together."""
        known = self._known()
        work = sum(size * calls for size, (calls, _) in known.items())
        return sum(seconds for _, seconds in known.values()) / work

    def seconds(self, cost: Cost, pace_of_others: float | None) -> float:
        """How long `cost` is going to take; pace_of_others: the best that other kinds have shown."""
        per_call, per_work = self._fit(pace_of_others)
        return per_call * cost.calls + per_work * cost.work

    def _fit(self, pace_of_others: float | None) -> tuple[float, float]:
        """Seconds for each call, and for each multiply-accumulate; neither below 0."""
        known = self._known()
        total = sum(seconds for _, seconds in known.values())
        # Rows of the weighted system (1, work of a call) · (per call, per work) = seconds of a call.
        rows = [
            (size, seconds / calls, seconds / total)
            for size, (calls, seconds) in known.items()
            if seconds > 0
        ]
        if not rows:
            return 0.0, 0.0
        assumed = _OVERHEAD_SECONDS[self.kind]
        if pace_of_others is not None:
            assumed = _OVERHEAD_WORK[self.kind] * pace_of_others
        assumed = min(assumed, _MOST_OVERHEAD * min(seconds for _, seconds, _ in rows))
        rows.append((0.0, assumed, _TRUST_IN_ASSUMPTION))
        weighted = [(size, each, share / each**2) for size, each, share in rows]
        ones = sum(w for _, _, w in weighted)
        sizes = sum(w * size for size, _, w in weighted)
        squares = sum(w * size**2 for size, _, w in weighted)
        each = sum(w * seconds for _, seconds, w in weighted)
        products = sum(w * size * seconds for size, seconds, w in weighted)
        per_work = (ones * products - sizes * each) / (ones * squares - sizes**2)
        per_call = (each - per_work * sizes) / ones
        if per_call < 0:
            return 0.0, products / squares
        if per_work < 0:
            return each / ones, 0.0
        return per_call, per_work


class WorkingTime:
    """A clock that stands still while the process is paused (Ctrl-Z, a laptop asleep).

    Work that waits for a disk or a GPU still takes some of a processor's time; a pause takes none.
    """

    def __init__(
        self,
        wall: Callable[[], float] = time.monotonic,
        processor: Callable[[], float] = time.process_time,
    ) -> None:
        self._wall, self._processor = wall, processor
        self._seconds = 0.0
        self._last = (wall(), processor())

    def __call__(self) -> float:
        """Seconds at work since the clock was made."""
        now = (self._wall(), self._processor())
        passed, used = now[0] - self._last[0], now[1] - self._last[1]
        self._last = now
        paused = passed > SHORTEST_PAUSE_SECONDS and used < _LEAST_USE * passed
        self._seconds += used if paused else passed
        return self._seconds


class Eta:
    """Time left, from the costs that are planned and the speed that each kind of cost has shown.

    A kind that was not met yet is taken to be as fast as the others let expect. Where steps are so
    small that a GPU only waits for them to begin, the time left is too long until a search has met
    its second stage.
    """

    def __init__(
        self,
        now: Callable[[], float] | None = None,
        remembered: Mapping[str, Measured] | None = None,
    ) -> None:
        """remembered: what an earlier run on this machine has measured, by kind."""
        self._now = now = now or WorkingTime()
        self._began = self._last = now()
        self._planned: dict[str, list[Cost]] = {}
        self._done: dict[str, dict[str, Cost]] = defaultdict(dict)  # by part and kind
        self._remembered = dict(remembered or {})
        self.speeds = {kind: Speed(kind, known) for kind, known in self._remembered.items()}
        """By kind: of this run, and of an earlier one until this one tells."""
        self._part = ""
        self._finished: set[str] = set()

    def plan(self, parts: dict[str, list[Cost]]) -> None:
        """A new plan; what was done already stays done."""
        self._planned = {**{part: [] for part in self._done}, **parts}

    def start(self, part: str) -> None:
        """What the part before planned and did not need is taken out of the plan."""
        if self._part != part:
            self._finished.add(self._part)
        self._part = part
        self._planned.setdefault(part, [])
        for earlier in self._planned:
            if earlier == part:
                break
            self._finished.add(earlier)
        self._last = self._now()

    def advance(self, cost: Cost) -> None:
        """`cost` was done since the last call, or since the part began."""
        now = self._now()
        seconds, self._last = now - self._last, now
        self.speeds.setdefault(cost.kind, Speed(cost.kind)).add(cost, seconds)
        self.skipped([cost])

    def skipped(self, costs: list[Cost]) -> None:
        """Loads that were done in an earlier sitting."""
        done = self._done[self._part]
        for cost in costs:
            done[cost.kind] = done[cost.kind] + cost if cost.kind in done else cost

    def _remaining(self) -> Iterator[Cost]:
        """What is left of each planned cost; the first ones of a kind are done first."""
        for part, costs in self._planned.items():
            if part in self._finished:
                continue
            done = {kind: cost.work for kind, cost in self._done.get(part, {}).items()}
            for cost in costs:
                taken = min(cost.work, done.get(cost.kind, 0.0))
                done[cost.kind] = done.get(cost.kind, 0.0) - taken
                if taken < cost.work:
                    yield cost * (1 - taken / cost.work)

    @property
    def elapsed_seconds(self) -> float:
        """At work, since the estimate was begun."""
        return self._now() - self._began

    @property
    def share(self) -> float:
        """Done share of the plan's work, 0 to 1."""
        done = sum(cost.work for part in self._done.values() for cost in part.values())
        left = sum(cost.work for cost in self._remaining())
        return done / (done + left) if done else 0.0

    @property
    def seconds_left(self) -> float | None:
        """Unknown until a fiftieth of the plan is done, or all kinds of work are remembered."""
        remaining = list(self._remaining())
        remembered = bool(remaining) and all(cost.kind in self._remembered for cost in remaining)
        if not remembered and (self.share < _EARLIEST_SHARE or not self.speeds):
            return None
        now, then = map(
            sum, zip(*(speed.slowness() for speed in self.speeds.values()), strict=True)
        )
        for speed in self.speeds.values():
            speed.slowdown = now / then if then else 1.0
        return sum(self._seconds(cost) for cost in remaining)

    def _seconds(self, cost: Cost) -> float:
        paces = [
            speed.pace / _USUAL_PACE[kind]
            for kind, speed in self.speeds.items()
            if kind != cost.kind
        ]
        pace = min(paces) * _USUAL_PACE[cost.kind] if paces else None
        if cost.kind in self.speeds:
            return self.speeds[cost.kind].seconds(cost, pace)
        assert pace is not None, "one kind or more is known"
        return pace * (cost.work + _OVERHEAD_WORK[cost.kind] * cost.calls)
