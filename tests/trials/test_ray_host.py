"""The actor's part of a worker: a process that is told what it needs, and that hears a request to stop."""

import os
import socket
import threading
from pathlib import Path

from trial_processes import until

from autogan.basics.version import package_version
from autogan.trials.ray_host import THREADS, Host, look

SLEEPS = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
print("at work", flush=True)
time.sleep(60)
"""
SAYS = f"""
import os
print(os.environ["GIVEN"], os.environ["{THREADS}"], *range(9), sep="\\n")
raise SystemExit(3)
"""


def test_a_process_gets_its_variables_and_says_how_it_ended(tmp_path: Path) -> None:
    log = tmp_path / "workers" / "0.log"
    assert Host().run(["-c", SAYS], {"GIVEN": "this"}, 10**6, str(log)) == (3, "4\n5\n6\n7\n8")
    assert log.read_text().splitlines()[:2] == ["this", str(os.cpu_count())]
    Host().run(["-c", SAYS], {"GIVEN": "this", THREADS: "5"}, 1, str(log))
    assert log.read_text().splitlines()[11:13] == ["this", "5"]


def test_a_request_to_stop_is_heard_while_the_process_runs(tmp_path: Path) -> None:
    host, log, ended = Host(), tmp_path / "0.log", []
    waiting = threading.Thread(
        target=lambda: ended.append(host.run(["-c", SLEEPS], {}, 1, str(log)))
    )
    waiting.start()
    until(lambda: log.exists() and log.read_text())
    host.stop()
    waiting.join(30)
    assert ended == [(7, "at work")]


def test_one_that_was_stopped_before_does_not_begin(tmp_path: Path) -> None:
    host = Host()
    host.stop()
    assert host.run(["-c", SLEEPS], {}, 1, str(tmp_path / "0.log")) == (0, "")
    assert not list(tmp_path.iterdir())


def test_a_look_says_which_machine_and_whether_it_sees_a_file(tmp_path: Path) -> None:
    here = look(str(tmp_path))
    assert (here.name, here.version, here.sees) == (socket.gethostname(), package_version(), True)
    assert look(None).sees and not look(str(tmp_path / "other")).sees
