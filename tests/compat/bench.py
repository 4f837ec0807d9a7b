"""Runs of a project's suites on an engine, kept as they come; used by the compat command."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.compat.engines import Engine
from tests.compat.projects import Project
from tests.compat.results import Runs, kept_runs, load_runs, run_all, save_runs
from tests.compat.suites import SuiteRun, run_suite


@dataclass(frozen=True)
class Bench:
    """What all runs of one invocation share."""

    project: Project
    engine: Engine
    cache: Path
    jobs: int
    time_limit: float

    def run(self, mode: str, suites: Iterable[str], *, resume: bool) -> Runs:
        """Run these suites in one mode; with `resume`, only those of which no whole run is kept."""
        suites = list(suites)
        file = kept_runs(self.cache, mode=mode, title=self.project.title, engine=self.engine.title)
        kept = load_runs(file)
        done = {suite for suite in suites if resume and suite in kept and not kept[suite].problem}

        def keep(result: SuiteRun) -> None:
            say(result)
            kept[result.suite] = result
            save_runs(file, kept)

        run = partial(run_suite, mode=mode, project=self.project, engine=self.engine, time_limit=self.time_limit)
        run_all([suite for suite in suites if suite not in done], run=run, jobs=self.jobs, done=keep)
        return {suite: kept[suite] for suite in suites}


def say(run: SuiteRun) -> None:
    """Tell the person who waits how a suite went."""
    line = f"{run.mode} {run.suite}: {len(run.outcomes)} tests, {run.seconds} s {run.problem}"
    print(line.rstrip(), file=sys.stderr, flush=True)
