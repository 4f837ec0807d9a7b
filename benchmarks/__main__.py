"""`./run bench [NAME...] [OPTIONS]`: run benchmarks, print their tables, write their figures as JSON."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from benchmarks import page, server
from benchmarks.bench import SMOKE, Bench, Scale
from benchmarks.catalogue import CATALOGUE
from benchmarks.machine import machine


def main(arguments: list[str]) -> None:
    """Run the benchmarks that the command line names, or all."""
    options = parsed(arguments)
    if options.page:
        print("Figures on the page now:", ", ".join(page.write()))
        return
    names = options.names or list(CATALOGUE)
    for name, benchmark in CATALOGUE.items():
        print(f"{'*' if name in names and not options.list else ' '} {name:<11} {benchmark.summary}", flush=True)
    for name in () if options.list else names:
        # A server for each: what one leaves behind is no burden to the next.
        with server.scratch() as directory, server.running(directory) as url:
            run(name, Bench(url, directory, scale_of(options)), keep=not options.smoke)


def parsed(arguments: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="./run bench", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*CATALOGUE, []], metavar="NAME", help="all by default")
    parser.add_argument("--list", action="store_true", help="only say which there are")
    parser.add_argument("--page", action="store_true", help="only put the last figures into the documentation")
    parser.add_argument("--smoke", action="store_true", help="tiny counts: does each peer run, and answer right?")
    parser.add_argument("--rounds", type=int, help="rounds in place of the usual number")
    parser.add_argument("--tenants", type=int, nargs="+", help="numbers of tenants in place of 1, 50 and 500")
    return parser.parse_args(arguments)


def scale_of(options: argparse.Namespace) -> Scale:
    """How much is to be measured."""
    scale = SMOKE if options.smoke else Scale()
    rounds = dict.fromkeys(("rounds", "created", "visits"), options.rounds)
    given = {**rounds, "tenants": options.tenants and tuple(options.tenants)}
    return replace(scale, **{name: value for name, value in given.items() if value})


def run(name: str, bench: Bench, *, keep: bool) -> Path | None:
    """Run one benchmark; figures of a smoke run are worth nothing, and are not kept."""
    facts = machine(bench.url)
    report = replace(CATALOGUE[name].run(bench), machine=facts)
    print(f"\n{report.text()}", flush=True)
    if not keep:
        return None
    path = report.write()
    bench.say(f"written to {path}")
    return path


if __name__ == "__main__":
    main(sys.argv[1:])
