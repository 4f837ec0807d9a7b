"""Other processes that do something to a tenant, at once or until they are killed in the middle."""

from __future__ import annotations

import os
import signal
import sys
import traceback
import warnings
from collections.abc import Callable
from types import FrameType
from typing import Any

from django.db import connections

KILLED = -signal.SIGKILL
REFUSED = 3
#: Where the functions are that a process can be killed at.
ROOMS = ("multi_tenant.lifecycle.", "multi_tenant.databases.")


def start(call: Callable[[], Any], *, kill: str | None = None, gate: int | None = None) -> int:
    """Run a call in a process of its own and answer its pid.

    ``kill`` is "call f" or "return f": there the process is killed, as by `kill -9`. ``gate`` is a pipe that holds it
    back until there is a byte in it for each.
    """
    connections.close_all()  # two processes on one socket would garble it
    with warnings.catch_warnings():
        # xdist's threads are not needed in the child.
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid == 0:
        run(call, kill=kill, gate=gate)
    return pid


def run(call: Callable[[], Any], *, kill: str | None, gate: int | None) -> None:
    try:
        if gate is not None:
            os.read(gate, 1)
        if kill is not None:
            arm(*kill.split())
        call()
        os._exit(0)
    except ValueError:  # how a refused alias is refused
        os._exit(REFUSED)
    except BaseException:  # noqa: BLE001  # nothing of pytest may run in the child
        traceback.print_exc()
    finally:
        os._exit(1)


def arm(event: str, function: str) -> None:
    def watch(frame: FrameType, happened: str, arg: Any) -> None:
        inside = str(frame.f_globals.get("__name__")).startswith(ROOMS)
        if happened == event and inside and frame.f_code.co_name == function:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.setprofile(watch)


def end(pid: int) -> int:
    """Wait for a process; its exit code, or minus the signal that ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def killed(call: Callable[[], Any], *, at: str) -> None:
    """Run a call in a process that is killed; a point that is never reached fails the test."""
    assert end(start(call, kill=at)) == KILLED, f"{at!r} was not reached"
