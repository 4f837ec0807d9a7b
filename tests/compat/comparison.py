"""What differs between the plain run and the tenant's, and what explains it; used by the compat command."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.compat.outcomes import Outcome
from tests.compat.projects import DJANGO
from tests.compat.results import Runs

EXCEPTIONS = Path(__file__).with_name("exceptions.toml")
UNEXPLAINED_AT_MOST = 5
MISSING = Outcome("missing")


@dataclass(frozen=True)
class Difference:
    """A test whose outcome inside a tenant is not its plain outcome."""

    suite: str
    test: str
    plain: Outcome
    tenant: Outcome
    control: Outcome = MISSING

    @property
    def explained(self) -> bool:
        """Whether the test does as in plain Django once the tenant is called `default`.

        A test that one of the runs lacks is not: a class that cannot be set up says nothing about a name.
        """
        held = MISSING.status not in (self.plain.status, self.tenant.status)
        return held and self.control.status == self.plain.status


@dataclass(frozen=True)
class Verdict:
    """The differences of a run, sorted by what explains them, and the reasons why it is not good enough."""

    by_name: list[Difference] = field(default_factory=list)
    listed: list[Difference] = field(default_factory=list)
    unlisted: list[Difference] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)

    @property
    def complaints(self) -> list[str]:
        """The reasons to fail, none when all is well."""
        others = len(self.listed) + len(self.unlisted)
        found = [f"{item.test} differs, and {EXCEPTIONS.name} gives no cause" for item in self.unlisted]
        found += [f"{test} is listed in {EXCEPTIONS.name} but differs no longer" for test in self.stale]
        if others > UNEXPLAINED_AT_MOST:
            found.append(f"{others} differences are not due to the name; at most {UNEXPLAINED_AT_MOST} may be")
        return found


def differences(plain: Runs, tenant: Runs) -> list[Difference]:
    """Return the tests that ended otherwise inside the tenant, those that only one run holds included."""
    found = []
    for suite in sorted(plain):
        before, after = plain[suite].outcomes, tenant[suite].outcomes
        for test in sorted(before.keys() | after.keys()):
            pair = before.get(test, MISSING), after.get(test, MISSING)
            if pair[0].status != pair[1].status:
                found.append(Difference(suite, test, *pair))
    return found


def with_control(found: Iterable[Difference], control: Runs) -> list[Difference]:
    """Return the differences with what each test did in the control run."""
    return [replace(item, control=control[item.suite].outcomes.get(item.test, MISSING)) for item in found]


def judge(found: Iterable[Difference], *, exceptions: Mapping[str, str]) -> Verdict:
    """Sort the differences; `exceptions` are the causes on record for the suites that ran, by test id."""
    found = list(found)
    others = [item for item in found if not item.explained]
    differing = {item.test for item in others}
    return Verdict(
        by_name=[item for item in found if item.explained],
        listed=[item for item in others if item.test in exceptions],
        unlisted=[item for item in others if item.test not in exceptions],
        stale=sorted(test for test in exceptions if test not in differing),
    )


def load_exceptions(file: Path = EXCEPTIONS, *, project: str, engine: str, suites: Iterable[str]) -> dict[str, str]:
    """Return the causes on record, by test id, for suites of a project on an engine, both given by their titles."""
    entries = tomllib.loads(file.read_text()).get("exception", [])
    known = set(suites)
    return {
        entry["test"]: entry["cause"]
        for entry in entries
        if project.startswith(entry.get("project", DJANGO))
        and f"{DJANGO}{entry.get('django', '')}" in project
        and engine.startswith(entry.get("engine", ""))
        and entry.get("project", suite_of(entry["test"])) in known
    }


def suite_of(test: str) -> str:
    """Return the suite of a test id of Django's; the id of a failed class setup names the class in brackets."""
    return test.partition("(")[2].split(".")[0] if "(" in test else test.split(".")[0]
