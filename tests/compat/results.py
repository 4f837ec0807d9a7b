"""Runs of many suites, and the files in which they are kept; used by the compat command."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed, wait
from pathlib import Path

from tests.compat.suites import SuiteRun, stop_all

Runs = dict[str, SuiteRun]
#: Seconds.
STOP_AGAIN = 0.1


def run_all(
    suites: Iterable[str],
    *,
    run: Callable[[str], SuiteRun],
    jobs: int,
    done: Callable[[SuiteRun], None],
) -> Runs:
    """Run the suites, a few at a time, and call `done` with each as it ends."""
    runs: Runs = {}
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        futures = [pool.submit(run, suite) for suite in suites]
        try:
            for future in as_completed(futures):
                result = future.result()
                runs[result.suite] = result
                done(result)
        except BaseException:
            # Ctrl-C for one: without this the suites would be waited for, one after the other.
            pool.shutdown(wait=False, cancel_futures=True)
            stop_all()
            while wait(futures, timeout=STOP_AGAIN).not_done:
                stop_all()  # a thread may have been about to start its suite
            raise
    return runs


def kept_runs(cache: Path, *, mode: str, title: str, engine: str) -> Path:
    """Return the file that keeps the runs of one mode, of this project, engine and Python."""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    return cache / f"{mode}-{title}-python{python}-{engine}.json"


def load_runs(file: Path) -> Runs:
    """Return the runs kept in a file, none when there is no such file."""
    if not file.exists():
        return {}
    return {suite: SuiteRun.from_json(data) for suite, data in json.loads(file.read_text()).items()}


def save_runs(file: Path, runs: Runs) -> None:
    """Keep the runs in a file, in the order of their names."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_suffix(".new")  # a Ctrl-C while it is written leaves the file as it was
    draft.write_text(json.dumps({suite: runs[suite].as_json() for suite in sorted(runs)}, indent=1))
    draft.replace(file)
