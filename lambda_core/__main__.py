"""`lambda-core`, or `python -m lambda_core`: the program around `commands.main`, from its first instant to its last."""

import os
import signal
import sys
from types import FrameType
from typing import Any, NoReturn

TOO_EARLY = b"lambda-core: interrupted; nothing was written\n"


def program() -> NoReturn:
    """Run the command line. Ctrl-C while it is still being imported is answered in a sentence; once the work is done
    and told, it comes too late: Python would answer it with a traceback either time."""
    listens = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # else it was started in the background
    before: dict[signal.Signals, Any] = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
    if listens:
        for each in before:
            signal.signal(each, _leave)
    from lambda_core.commands.main import main

    for each, handler in before.items():
        signal.signal(each, handler)
    try:
        main()
    finally:
        if listens:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.exit(0)


def _leave(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001 (what a signal's handler is given)
    os.write(sys.stderr.fileno(), TOO_EARLY)
    os._exit(130)


if __name__ == "__main__":
    program()
