"""Who is a member: asked at each request or known for a while, mended where a tenant's row lags behind."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import OperationalError, connections, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from multi_tenant.context import Place, fixed_context, public_context, tenant_context
from multi_tenant.exceptions import NoTenantError, RegistryUnavailableError
from multi_tenant.users import known, members
from multi_tenant.users.joining import remove_member, resume_member, suspend_member
from multi_tenant.users.known import KnownMembers, known_members
from multi_tenant.users.members import checked, find_member
from multi_tenant.users.models import Membership
from multi_tenant.users.public import is_away
from tests.users.crowd import Crowd, signed_in, who

pytestmark = pytest.mark.django_db
Configure = Callable[..., None]


@pytest.fixture(autouse=True)
def _nobody_known() -> Iterator[None]:
    known_members.forget(None)
    yield
    known_members.forget(None)


@contextmanager
def counted(*aliases: str) -> Iterator[Callable[[], int]]:
    """Counts the statements on some connections, all of them by default."""
    captured = [CaptureQueriesContext(connections[alias]) for alias in aliases]
    for one in captured:
        one.__enter__()
    try:
        yield lambda: sum(len(one) for one in captured)
    finally:
        for one in captured:
            one.__exit__(None, None, None)


def statements(client: Client, path: str) -> int:
    """How many statements a request takes, wherever they are run."""
    client.get(path)  # what a process looks up once
    with tenant_context("acme"), counted("acme", "public") as count:
        assert client.get(path).json()["user"]
        return count()


def plain_statements(client: Client, settings: Any, path: str) -> int:
    """The same request on the public site with nothing but what Django brings."""
    ours = "multi_tenant.users.middleware.MemberMiddleware"
    settings.MIDDLEWARE = [each for each in settings.MIDDLEWARE if each != ours]
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
    client.get(path)
    with counted("public") as there:
        assert client.get(path).json()["user"]
    return there()


@pytest.mark.parametrize("path", ["/who/", "/awho/"])
def test_a_request_takes_at_most_two_statements_more_than_in_plain_django(
    crowd: Crowd, settings: Any, configure: Configure, path: str
) -> None:
    configure(REGISTRY_TTL=1_000)
    client = signed_in("acme", "member")
    cold = statements(client, path)
    configure(MEMBERSHIP_TTL=60)
    warm = statements(client, path)
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
    plain = plain_statements(signed_in("public", "member"), settings, path)
    assert cold <= plain + 2
    assert warm == plain
    assert cold > plain  # the control: the membership was asked for


def test_the_public_site_takes_no_statement_more(crowd: Crowd, settings: Any, configure: Configure) -> None:
    configure(REGISTRY_TTL=1_000)
    client = signed_in("public", "member")
    client.get("/who/")
    with counted("public") as there:
        client.get("/who/")
    ours = there()
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
    assert ours == plain_statements(signed_in("public", "member"), settings, "/who/")


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(known, "monotonic", clock)
    monkeypatch.setattr(members, "monotonic", clock)
    return clock


def end_elsewhere(key: Any) -> None:
    """End a membership as another process does: nobody tells this one."""
    with connections["public"].cursor() as cursor:
        cursor.execute("DELETE FROM multi_tenant_users_membership WHERE user_id = %s", [stored(key)])


def stored(key: Any) -> Any:
    return key if connections["public"].features.has_native_uuid_field else key.hex


def test_what_is_known_is_believed_for_so_long_and_no_longer(crowd: Crowd, configure: Configure, clock: Clock) -> None:
    configure(MEMBERSHIP_TTL=10)
    key = crowd.keys["member"]
    with tenant_context("acme"):
        assert find_member(key)
        end_elsewhere(key)
        clock.now += 9.9
        assert find_member(key)
        clock.now += 0.2
        assert find_member(key) is None


def test_nothing_is_believed_by_default(crowd: Crowd) -> None:
    key = crowd.keys["member"]
    with tenant_context("acme"):
        assert find_member(key)
        end_elsewhere(key)
        assert find_member(key) is None


def rename(crowd: Crowd, key: Any) -> None:
    with public_context():
        get_user_model().objects.filter(pk=key).update(is_active=False)


CHANGES: dict[str, Callable[[Crowd, Any], Any]] = {
    "suspended": lambda crowd, key: suspend_member(key, crowd.tenants["acme"]),
    "removed": lambda crowd, key: remove_member(key, crowd.tenants["acme"]),
    "by a queryset": lambda crowd, key: Membership.objects.filter(user_id=key).update(is_active=False),
    "deleted in bulk": lambda crowd, key: Membership.objects.filter(user_id=key).delete(),
    "identity in bulk": rename,
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_this_process_changes_holds_at_once(crowd: Crowd, configure: Configure, change: str) -> None:
    configure(MEMBERSHIP_TTL=1_000)
    key = crowd.keys["member"]
    with tenant_context("acme"):
        assert find_member(key)
    CHANGES[change](crowd, key)
    with tenant_context("acme"):
        assert find_member(key) is None


def test_a_membership_that_is_resumed_counts_at_once(crowd: Crowd, configure: Configure) -> None:
    configure(MEMBERSHIP_TTL=1_000)
    key, acme = crowd.keys["member"], crowd.tenants["acme"]
    suspend_member(key, acme)
    with tenant_context("acme"):
        assert find_member(key) is None
    resume_member(key, acme)
    with tenant_context("acme"):
        assert find_member(key)


@pytest.mark.django_db(transaction=True)
def test_what_is_read_in_a_transaction_is_not_kept(crowd: Crowd, configure: Configure) -> None:
    configure(MEMBERSHIP_TTL=1_000)
    key = crowd.keys["member of another tenant"]
    with transaction.atomic(using="public"):
        crowd.join("member of another tenant", "acme")
        with tenant_context("acme"):
            assert find_member(key)
        transaction.set_rollback(True, using="public")
    with tenant_context("acme"):
        assert find_member(key) is None


def test_what_was_read_before_a_change_is_not_kept_after_it(crowd: Crowd, configure: Configure) -> None:
    configure(MEMBERSHIP_TTL=1_000)
    members, tenant = KnownMembers(), crowd.tenants["acme"].uuid
    before = members.changes
    members.forget(1)
    members.remember(1, tenant, {}, asked=monotonic(), changes=before)
    assert members.recall(1, tenant) is None
    members.remember(1, tenant, {}, asked=monotonic(), changes=members.changes)
    assert members.recall(1, tenant) == {}


def test_no_more_persons_are_kept_than_said(
    crowd: Crowd, configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(MEMBERSHIP_TTL=1_000)
    monkeypatch.setattr(known, "MAX_PERSONS", 2)
    members, tenant = KnownMembers(), crowd.tenants["acme"].uuid
    for key in range(5):
        members.remember(key, tenant, {}, asked=monotonic(), changes=0)
    assert [members.recall(key, tenant) for key in range(5)] == [None, None, None, {}, {}]


def test_a_missing_row_is_made_with_no_authority(crowd: Crowd, caplog: pytest.LogCaptureFixture) -> None:
    client, key = signed_in("acme", "tenant staff"), crowd.keys["tenant staff"]
    with tenant_context("acme"), connections["acme"].cursor() as cursor:
        cursor.execute("DELETE FROM multi_tenant_users_globaluser WHERE id = %s", [stored(key)])
    assert client.get("/who/").json() == {"user": "tenant-staff", "is_staff": False, "db": "acme"}
    with tenant_context("acme"):
        row = get_user_model().objects.get(pk=key)
        assert (row.username, row.__dict__["password"], row.is_staff) == ("tenant-staff", "!", False)
    assert "has been made" in caplog.text


def test_a_copy_that_differs_is_refreshed_by_a_visit(crowd: Crowd) -> None:
    client = signed_in("acme", "member")
    with public_context():
        first, other = (get_user_model().objects.get(pk=crowd.keys[who]) for who in ("member", "tenant staff"))
        first.username, other.username = "swapped", "member"
        first.save()
        other.save()
        first.username = "tenant-staff"
        first.save()
    assert who(client) == "tenant-staff"
    with tenant_context("acme"):
        names = dict(get_user_model().objects.values_list("pk", "username"))
    assert (names[first.pk], names[other.pk]) == ("tenant-staff", "member")


def test_a_copy_that_cannot_be_refreshed_does_not_keep_its_person_out(
    crowd: Crowd, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    client = signed_in("acme", "member")
    with public_context():
        get_user_model().objects.filter(pk=crowd.keys["member"]).update(username="renamed")

    def fail(*args: Any) -> None:
        raise OperationalError("database is locked")

    monkeypatch.setattr(members, "refresh_row", fail)
    assert who(client) == "renamed"
    assert "could not be refreshed (OperationalError)" in caplog.text


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch, crowd: Crowd) -> Callable[[], None]:
    """Has the public database go away."""

    def leave() -> None:
        def fail(*args: Any, **kwargs: Any) -> Any:
            raise OperationalError("the server closed the connection unexpectedly")

        monkeypatch.setattr(members, "read_identity", fail)
        monkeypatch.setattr("multi_tenant.users.public.is_away", lambda: True)

    return leave


@pytest.mark.parametrize("path", ["/who/", "/awho/"])
def test_while_public_is_away_who_is_not_known_gets_a_page(crowd: Crowd, away: Callable[[], None], path: str) -> None:
    client = signed_in("acme", "member")
    away()
    client.raise_request_exception = False
    answer = client.get(path)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]


def test_while_public_is_away_who_is_known_is_served(
    crowd: Crowd, away: Callable[[], None], configure: Configure, clock: Clock
) -> None:
    configure(MEMBERSHIP_TTL=10)
    client = signed_in("acme", "member")
    assert who(client) == "member"
    away()
    assert who(client) == "member"
    clock.now += 11
    client.raise_request_exception = False
    assert client.get("/who/").status_code == 503


def test_an_error_of_a_statement_is_no_outage(crowd: Crowd, away: Callable[[], None], monkeypatch: Any) -> None:
    away()
    monkeypatch.setattr("multi_tenant.users.public.is_away", lambda: False)
    with tenant_context("acme"), pytest.raises(OperationalError):
        find_member(crowd.keys["member"])


def test_an_outage_is_told_without_the_drivers_error(crowd: Crowd, away: Callable[[], None]) -> None:
    away()
    with tenant_context("acme"), pytest.raises(RegistryUnavailableError) as info:
        find_member(crowd.keys["member"])
    assert info.value.__cause__ is None


def test_nobody_is_anybody_while_nothing_is_decided(crowd: Crowd) -> None:
    with fixed_context(Place(None)), pytest.raises(NoTenantError):
        find_member(crowd.keys["platform superuser"])


def test_nobody_is_a_member_of_a_database_that_is_no_tenants(crowd: Crowd) -> None:
    with fixed_context(Place("acme")):
        assert find_member(crowd.keys["member"]) is None


@pytest.mark.parametrize("key", ["", "1", "not a key", None])
def test_what_is_no_key_is_nobodys(crowd: Crowd, key: Any) -> None:
    with tenant_context("acme"):
        assert find_member(key) is None


def test_a_user_of_one_place_is_looked_for_at_another(crowd: Crowd) -> None:
    identity: Any = get_user_model().objects.get(pk=crowd.keys["member"])
    root = get_user_model().objects.get(pk=crowd.keys["platform superuser"])
    with tenant_context("acme"):
        member: Any = checked(identity)
        assert member._state.db == "acme"
        assert checked(member) is member
        assert checked(root) is None
    with tenant_context("bolt"):
        assert checked(member) is None
    assert checked(member) == identity
    assert checked(identity) is identity
    setattr(identity, "is_active", False)  # noqa: B010  # mypy has seen that it is a member
    assert checked(identity) is None


def test_what_was_set_on_a_row_stays_when_its_identity_is_shown(crowd: Crowd) -> None:
    with tenant_context("acme"):
        row = get_user_model().objects.get(pk=crowd.keys["member"])
        row.email = "typed@example.com"
        assert row.has_usable_password()
        assert not row.has_perm("library.add_author")
        assert row.email == "typed@example.com"


def test_a_connection_that_died_is_not_the_end(crowd: Crowd, monkeypatch: pytest.MonkeyPatch) -> None:
    read, tries = members.read_identity, iter([True])

    def fail_once(*args: Any) -> Any:
        if next(tries, False):
            raise OperationalError("the server closed the connection unexpectedly")
        return read(*args)

    monkeypatch.setattr(members, "read_identity", fail_once)
    monkeypatch.setattr("multi_tenant.users.public.is_away", lambda: True)
    monkeypatch.setattr(connections["public"], "in_atomic_block", False)
    monkeypatch.setattr(connections["public"], "close", lambda: None)
    with tenant_context("acme"):
        assert find_member(crowd.keys["member"])


def test_a_connection_is_away_when_it_is_gone(crowd: Crowd, monkeypatch: pytest.MonkeyPatch) -> None:
    connections["public"].ensure_connection()
    assert not is_away()
    monkeypatch.setattr(connections["public"], "connection", None)
    assert is_away()


def test_of_two_visits_at_once_one_makes_the_row(crowd: Crowd) -> None:
    with tenant_context("acme"):
        key = crowd.keys["member"]
        rows = get_user_model().objects.filter(pk=key)  # the other visit has made it since
        identity = members.find_identity(key, crowd.tenants["acme"].uuid)
        assert identity is not None
        assert members.mend(rows, key, identity).pk == key


def test_users_of_another_model_are_left_to_who_swaps_it(crowd: Crowd, settings: Any) -> None:
    settings.AUTH_USER_MODEL = "auth.Group"
    identity: Any = object.__new__(type("Somebody", (), {"is_authenticated": True}))
    with tenant_context("acme"):
        assert checked(identity) is identity


def pickled(user: Any) -> Any:
    return pickle.loads(pickle.dumps(user))


@pytest.mark.parametrize("kept", [pickled, copy.copy])
def test_a_member_that_was_kept_is_asked_about_again(kept: Callable[[Any], Any], ann: Any, acme: Any) -> None:
    with tenant_context(acme):
        get_user_model().objects.filter(pk=ann.pk).update(is_superuser=True)
        member = find_member(ann.pk)
        before = kept(member)
        assert checked(before) is not None
        assert kept(member).has_perm("library.add_author")
        after = kept(member)
    suspend_member(ann, acme)
    with tenant_context(acme):
        assert checked(after) is None
        assert not after.has_perm("library.add_author")
