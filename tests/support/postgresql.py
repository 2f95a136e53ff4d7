"""A PostgreSQL server of the test's own, from the system's packages."""

import os
import shutil
import socket
import subprocess
import tempfile
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
