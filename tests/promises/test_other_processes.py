"""P3: jobs in pools of processes, however those are started, and greenlets, see their own tenant and no other."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from multi_tenant.conf import conf
from multi_tenant.context import tenant_context
from multi_tenant.models import Tenant
from tests import settings
from tests.processes import ROOT, environment
from tests.testapp.library.models import Author

#: A pool makes processes for ever when their beginning fails.
TIMEOUT_SECONDS = 120
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def authors(acme: Tenant, bolt: Tenant) -> None:
    """Each tenant has an author of its own name."""
    for tenant in (acme, bolt):
        with tenant_context(tenant):
            Author.objects.create(name=tenant.alias)


def told_by(module: str, *arguments: str) -> Any:
    """What a process prints as JSON."""
    changes = {"SQLITE_DIR": str(conf.SQLITE_DIR), "ENTRY_HOSTS": sorted(conf.ENTRY_HOSTS)}
    done = subprocess.run(
        [sys.executable, "-m", f"tests.promises.{module}", *arguments],
        check=False,
        cwd=ROOT,
        env=environment(JOBS_SETTINGS=json.dumps(changes)),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def judge_jobs(method: str, told: Any) -> None:
    begun = None if method == "fork" else "public"  # `django.setup()` makes its process public
    assert told["places"] == [begun, begun]
    assert [name for _, _, name in told["jobs"]] == ["acme", "bolt", "acme", "bolt", "bolt", "acme"]
    assert told["before"] == told["after"]
    if settings.PUBLIC == "postgres":
        assert told["before"][1] not in {session for _, session, _ in told["jobs"]}


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_jobs_of_a_pool_run_in_their_tenants(method: str) -> None:
    judge_jobs(method, told_by("jobs", method, ""))


#: Whatever is started by spawning inherits nothing, so its guards are those of the jobs alone.
FAULTS = [
    ("fork", "keep_place"),
    ("fork", "never_left"),
    ("spawn", "never_left"),
    ("spawn", "send_bare"),
    *([("fork", "keep_connections")] if settings.PUBLIC == "postgres" else []),
]


@pytest.mark.parametrize(("method", "fault"), FAULTS)
def test_jobs_without_a_guard_are_found_out(method: str, fault: str) -> None:
    """The control."""
    told = told_by("jobs", method, fault)
    with pytest.raises(AssertionError):
        judge_jobs(method, told)


def judge_greenlets(told: Any) -> None:
    assert set(told["begins"].values()) == {None}
    assert set(told["binds"].values()) == {"acme"}
    assert all(seen == [alias, "None", alias] for alias, *rest in told["crowd"] if (seen := [alias, *rest]))


def test_greenlets_that_take_turns_are_in_their_tenants() -> None:
    pytest.importorskip("gevent")
    judge_greenlets(told_by("greenlets"))


def test_greenlets_of_one_place_are_found_out() -> None:
    """The control."""
    pytest.importorskip("gevent")
    with pytest.raises(AssertionError):
        judge_greenlets(told_by("greenlets", "one place"))
