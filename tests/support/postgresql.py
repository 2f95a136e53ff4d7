"""A PostgreSQL server of the test's own, from the system's packages."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin"))


class Server:
    """Begins empty; `start` and `stop` may be called again and again."""

    def __init__(self) -> None:
        if not BINARIES or not (BINARIES[-1] / "initdb").exists():
            pytest.skip("there is no PostgreSQL server here (Debian: apt install postgresql)")
        pytest.importorskip("psycopg")
        self._binaries = BINARIES[-1]
        self._user = "postgres" if os.geteuid() == 0 else None  # it refuses to run as root
        self._folder = Path(tempfile.mkdtemp(prefix="autogan-server-"))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        if self._user:
            shutil.chown(self._folder, self._user)
        password = self._folder / "password"
        password.write_text("secret")
        password.chmod(0o644)
        self._run("initdb", "-D", self._data, "-U", "autogan", f"--pwfile={password}", "-A", "md5")

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    @property
    def address(self) -> str:
        """Of its database, with the password."""
        return f"postgresql+psycopg://autogan:secret@127.0.0.1:{self._port}/postgres"

    def start(self) -> None:
        options = f"-p {self._port} -k {self._folder} -h 127.0.0.1 -c fsync=off"
        self._run(
            "pg_ctl", "-D", self._data, "-w", "-o", options, "-l", self._folder / "log", "start"
        )

    def stop(self, how: str = "fast") -> None:
        """how: fast, or immediate, as if the machine had lost its power."""
        self._run("pg_ctl", "-D", self._data, "-w", "-m", how, "stop")

    def kill(self) -> None:
        """kill -9 of the server; returns when none of its processes is left, so that it can start again."""
        main = int((self._data / "postmaster.pid").read_text().split()[0])
        group = [main, *_children(main)]
        os.kill(main, signal.SIGKILL)
        end = time.monotonic() + 30
        while any(_alive(process) for process in group):
            assert time.monotonic() < end, "the server's processes outlive it"
            time.sleep(0.05)
        # A dead process that no parent has waited for keeps its number: its locks would be believed.
        (self._data / "postmaster.pid").unlink()
        (self._folder / f".s.PGSQL.{self._port}.lock").unlink()

    def remove(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def _run(self, name: str, *arguments: object) -> None:
        done = subprocess.run(
            [str(self._binaries / name), *map(str, arguments)],
            user=self._user,
            cwd=self._folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()


def _children(process: int) -> list[int]:
    children = Path(f"/proc/{process}/task/{process}/children")
    return [int(number) for number in children.read_text().split()]


def _alive(process: int) -> bool:
    """Whether it is there, and no zombie."""
    try:
        return ") Z " not in Path(f"/proc/{process}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
