"""Places on the machines of a Ray cluster. Ray finds room for workers, and gives them GPUs; no more.

Whatever a search knows stands in its database, as without Ray. So an actor is only a worker's process
elsewhere, and nothing is lost with it.
"""

import contextlib
import os
import socket
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from autogan.basics.errors import UserError
from autogan.basics.version import package_version
from autogan.device.gpus import VISIBLE
from autogan.settings.judge import INCEPTION_WEIGHTS_VARIABLE
from autogan.trials.places import ADDRESS, Ended, Order, Places, Started
from autogan.trials.ray_host import THREADS, Host, look
from autogan.trials.storage import JOURNAL, refuse_out_of_reach, with_whole_path

AUTO = "auto"
CONNECT_WITHIN_SECONDS = 8.0
LOOK_WITHIN_SECONDS = 60.0
"""In which every machine must have started a process."""
PATHS = ("AUTOGAN_CACHE", INCEPTION_WEIGHTS_VARIABLE)
"""Variables with paths, which are the same on all machines."""
NO_STATISTICS = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_USAGE_STATS_PROMPT_ENABLED": "0"}


@contextmanager
def on_cluster(
    address: str, workers: int, gpus_for_each: int | None, storage: str | None
) -> Iterator["RayPlaces"]:
    """Places on a cluster that is there; none is ever started.

    address: auto, or the HOST:PORT of the cluster's head. gpus_for_each: None for none. storage: the
    address of the trials' database; None: the default one.

    Raises `UserError` before anything is begun: where Ray is not installed, no cluster answers, it has not
    so much room, or one of its machines lacks this program or cannot reach the storage.
    """
    if find_spec("ray") is None:
        raise UserError("--ray needs the package ray, which is not installed: pip install ray")
    _refuse_silence(address)
    os.environ.update(NO_STATISTICS)
    import ray

    # Ray's messages would stand among results; warnings of its machines come in a thread of its own.
    with contextlib.redirect_stdout(sys.stderr):
        try:
            _connect(address)
            machines = [node for node in ray.nodes() if node["Alive"]]
            room = [node["Resources"] for node in machines]
            _refuse_too_many(workers, gpus_for_each, room)
            if {node["NodeManagerHostname"] for node in machines} != {socket.gethostname()}:
                refuse_out_of_reach(storage)
            _look_at([node["NodeID"] for node in machines], storage)
            threads = max(1, int(sum(one.get("CPU", 0) for one in room)) // workers)
            spare = 0 if gpus_for_each else int(sum(one.get("GPU", 0) for one in room))
            yield RayPlaces(workers, gpus_for_each or 0, threads, spare)
        finally:
            ray.shutdown()


def _refuse_silence(address: str) -> None:
    """Raises where nothing answers at HOST:PORT: Ray itself tries for more than a minute."""
    place = os.environ.get("RAY_ADDRESS", AUTO) if address == AUTO else address
    if place == AUTO:
        return  # Ray looks at once whether this machine belongs to a cluster
    host, _, port = place.rpartition(":")
    if not host or not port.isdecimal() or "/" in place:
        raise UserError(f"--ray takes auto or HOST:PORT of a cluster's head, not {place!r}.")
    try:
        socket.create_connection((host.strip("[]"), int(port)), CONNECT_WITHIN_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise _no_cluster(place, error) from None


def _connect(address: str) -> None:
    import ray

    try:
        ray.init(address=address, log_to_driver=False, logging_level="ERROR")
    except ConnectionError as error:
        alone = address == AUTO and "RAY_ADDRESS" not in os.environ
        raise _no_cluster(address, "this machine is of none" if alone else error) from None
    except (OSError, RuntimeError, ValueError, AssertionError) as error:
        raise _no_cluster(address, error) from None
    except SystemExit:  # so Ray ends the process where a head does not speak as one
        raise _no_cluster(address, "what answers is no Ray cluster") from None


def _no_cluster(address: str, reason: object) -> UserError:
    return UserError(
        f"No Ray cluster can be used at {address}: {reason}\nStart one (ray start --head "
        "--disable-usage-stats), and search on one of its machines."
    )


def _refuse_too_many(
    workers: int, gpus_for_each: int | None, machines: list[Mapping[str, float]]
) -> None:
    """machines: what each has, by Ray's names. A worker needs one CPU, and its GPUs in one machine."""
    cpus, gpus = ([int(one.get(kind, 0)) for one in machines] for kind in ("CPU", "GPU"))
    fitting = [
        min(c, g // gpus_for_each) if gpus_for_each else c for c, g in zip(cpus, gpus, strict=True)
    ]
    if workers > sum(fitting):
        each = f" with --gpus-per-worker {gpus_for_each}" if gpus_for_each else ""
        raise UserError(
            f"--workers {workers}{each} does not fit: this Ray cluster has room for {sum(fitting)} "
            f"(machines: {len(machines)}, CPUs: {sum(cpus)}, GPUs: {sum(gpus)}; a worker takes a CPU"
            f"{' and its GPUs in one machine' if gpus_for_each else ''}). Give fewer."
        )


def _look_at(nodes: list[str], storage: str | None) -> None:
    """Raises where a machine lacks this program, has another version, or does not see a journal's folder."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    with _token(storage) as token:
        looks = [
            ray.remote(look)
            .options(
                num_cpus=0,
                max_retries=0,
                scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=False),
            )
            .remote(token)
            for node in nodes
        ]
        done, silent = ray.wait(looks, num_returns=len(looks), timeout=LOOK_WITHIN_SECONDS)
        if silent:
            raise UserError(
                f"{len(silent)} of the cluster's {len(nodes)} machines started no process within "
                f"{LOOK_WITHIN_SECONDS:.0f} seconds; `ray status` says more."
            )
        try:
            machines = ray.get(done)
        except ray.exceptions.RayError as error:
            raise UserError(
                f"A machine of the cluster cannot run this program; is it installed there?\n{_short(error)}"
            ) from None
    for machine in machines:
        if machine.version != package_version():
            raise UserError(
                f"{machine.name} has autogan-nas {machine.version}, and this machine {package_version()}. "
                "Install the same."
            )
        if not machine.sees:
            raise UserError(
                f"{machine.name} does not see the folder of the storage {storage}. Put the journal in a "
                "folder that all machines share, or give --storage postgresql+psycopg://USER@HOST/NAME."
            )


@contextmanager
def _token(storage: str | None) -> Iterator[str | None]:
    """A file beside a journal, which is there as long as the block; None for another storage."""
    if storage is None or not storage.startswith(JOURNAL):
        yield None
        return
    folder = Path(with_whole_path(storage).removeprefix(JOURNAL)).parent
    if not folder.is_dir():
        raise UserError(f"There is no folder {folder} for the storage.")
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".autogan-") as file:
        yield file.name


def _short(error: Exception) -> str:
    """The last lines of Ray's, which say what happened."""
    return "\n".join(line for line in str(error).splitlines()[-3:] if line.strip())


class RayPlaces(Places):
    """Actors on a cluster that this process has joined: each waits where there is no room."""

    def __init__(self, count: int, gpus_for_each: int, threads: int, spare_gpus: int) -> None:
        """threads: that a worker computes with, at most. spare_gpus: that the cluster has and nobody sees."""
        self._count = count
        self._gpus_for_each = gpus_for_each
        self._threads = threads
        self.spare_gpus = spare_gpus

    @property
    def count(self) -> int:
        return self._count

    @contextmanager
    def reporting(self, folder: Path) -> Iterator[None]:
        """What Ray says stands beside what workers say."""
        with (folder / "ray.log").open("a") as said, contextlib.redirect_stdout(said):
            yield

    def start(self, place: int, order: Order, log: Path) -> Started:
        import ray

        actor: Any = (
            ray.remote(Host)
            .options(
                num_cpus=1,
                num_gpus=self._gpus_for_each,
                max_concurrency=2,
                scheduling_strategy="SPREAD",
            )
            .remote()
        )
        # As an argument of a call: environments of actors stand in Ray's logs.
        own = {name: os.environ[name] for name in (THREADS,) if name in os.environ}
        paths = {name: os.path.abspath(os.environ[name]) for name in PATHS if name in os.environ}
        environment = {**own, **paths, ADDRESS: order.address}
        if not self._gpus_for_each:
            environment[VISIBLE] = ""
        return _Actor(actor, order, environment, self._threads, log.resolve())


class _Actor(Started):
    def __init__(
        self, actor: Any, order: Order, environment: dict[str, str], threads: int, log: Path
    ) -> None:
        self._actor = actor
        self._placed = actor.place.remote()
        self._end = actor.run.remote(order.arguments, environment, threads, str(log))

    @property
    def waits(self) -> bool:
        return not _is_ready(self._placed, 0)

    def poll(self) -> Ended | None:
        import ray

        if not _is_ready(self._end, 0):
            return None
        try:
            code, words = ray.get(self._end)
        except ray.exceptions.RayError as error:
            return Ended(None, _short(error))
        return Ended(code, words)

    def terminate(self) -> None:
        if not self.waits:
            self._actor.stop.remote()

    def end(self, within_seconds: float) -> None:
        import ray

        if not self.waits:
            _is_ready(self._end, within_seconds)
        ray.kill(self._actor)


def _is_ready(answer: Any, seconds: float) -> bool:
    import ray

    ready, _ = ray.wait([answer], timeout=seconds)
    return bool(ready)
