"""How much memory there is: of the machine, or what the control groups of a container leave of it."""

from pathlib import Path

import pytest

from autogan.device.memory import Memory, main_memory

GIBIBYTE = 2**30
CONTAINER = "this container may use"


def machine(root: Path, swap: int = 0, groups: str | None = None) -> Path:
    """64 GiB and `swap` GiB. groups: /proc/self/cgroup."""
    written = {
        "proc/meminfo": f"MemTotal: {64 * 2**20} kB\nSwapTotal: {swap * 2**20} kB\nHuge: 0\n"
    }
    if groups is not None:
        written["proc/self/cgroup"] = groups
    for name, content in written.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
    return root


def limit(root: Path, file: str, content: object) -> None:
    """What a file below /sys/fs/cgroup says."""
    path = root / "sys/fs/cgroup" / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{content}\n")


def test_of_this_machine_there_is_some() -> None:
    assert main_memory().size > 2**28


@pytest.mark.parametrize("groups", [None, "0::/\n", "0::/user/session\n", "4:memory:/a\n0::/\n"])
def test_without_limits_it_is_the_machines_with_swap(tmp_path: Path, groups: str | None) -> None:
    memory = main_memory(machine(tmp_path, swap=2, groups=groups))
    assert memory == Memory(66 * GIBIBYTE, "this machine has", holds_program=True)
    assert str(memory) == "this machine has 66.0 GiB"


@pytest.mark.parametrize(
    ("path", "file"),
    [
        ("/", "memory.max"),
        ("/work/one", "work/one/memory.max"),
        ("/work/one", "work/memory.max"),
        ("/system/container", "memory.max"),
        ("/../..", "memory.max"),
    ],
    ids=["own root", "own", "above", "path of outside", "outside of the root"],
)
def test_a_group_or_one_above_it_limits(tmp_path: Path, path: str, file: str) -> None:
    root = machine(tmp_path, groups=f"0::{path}\n")
    limit(root, file, 2 * GIBIBYTE)
    assert str(main_memory(root)) == "this container may use 2.0 GiB"


def test_the_smallest_limit_counts_and_max_is_none(tmp_path: Path) -> None:
    root = machine(tmp_path, groups="0::/work/one\n")
    limit(root, "work/one/memory.max", "max")
    assert main_memory(root).whose == "this machine has"
    limit(root, "work/memory.max", 3 * GIBIBYTE)
    limit(root, "memory.max", 5 * GIBIBYTE)
    assert main_memory(root) == Memory(3 * GIBIBYTE, CONTAINER, holds_program=True)
    limit(root, "work/one/memory.max", 128 * GIBIBYTE)
    assert main_memory(root).size == 3 * GIBIBYTE


def test_a_limit_beyond_the_machine_is_none(tmp_path: Path) -> None:
    root = machine(tmp_path, groups="4:memory:/\n")
    limit(root, "memory/memory.limit_in_bytes", 9223372036854771712)
    assert main_memory(root) == Memory(64 * GIBIBYTE, "this machine has", holds_program=True)


@pytest.mark.parametrize("path", ["/docker/a", "/"])
def test_version_one_has_a_folder_of_its_own(tmp_path: Path, path: str) -> None:
    root = machine(tmp_path, groups=f"5:cpu,cpuacct:/x\n4:memory:{path}\n0::/\n")
    limit(root, "memory/memory.limit_in_bytes", 2 * GIBIBYTE)
    assert main_memory(root) == Memory(2 * GIBIBYTE, CONTAINER, holds_program=True)
    limit(root, "memory/docker/a/memory.limit_in_bytes", GIBIBYTE)
    assert main_memory(root).size == (GIBIBYTE if path != "/" else 2 * GIBIBYTE)


@pytest.mark.parametrize(("swap_limit", "size"), [(None, 6), ("max", 6), (0, 2), (GIBIBYTE, 3)])
def test_swap_of_version_two_is_limited_apart(
    tmp_path: Path, swap_limit: object, size: int
) -> None:
    root = machine(tmp_path, swap=4, groups="0::/a\n")
    limit(root, "a/memory.max", 2 * GIBIBYTE)
    if swap_limit is not None:
        limit(root, "a/memory.swap.max", swap_limit)
    assert main_memory(root).size == size * GIBIBYTE


@pytest.mark.parametrize(("both", "size"), [(None, 6), (3 * GIBIBYTE, 3), (100 * GIBIBYTE, 6)])
def test_swap_of_version_one_is_limited_together(tmp_path: Path, both: object, size: int) -> None:
    root = machine(tmp_path, swap=4, groups="4:memory:/a\n")
    limit(root, "memory/a/memory.limit_in_bytes", 2 * GIBIBYTE)
    if both is not None:
        limit(root, "memory/a/memory.memsw.limit_in_bytes", both)
    assert main_memory(root).size == size * GIBIBYTE
