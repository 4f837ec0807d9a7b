"""Who is signed in to one tenant is a stranger in every other."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

import pytest

from tests.journeys.server import Server
from tests.journeys.site import Site

PASSWORD = secrets.token_urlsafe()


@pytest.fixture(scope="session")  # as the site is: workers may come back to this module
def two_tenants(site: Site, server: Server) -> None:
    """Both have a superuser of the same name, with the same password and the same key."""
    for alias in ("here", "there"):
        site.manage("create_tenant", alias)
        server.expect_within_ttl(alias, 200)
    create = ["createsuperuser", "--no-input", "--username=ada", "--email=ada@example.com"]
    site.manage("tenant_command", "here", "there", "--", *create, DJANGO_SUPERUSER_PASSWORD=PASSWORD)


@pytest.fixture
def session(server: Server, two_tenants: None) -> Mapping[str, str]:
    """The cookies of a browser that has signed in to ``here``."""
    cookies = dict(server.fetch("here", "/login/").cookies)
    answer = server.fetch("here", "/login/", cookies=cookies, form={"username": "ada", "password": PASSWORD})
    assert answer.status == 302, answer.text
    return {**cookies, **answer.cookies}


def test_a_note_is_written_by_who_is_signed_in(server: Server, session: Mapping[str, str]) -> None:
    answer = server.fetch("here", cookies=session, form={"title": "Only here"})
    assert answer.headers["Location"] == "/"
    assert "Only here" in server.fetch("here").text
    assert "Only here" not in server.fetch("there").text


def test_a_session_of_one_tenant_is_nothing_in_another(server: Server, session: Mapping[str, str]) -> None:
    assert "Sign out" in server.fetch("here", cookies=session).text
    assert "Sign out" not in server.fetch("there", cookies=session).text
    answer = server.fetch("there", cookies=session, form={"title": "Smuggled"})
    assert answer.headers["Location"].startswith("/login/")
    assert "Smuggled" not in server.fetch("there").text


def test_the_admin_of_one_tenant_is_closed_to_another_tenants_superuser(
    server: Server, session: Mapping[str, str]
) -> None:
    assert server.fetch("here", "/admin/notes/note/", cookies=session).status == 200
    assert server.fetch("there", "/admin/notes/note/", cookies=session).status == 302


def test_the_public_site_has_no_admin(server: Server, session: Mapping[str, str]) -> None:
    assert server.fetch("", "/admin/", cookies=session).status == 404
    assert server.fetch("", cookies=session).status == 200
