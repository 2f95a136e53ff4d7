"""Processes that score children, each with a copy of the shared generator and of the judge.

A process gets an architecture and the state of the stream of latents that its images begin with, and answers
with the reward and with where the stream stands then. The weights, as they are now, are handed over in a
file each time.
"""

import os
import pickle
import signal
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from multiprocessing import get_context, resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NoReturn

import torch
from torch import Tensor

from autogan.basics.errors import UserError
from autogan.device.compute import Compute
from autogan.device.gpus import VISIBLE, visible_gpus
from autogan.files.storage import load_tree, save_tree
from autogan.gan.streams import LatentStream
from autogan.judges import FeatureStatistics, Reference
from autogan.method.child_scoring import ChildScorer, Scoring
from autogan.spaces.architecture import Architecture
from autogan.spaces.networks import Generator

HELD_BACK = {signal.SIGINT, signal.SIGHUP}
"""Ctrl-C reaches all processes of a terminal. It is for the search, which then ends the others."""


@dataclass(frozen=True)
class Scored:
    """What a process says of a child: its reward, or why it has none.

    before, after: where the stream of latents stood. users: whether the error is a `UserError`.
    """

    architecture: Architecture
    before: bytes
    after: bytes
    seconds: float
    reward: float | None
    error: str = ""
    users: bool = False


@dataclass(frozen=True)
class Computing:
    """How a process computes: device, precision and layout as settings name them, and its threads."""

    device: str
    precision: str
    layout: str
    threads: int


class Scorers:
    """`count` processes, started when they are first asked. Close them."""

    def __init__(
        self, count: int, generator: Generator, scoring: Scoring, compute: Compute
    ) -> None:
        self.count = count
        self._generator = generator
        self._scoring = scoring
        self._compute = compute
        self._processes: list[tuple[SpawnProcess, Connection]] = []

    def scored(
        self,
        children: Sequence[tuple[Architecture, bytes]],
        real: Reference | None,
        interruptible: Callable[[], AbstractContextManager[None]],
    ) -> list[Scored]:
        """All of these, at most `count`; each with the latents' state that it begins with.

        Raises `UserError` where a process dies; all are ended then.
        """
        assert len(children) <= self.count
        try:
            self._start()
            return self._asked(children, real, interruptible)
        except BaseException:
            self.close()  # where it was asked to stop, too: a late answer would be another round's
            raise

    def _asked(
        self,
        children: Sequence[tuple[Architecture, bytes]],
        real: Reference | None,
        interruptible: Callable[[], AbstractContextManager[None]],
    ) -> list[Scored]:
        with TemporaryDirectory(prefix="autogan-") as folder:
            file = Path(folder) / "weights.safetensors"
            known = None if real is None else (real.statistics.to_tensors(), real.count, real.judge)
            save_tree(file, {"generator": self._generator.state_dict(), "real": known})
            for (architecture, state), (_, connection) in zip(
                children, self._processes, strict=False
            ):
                self._send(connection, (str(file), str(architecture), state))
            busy = [connection for _, connection in self._processes[: len(children)]]
            answers: dict[Connection, Scored] = {}
            with interruptible():
                while len(answers) < len(busy):
                    ready = wait([c for c in busy if c not in answers])
                    for connection in (c for c in busy if c in ready):
                        answers[connection] = self._answer(connection)
        return [answers[connection] for connection in busy]

    def _start(self) -> None:
        if self._processes:
            return
        compute = self._compute
        gpus = visible_gpus() if compute.device.type == "cuda" else []
        contiguous = compute.memory_format is torch.contiguous_format
        computing = Computing(
            compute.device.type,
            compute.precision,
            "contiguous" if contiguous else "channels-last",
            max(1, torch.get_num_threads() // self.count),
        )
        # Our own objects for our own processes, through memory: nobody else can have written them.
        held = pickle.dumps((self._generator, self._scoring))
        spawning = get_context("spawn")
        resource_tracker.ensure_running()  # else the first start starts it, which lets signals through
        for number in range(self.count):
            ours, theirs = spawning.Pipe()
            process = spawning.Process(target=serve, args=(theirs, computing), daemon=True)
            with _held_back(), _seeing(gpus[number % len(gpus)] if gpus else None):
                process.start()
            theirs.close()  # so that the end of the process ends the connection
            self._processes.append((process, ours))
        for _, connection in self._processes:  # all are there: none waits for another's imports
            self._send(connection, held)

    def _send(self, connection: Connection, task: tuple[str, str, bytes] | bytes) -> None:
        try:
            connection.send(task)
        except OSError:
            self._refuse_dead(connection)

    def _answer(self, connection: Connection) -> Scored:
        try:
            answer = connection.recv()
        except (EOFError, OSError):
            self._refuse_dead(connection)
        if isinstance(answer, str):
            raise RuntimeError(f"A process that scores children went wrong:\n{answer}")
        assert isinstance(answer, Scored)
        return answer

    def _refuse_dead(self, connection: Connection) -> NoReturn:
        process = next(process for process, own in self._processes if own is connection)
        process.join()
        raise UserError(
            f"A process that scores children died (code {process.exitcode}). None of the children that were "
            "at work counts. Go on with --resume, perhaps with a lower search.scorers: each takes memory "
            "for the generator and the judge."
        )

    def close(self) -> None:
        """Ends them; they keep nothing."""
        for process, connection in self._processes:
            process.kill()
            process.join()
            connection.close()
        self._processes = []


@contextmanager
def _held_back() -> Iterator[None]:
    """A process that is started inside never sees these signals; those for us come afterwards."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, HELD_BACK)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _seeing(gpu: str | None) -> Iterator[None]:
    """A process that is started inside sees this GPU alone; None: all that we see."""
    before = os.environ.get(VISIBLE)
    if gpu is not None:
        os.environ[VISIBLE] = gpu
    try:
        yield
    finally:
        if gpu is not None:
            del os.environ[VISIBLE]
            if before is not None:
                os.environ[VISIBLE] = before


def as_bytes(state: Tensor) -> bytes:
    """The state of a random stream, for other processes."""
    return bytes(state.numpy().tobytes())


def as_state(state: bytes) -> Tensor:
    """What `as_bytes` made bytes of."""
    return torch.frombuffer(bytearray(state), dtype=torch.uint8)


def serve(tasks: Connection, computing: Computing) -> None:
    """A process's life: takes generator and scoring from the `Scorers`, and scores one child after the
    other, until the search closes the connection."""
    torch.set_num_threads(computing.threads)
    compute = Compute.resolve(computing.device, computing.precision, computing.layout, "none")
    generator, scoring = pickle.loads(tasks.recv())
    latents = LatentStream(torch.Generator(), generator.latent_size, compute.device)
    scorer = ChildScorer(generator, latents, scoring, compute, nullcontext)
    with suppress(EOFError, ConnectionError):  # the search has ended
        while True:
            file, text, before = tasks.recv()
            try:
                tree = load_tree(Path(file))
                generator.load_state_dict(tree["generator"])
                answer = _score(scorer, latents, tree["real"], Architecture.parse(text), before)
            except Exception:  # a fault of ours, or too little memory: the search says what
                tasks.send(traceback.format_exc())
                return
            tasks.send(answer)


def _score(
    scorer: ChildScorer,
    latents: LatentStream,
    real: Any,
    architecture: Architecture,
    before: bytes,
) -> Scored:
    """real: tensors of the statistics, count and judge of a `Reference`; None without one."""
    began = time.monotonic()
    scorer.real = None
    if real is not None:
        tensors, count, judge = real
        scorer.real = Reference(FeatureStatistics.of_tensors(tensors), None, count, judge)
    latents.set_state(as_state(before))
    reward, error, users = None, "", False
    try:
        reward = scorer.score(architecture)
    except (UserError, ArithmeticError) as wrong:
        error, users = str(wrong), isinstance(wrong, UserError)
    seconds = time.monotonic() - began
    return Scored(architecture, before, as_bytes(latents.state()), seconds, reward, error, users)
