"""Who is signed in to one tenant is a stranger in every other."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

import pytest

from tests.journeys.server import Server
from tests.journeys.site import Site

JOIN = """
import django

django.setup()

from multi_tenant.users.joining import add_member
from multi_tenant.users.models import GlobalUser

add_member(GlobalUser.objects.get(username="zoe"), "there", is_staff=True, is_superuser=True)
"""
PASSWORD = secrets.token_urlsafe()


@pytest.fixture(scope="session")  # as the site is: workers may come back to this module
def two_tenants(site: Site, server: Server) -> None:
    """The same person is a superuser of both, with one password and one key."""
    for alias in ("here", "there"):
        site.manage("create_tenant", alias)
        server.expect_within_ttl(alias, 200)
    create = ["createsuperuser", "--no-input", "--username=zoe", "--email=zoe@example.com"]
    site.manage("tenant_command", "here", "--", *create, DJANGO_SUPERUSER_PASSWORD=PASSWORD)
    site.script(JOIN)


@pytest.fixture
def session(server: Server, two_tenants: None) -> Mapping[str, str]:
    """The cookies of a browser that has signed in to ``here``."""
    cookies = dict(server.fetch("here", "/login/").cookies)
    answer = server.fetch("here", "/login/", cookies=cookies, form={"username": "zoe", "password": PASSWORD})
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


def test_the_admin_of_the_public_site_is_closed_to_tenants_superusers(
    server: Server, session: Mapping[str, str]
) -> None:
    assert server.fetch("", "/admin/", cookies=session).status == 302
    assert server.fetch("", "/admin/notes/note/", cookies=session).status in (302, 404)
    assert server.fetch("", cookies=session).status == 200
