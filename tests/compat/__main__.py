"""The compat command: Django's own tests inside a tenant, compared with a plain run of the same tests."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from tests.compat.comparison import Difference, differences, judge, load_exceptions, with_control
from tests.compat.report import Report, as_json, as_markdown
from tests.compat.results import Runs, cached_plain, load_runs, run_all, save_runs
from tests.compat.source import SourceError, default_cache, directory_of_tests, installed_version
from tests.compat.suites import SuiteRun, run_suite, suite_names

ENGINES = ("sqlite",)
TIME_LIMIT = 900.0


class Bench:
    """The runs of one invocation: which suites, on what, and where the plain results are kept."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.version = installed_version()
        self.tests = directory_of_tests(self.version, cache=options.cache)
        self.suites = self._chosen(options.suite)

    def plain(self) -> Runs:
        """Run the suites without a tenant, or take what an earlier invocation kept."""
        file = cached_plain(self.options.cache, version=self.version, engine=self.options.engine)
        kept = load_runs(file)
        missing = [suite for suite in self.suites if self.options.fresh or suite not in kept]
        kept.update(self.run("plain", missing))
        save_runs(file, kept)
        return {suite: kept[suite] for suite in self.suites}

    def run(self, mode: str, suites: Iterable[str]) -> Runs:
        """Run these suites in one mode, saying how each went."""
        run = partial(run_suite, mode=mode, tests=self.tests, time_limit=self.options.time_limit)
        return run_all(suites, run=run, jobs=self.options.jobs, done=_say)

    def _chosen(self, wanted: list[str]) -> list[str]:
        known = suite_names(self.tests)
        unknown = sorted(set(wanted) - set(known))
        if unknown:
            raise SourceError(f"Django {self.version} has no suite called {', '.join(unknown)}.")
        return wanted or known


def main(arguments: list[str] | None = None) -> int:
    """Run the comparison, print the report, and return the exit code."""
    options = _parser().parse_args(arguments)
    try:
        bench = Bench(options)
    except SourceError as error:
        print(error, file=sys.stderr)
        return 2
    report = compare(bench)
    if options.json:
        options.json.write_text(json.dumps(as_json(report), indent=1))
    print(as_markdown(report))
    return 1 if report.complaints else 0


def compare(bench: Bench) -> Report:
    """Run plain and tenant, and the control for the suites that differ."""
    plain = bench.plain()
    usable = {suite: run for suite, run in plain.items() if not run.problem}
    tenant = bench.run("tenant", usable)
    found: list[Difference] = differences(usable, tenant)
    control = bench.run("control", sorted({item.suite for item in found}))
    found = with_control(found, control)
    verdict = judge(found, exceptions=load_exceptions(), suites=usable)
    return Report(bench.version, bench.options.engine, plain=plain, tenant=tenant, verdict=verdict)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.compat", description=__doc__)
    parser.add_argument("--engine", choices=ENGINES, default="sqlite")
    parser.add_argument("--suite", nargs="+", default=[], metavar="NAME", help="only these suites")
    parser.add_argument("--jobs", type=int, default=2, help="suites at a time")
    parser.add_argument("--time-limit", type=float, default=TIME_LIMIT, help="seconds that a suite may take")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the report as JSON too")
    parser.add_argument("--fresh", action="store_true", help="run the plain suites again")
    parser.add_argument("--cache", type=Path, default=default_cache(), help="downloads and plain results")
    return parser


def _say(run: SuiteRun) -> None:
    line = f"{run.mode} {run.suite}: {len(run.outcomes)} tests, {run.seconds} s {run.problem}"
    print(line.rstrip(), file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
