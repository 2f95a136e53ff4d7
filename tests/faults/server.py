"""Starts `autogan` processes that have their imports behind them, one at a time.

Reads one JSON object a line, {"arguments", "environment", "output"}; answers with the process's
number, and when it has ended with its exit code (negative: the signal that ended it).
"""

import json
import os
import sys

import matplotlib.figure  # noqa: F401
import torch.utils.tensorboard  # noqa: F401

import autogan.cli
import autogan.method.pipeline
import autogan.report.page


def become(arguments: list[str], environment: dict[str, str], output: str) -> None:
    """This process goes on as the command would."""
    os.environ.update(environment)
    handle = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(handle, 1)
    os.dup2(handle, 2)
    os.close(0)
    sys.argv = ["autogan", *arguments]
    code: object = 0
    try:
        autogan.cli.main()
    except SystemExit as ended:
        code = ended.code or 0
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(int(code) if isinstance(code, int) else 1)


print("ready", flush=True)
for line in sys.stdin:
    pid = os.fork()
    if pid == 0:
        become(**json.loads(line))
    print(pid, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
