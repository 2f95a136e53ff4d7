"""The command `autogan`, which is also `python -m autogan`: imports the commands and runs them.

Imports take longer than many commands, torch seconds. Ctrl-C during them is no fault of anyone, and
ends in silence.
"""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType

ENDED_BY_CTRL_C = 130
"""The exit code that shells give to what SIGINT ended."""


def main() -> None:
    """Runs the command line. Ctrl-C ends it with exit code 130, without a traceback."""
    try:
        import signal

        # Whoever started us with another answer to SIGINT, such as nohup's, keeps that.
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, _interrupt)
        _replace_closed_streams()
        from autogan.cli import main as run_command

        run_command()
    except KeyboardInterrupt:
        sys.exit(ENDED_BY_CTRL_C)
    except (MemoryError, ImportError) as error:  # too little even for what shows messages
        if isinstance(error, ImportError) and "failed to map segment" not in str(error):
            raise
        os.write(2, b"Error: There is not enough memory to start.\n")
        sys.exit(2)


def _replace_closed_streams() -> None:
    """Where standard input, output or errors were closed (`>&-`), nothing is read, or written, there.

    Else the next file that is opened, such as a run's log, takes their number, and whatever a
    library prints goes into it.
    """
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest free number: this one
            setattr(sys, name, open(number, mode, encoding="utf-8"))  # noqa: SIM115


def _interrupt(_: int, frame: "FrameType | None") -> None:
    """Raises KeyboardInterrupt as usual, but where a module is being imported ends the process.

    Raised there, it is often lost or made into another error: numpy and torch catch whatever their
    optional imports raise, and go on half imported.
    """
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            if sys.stderr.isatty():
                os.write(sys.stderr.fileno(), b"\x1b[?25h")  # a progress display hid the cursor
            os._exit(ENDED_BY_CTRL_C)
        frame = frame.f_back
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
