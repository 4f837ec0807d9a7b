"""The sample site signs people in: members of two tenants, invited ones, and programs."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from email import message_from_string
from email.policy import default
from typing import Any

import pytest

from sample_site.demo_data import TEAMS
from tests.journeys.server import Server
from tests.journeys.site import Site


@pytest.fixture(scope="module")
def passwords(site: Site, server: Server) -> Any:
    """The passwords of the demo's people, whose tenants are made as the demo makes them."""
    site.manage("make_demo")
    for team in TEAMS:
        server.expect_within_ttl(team.alias, 200)
    return json.loads((site.directory / "passwords.json").read_text())


def signed_in(server: Server, alias: str, name: str, password: str) -> dict[str, str]:
    """The cookies of a browser in which somebody has signed in."""
    cookies = dict(server.fetch(alias, "/login/").cookies)
    answer = server.fetch(alias, "/login/", cookies=cookies, form={"username": name, "password": password})
    assert answer.status == 302, answer.text
    return {**cookies, **answer.cookies}


def test_one_person_has_different_rights_in_two_tenants(server: Server, passwords: Mapping[str, str]) -> None:
    at_acme = signed_in(server, "acme", "ada", passwords["ada"])
    at_bolt = signed_in(server, "bolt", "ada", passwords["ada"])
    assert server.fetch("acme", "/admin/notes/note/", cookies=at_acme).status == 200
    assert server.fetch("bolt", "/admin/notes/note/", cookies=at_bolt).status == 302
    assert "Sign out" in server.fetch("bolt", cookies=at_bolt).text
    answer = server.fetch("corner", "/login/", cookies={}, form={"username": "ada", "password": passwords["ada"]})
    assert answer.status != 302


def test_one_goes_from_one_tenant_to_another_at_the_public_address(
    server: Server, passwords: Mapping[str, str]
) -> None:
    cookies = signed_in(server, "", "ada", passwords["ada"])
    page = server.fetch("", "/people/tenants/", cookies=cookies).text
    buttons = dict(re.findall(r'value="([0-9a-f-]{36})"[^>]*>([^<]+)<', page))
    assert sorted(buttons.values()) == ["Acme Rockets", "Bolt Bicycles"]
    for uuid, name in buttons.items():
        answer = server.fetch("", "/people/tenants/switch/", cookies=cookies, form={"tenant": uuid})
        assert answer.status == 302, answer.text
        [team] = [team for team in TEAMS if team.name == name]
        board = server.fetch("", cookies=cookies).text
        assert all(title in board for title in team.titles)
        is_admin = server.fetch("", "/admin/notes/note/", cookies=cookies).status == 200
        assert is_admin == (team.members["ada"] == "administers")


def test_an_invitation_is_sent_and_accepted(site: Site, server: Server, passwords: Mapping[str, str]) -> None:
    cookies = signed_in(server, "corner", "cleo", passwords["cleo"])
    add = "/admin/multi_tenant_users/globaluser/add/"
    cookies |= server.fetch("corner", add, cookies=cookies).cookies
    answer = server.fetch("corner", add, cookies=cookies, form={"email": "dan@example.com"})
    assert answer.status == 302, answer.text
    [letter] = [path.read_text() for path in (site.directory / "mail").iterdir()]
    text = message_from_string(letter.partition("-----")[0], policy=default).get_content()
    found = re.search(r"/people/invitation/\S+", text)
    assert found
    page, visitor = found[0], dict(server.fetch("corner", found[0]).cookies)
    form = {"new-username": "dan", "new-password1": "a long way home", "new-password2": "a long way home"}
    answer = server.fetch("corner", page, cookies=visitor, form=form)
    assert answer.status == 302, answer.text
    assert "Sign out" in server.fetch("corner", cookies={**visitor, **answer.cookies}).text
    assert server.fetch("corner", page, cookies=visitor, form=form).status == 404


@pytest.mark.parametrize(("path", "scheme"), [("/api/token/", "Token"), ("/api/jwt/", "Bearer")])
def test_a_program_reads_and_writes_notes(path: str, scheme: str, server: Server, passwords: Mapping[str, str]) -> None:
    answer = server.fetch("acme", path, form={"username": "ben", "password": passwords["ben"]})
    assert answer.status == 200, answer.text
    told = json.loads(answer.text)
    bearer = f"{scheme} {told.get('token') or told['access']}"
    title = f"Written at {time.monotonic()}"
    made = server.fetch("acme", "/api/notes/", bearer=bearer, form={"title": title})
    assert made.status == 201, made.text
    assert json.loads(made.text)["author"] == "ben"
    assert title in server.fetch("acme", "/api/notes/", bearer=bearer).text
    assert server.fetch("bolt", "/api/notes/", bearer=bearer).status in (401, 403)
    assert server.fetch("acme", "/api/notes/").status in (401, 403)
