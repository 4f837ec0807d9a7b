"""The compat command: tests of Django or a package inside a tenant, compared with a plain run of the same tests."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

from tests.compat.bench import Bench
from tests.compat.comparison import Difference, differences, judge, load_exceptions, with_control
from tests.compat.engines import Engine, SQLite
from tests.compat.postgres import PostgreSQL
from tests.compat.projects import DJANGO, PACKAGES, chosen, fetched
from tests.compat.report import Report, as_json, as_markdown
from tests.compat.source import SourceError, default_cache
from tests.server_processes import ServerUnavailableError

ENGINES: dict[str, Callable[[], Engine]] = {"sqlite": SQLite, "postgres": PostgreSQL}
TIME_LIMIT = 900.0


def main(arguments: list[str] | None = None) -> int:
    """Run the comparison, print the report, and return the exit code."""
    options = _parser().parse_args(arguments)
    try:
        bench = _bench(options)
        suites = chosen(bench.project, options.suite)
    except (SourceError, ServerUnavailableError) as error:
        print(error, file=sys.stderr)
        return 2
    report = compare(bench, suites, fresh=options.fresh, resume=options.resume)
    if options.json:
        options.json.write_text(json.dumps(as_json(report), indent=1))
    print(as_markdown(report))
    return 1 if report.complaints else 0


def compare(bench: Bench, suites: list[str], *, fresh: bool, resume: bool) -> Report:
    """Run plain and tenant, and the control for the suites that differ.

    Plain runs are taken from earlier invocations, as they have nothing to do with this package, unless `fresh` ones are
    asked for; the others only in order to `resume` one that was interrupted.
    """
    plain = bench.run("plain", suites, resume=not fresh)
    usable = {suite: run for suite, run in plain.items() if not run.problem}
    tenant = bench.run("tenant", usable, resume=resume)
    found: list[Difference] = differences(usable, tenant)
    control = bench.run("control", sorted({item.suite for item in found}), resume=resume)
    project, engine = bench.project.title, bench.engine.title
    exceptions = load_exceptions(project=project, engine=engine, suites=usable)
    verdict = judge(with_control(found, control), exceptions=exceptions)
    return Report(project, engine, plain=plain, tenant=tenant, verdict=verdict)


def _bench(options: argparse.Namespace) -> Bench:
    project = fetched(options.project, cache=options.cache)
    return Bench(project, ENGINES[options.engine](), options.cache, options.jobs, options.time_limit)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.compat", description=__doc__)
    parser.add_argument("--project", choices=(DJANGO, *PACKAGES), default=DJANGO, help="whose tests (Django's)")
    parser.add_argument("--engine", choices=ENGINES, default="sqlite")
    parser.add_argument("--suite", nargs="+", default=[], metavar="NAME", help="only these suites")
    parser.add_argument("--jobs", type=int, default=2, help="suites at a time")
    parser.add_argument("--time-limit", type=float, default=TIME_LIMIT, help="seconds that a suite may take")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the report as JSON too")
    parser.add_argument("--fresh", action="store_true", help="run the plain suites again")
    parser.add_argument("--resume", action="store_true", help="go on with a run that was interrupted")
    parser.add_argument("--cache", type=Path, default=default_cache(), help="downloads and results")
    return parser


if __name__ == "__main__":
    sys.exit(main())
