"""Workers on a Ray cluster: what cannot be is refused at once; a machine that dies costs no trial.

What needs a cluster takes minutes, so only `make torture` (`AUTOGAN_TORTURE=1`) does it.
"""

import os
import signal
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from commands import autogan
from postgresql import Server
from trial_processes import Process, at_work, refuse_lost_or_doubled, until

from autogan.basics.errors import UserError
from autogan.trials import ray_places
from autogan.trials.ray_places import _refuse_too_many

SEARCH = ("search", "--method", "trials", "--preset", "demo", "--strategy", "random")
SMALL = {
    "num_cpus": 1,
    "object_store_memory": 80 * 2**20,
    "include_dashboard": False,
}


def refused(*options: str) -> str:
    answer = autogan(*SEARCH, "--out", "run", *options)
    assert answer.code == 2 and not Path("run").exists()
    return answer.err


def test_ray_is_of_trials_and_of_an_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = autogan("search", "--preset", "demo", "--out", "run", "--ray", "auto")
    assert answer.code == 2 and "--ray is of trials: add --method trials" in answer.err
    monkeypatch.setattr(ray_places, "find_spec", lambda name: None)
    assert "pip install ray" in " ".join(refused("--ray", "auto").split())


@pytest.mark.parametrize("address", ["local", "ray://head:10001", "head", "head:port", ":6379"])
def test_only_a_cluster_that_is_there_has_an_address(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_places, "find_spec", lambda name: True)
    assert "takes auto or HOST:PORT" in refused("--ray", address)


def test_where_nothing_answers_it_is_said_within_ten_seconds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ray_places, "find_spec", lambda name: True)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{closed.getsockname()[1]}"
        began = time.monotonic()
        assert f"No Ray cluster can be used at {place}" in refused("--ray", place)
        monkeypatch.setenv("RAY_ADDRESS", place)
        assert f"No Ray cluster can be used at {place}" in refused("--ray", "auto")
        assert time.monotonic() - began < 10


def test_a_worker_has_its_gpus_in_one_machine() -> None:
    machines = [{"CPU": 8.0, "GPU": 3.0}, {"CPU": 1.0, "GPU": 4.0}, {"CPU": 2.0}]
    _refuse_too_many(11, None, machines)
    _refuse_too_many(4, 1, machines)
    _refuse_too_many(2, 2, machines)
    for workers, for_each, room in ((12, None, 11), (5, 1, 4), (3, 2, 2), (1, 5, 0)):
        with pytest.raises(UserError, match=rf"room for {room} \(machines: 3, CPUs: 11, GPUs: 7"):
            _refuse_too_many(workers, for_each, machines)


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A head and a second node on this machine, each with room for one worker."""
    if "AUTOGAN_TORTURE" not in os.environ:
        pytest.skip("takes minutes: make torture")
    pytest.importorskip("ray", reason="pip install ray")
    with tempfile.TemporaryDirectory(prefix="ray-") as folder:  # paths of sockets must be short
        (Path(folder) / "ray").mkdir()
        for name, value in {**ray_places.NO_STATISTICS, "RAY_TMPDIR": folder}.items():
            monkeypatch.setenv(name, value)
        from ray.cluster_utils import Cluster

        quick = {"enable_worker_prestart": False, "prestart_worker_first_driver": False}
        cluster = Cluster(initialize_head=True, head_node_args={**SMALL, "_system_config": quick})
        try:
            cluster.add_node(**SMALL)
            yield cluster
        finally:
            cluster.shutdown()


def processes(words: str) -> list[int]:
    """Numbers of processes whose command has these words."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = file.read_bytes().replace(b"\0", b" ")
        except OSError:
            continue  # it has just ended
        if words.encode() in command:
            found.append(int(file.parent.name))
    return found


def test_a_machine_that_dies_is_replaced_and_every_trial_ends_once(
    cluster: Any, begin: Callable[..., Process], tmp_path: Path
) -> None:
    assert begin("--workers", "3", "--ray", cluster.address).wait(60) == 2
    assert "room for 2 (machines: 2, CPUs: 2, GPUs: 0" in (tmp_path / "said.txt").read_text()
    search = begin("--workers", "2", "--ray", cluster.address)
    until(lambda: len({file.parents[1] for file in at_work(tmp_path)}) == 2, 300)
    (node,) = cluster.worker_nodes
    cluster.remove_node(node, allow_graceful=False)
    cluster.add_node(**SMALL)
    assert search.wait(240) == 0, (tmp_path / "said.txt").read_text()
    said = (tmp_path / "said.txt").read_text()
    assert "died (gone with its machine or its Ray actor); another one takes its place" in said
    refuse_lost_or_doubled(tmp_path)
    assert not processes(str(tmp_path / "run"))


def test_a_stopped_search_ends_its_workers_and_no_password_is_anywhere(
    cluster: Any, server: Server, begin: Callable[..., Process], tmp_path: Path
) -> None:
    given = {"AUTOGAN_STORAGE": server.address}
    search = begin("--workers", "2", "--ray", cluster.address, **given)
    until(lambda: at_work(tmp_path), 300)
    assert not processes("secret")
    search.send_signal(signal.SIGTERM)
    assert search.wait(60) == 143, (tmp_path / "said.txt").read_text()
    assert not processes(str(tmp_path / "run"))
    said = "".join(file.read_text() for file in (tmp_path / "run" / "workers").glob("*.log"))
    assert "Stopped by SIGTERM. Its trial waits for another worker." in said
    again = begin("--workers", "2", "--ray", cluster.address, "--resume", **given)
    assert again.wait(240) == 0, (tmp_path / "said.txt").read_text()
    refuse_lost_or_doubled(tmp_path)
    logs = [file for file in Path(os.environ["RAY_TMPDIR"]).rglob("*") if file.is_file()]
    assert any(file.name.startswith("raylet") for file in logs)
    for file in [*logs, *(tmp_path / "run").rglob("*")]:
        assert not file.is_file() or b"secret" not in file.read_bytes(), file
