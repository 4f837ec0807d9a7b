"""A session of one place is nothing at another, unless one sign-in is for all; whatever keeps it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast
from uuid import uuid4

import pytest
from django.contrib.sessions.backends.cache import SessionStore as CacheStore
from django.contrib.sessions.backends.db import SessionStore
from django.core.cache import cache
from django.test import Client

from multi_tenant.context import Place, fixed_context, tenant_context
from multi_tenant.users import binding, patches
from tests.users import settings as ours
from tests.users.crowd import PASSWORD, Crowd, in_this_thread, signed_in, visitor, who

pytestmark = pytest.mark.django_db
#: Each of Django's engines; "shared" keeps all rows in public.
ENGINES = ("db", "db shared", "cache", "cached_db", "cached_db shared", "signed_cookies", "file")
FEW = ("db", "cache", "signed_cookies")
SHARED = ("db shared", "cache", "cached_db shared", "signed_cookies", "file")
Configure = Callable[..., None]


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest, crowd: Crowd, settings: Any, configure: Configure, tmp_path: Any) -> str:
    # The crowd comes first: its tenants have all tables, whatever is routed where then.
    name, _, place = request.param.partition(" ")
    settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{name}"
    settings.SESSION_FILE_PATH = str(tmp_path)
    if place:
        apps = cast("list[str]", ours.MULTI_TENANT["TENANT_APPS"])
        configure(TENANT_APPS=[app for app in apps if app != "django.contrib.sessions"])
    cache.clear()
    return str(request.param)


@pytest.fixture
def both(crowd: Crowd) -> Crowd:
    """The crowd, whose member of another tenant belongs to both, and is who signs in."""
    crowd.join(PERSON, "acme")
    return crowd


PERSON = "member of another tenant"
NAME = "member-of-another-tenant"


def with_cookies_of(client: Client, place: str) -> Client:
    """A browser at a place that has the cookies of another one."""
    other = visitor(place)
    other.cookies.update(client.cookies)
    return other


@pytest.mark.parametrize("begun", ["public", "acme"])
def test_a_session_is_nothing_elsewhere_and_is_not_harmed_there(engine: str, both: Crowd, begun: str) -> None:
    client = signed_in(begun, PERSON)
    cookie = client.cookies["sessionid"].value
    assert who(client) == NAME
    for place in {"public", "acme", "bolt"} - {begun}:
        elsewhere = with_cookies_of(client, place)
        assert who(elsewhere) == ""
        assert elsewhere.cookies["sessionid"].value == cookie  # neither deleted nor replaced
    assert who(client) == NAME


def test_without_the_tags_a_visit_elsewhere_ends_a_session(
    both: Crowd, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.cache"
    cache.clear()
    monkeypatch.setattr(binding, "session_tag", lambda: "")
    client = signed_in("acme", PERSON)
    assert who(with_cookies_of(client, "bolt")) == ""  # by the hash alone
    assert who(client) == ""


@pytest.mark.parametrize("engine", ["db", *SHARED], indirect=True)
def test_one_sign_in_is_for_all(engine: str, both: Crowd, configure: Configure) -> None:
    configure(SESSION_SCOPE="site")
    client = signed_in("acme", PERSON)
    shown = {place: who(with_cookies_of(client, place)) for place in ("public", "acme", "bolt")}
    everywhere = dict.fromkeys(shown, NAME)
    assert shown == (everywhere if engine in SHARED else {**dict.fromkeys(shown, ""), "acme": NAME})


@pytest.mark.parametrize("engine", FEW, indirect=True)
def test_one_sign_in_is_not_harmed_where_one_is_no_member(engine: str, crowd: Crowd, configure: Configure) -> None:
    configure(SESSION_SCOPE="site")
    client = signed_in("acme", "member")
    elsewhere = with_cookies_of(client, "bolt")
    assert who(elsewhere) == ""
    assert who(client) == "member"


@pytest.mark.parametrize("engine", FEW, indirect=True)
def test_the_contents_of_a_session_are_not_read_elsewhere(engine: str, both: Crowd) -> None:
    client = signed_in("acme", PERSON)
    client.get("/keep/?word=secret")
    assert client.get("/keep/").json() == {"word": "secret"}
    assert with_cookies_of(client, "bolt").get("/keep/").json() == {"word": None}


@pytest.mark.parametrize("engine", FEW, indirect=True)
def test_signing_in_elsewhere_begins_another_session(engine: str, both: Crowd) -> None:
    client = signed_in("acme", PERSON)
    elsewhere = with_cookies_of(client, "bolt")
    elsewhere.post("/accounts/login/", {"username": NAME, "password": PASSWORD})
    assert who(elsewhere) == who(client) == NAME
    assert elsewhere.cookies["sessionid"].value != client.cookies["sessionid"].value


@pytest.mark.parametrize("engine", FEW, indirect=True)
def test_signing_out_ends_the_session(engine: str, both: Crowd) -> None:
    client = signed_in("acme", PERSON)
    held = with_cookies_of(client, "acme")
    client.post("/accounts/logout/")
    assert who(client) == ""
    assert client.cookies["sessionid"].value == ""
    assert (who(held) == "") is (engine != "signed_cookies")  # Django's own limit: the cookie is all there is


@pytest.mark.parametrize("engine", FEW, indirect=True)
@pytest.mark.parametrize("scope", ["tenant", "site"])
def test_a_changed_password_ends_all_sessions_but_the_one(
    engine: str, both: Crowd, configure: Configure, scope: str
) -> None:
    configure(SESSION_SCOPE=scope)
    mine, same, there, platform = (signed_in(place, PERSON) for place in ("acme", "acme", "bolt", "public"))
    form = {"old_password": PASSWORD, "new_password1": "another one", "new_password2": "another one"}
    assert mine.post("/accounts/password_change/", form).status_code == 302
    assert [who(client) for client in (mine, same, there, platform)] == [NAME, "", "", ""]
    assert who(signed_in("bolt", PERSON, password="another one")) == NAME


@pytest.mark.parametrize("engine", FEW, indirect=True)
def test_sessions_outlive_a_new_secret_key(engine: str, both: Crowd, settings: Any) -> None:
    client = signed_in("acme", PERSON)
    held = with_cookies_of(client, "acme")
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another"
    assert who(client) == NAME
    assert who(with_cookies_of(client, "bolt")) == ""
    settings.SECRET_KEY_FALLBACKS = []
    assert who(client) == NAME  # as it was signed anew
    assert who(held) == ""


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("engine", ["cache", "signed_cookies"], indirect=True)
def test_a_session_ends_with_its_tenant_though_the_alias_goes_on(
    engine: str, both: Crowd, tenant_factory: Callable[..., Any]
) -> None:
    client = signed_in("acme", PERSON)
    client.get("/keep/?word=secret")
    both.hand_on("acme", tenant_factory)
    assert who(client) == ""
    assert client.get("/keep/").json() == {"word": None}
    both.join(PERSON, "acme")
    assert who(client) == ""
    assert who(signed_in("acme", PERSON)) == NAME  # the control


@in_this_thread
async def test_a_session_of_a_coroutine_is_bound_too() -> None:
    with fixed_context(Place("acme", uuid4())):
        store = CacheStore()
        await store.acreate()
        assert str(store.session_key).endswith(binding.session_tag())
        assert len(str(store.session_key)) > binding.RANDOM_LENGTH


def test_a_key_has_its_tenants_tag(acme: Any, bolt: Any) -> None:
    with tenant_context(acme):
        store: Any = SessionStore()
        key = store._get_new_session_key()
        assert SessionStore(key).session_key == key
        assert SessionStore(key[: binding.RANDOM_LENGTH]).session_key is None
    with tenant_context(bolt):
        assert SessionStore(key).session_key is None
    assert SessionStore(key).session_key is None
    assert SessionStore(key[: binding.RANDOM_LENGTH]).session_key


def test_without_us_any_key_is_a_key(acme: Any) -> None:
    patches.uninstall()
    try:
        with tenant_context(acme):
            assert SessionStore("x" * 32).session_key
    finally:
        patches.install()
