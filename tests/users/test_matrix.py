"""Who gets where: each kind of person at each place by each way in, under both session scopes.

The table on docs/explanation/who-gets-where.md is written by this: MULTI_TENANT_WRITE_DOCS=1 has it written anew.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any, NamedTuple, Protocol

import pytest
from django.conf import settings as django_settings
from django.test import Client

from tests.pages import DOCS
from tests.users.crowd import PERSONS, PLACES, Crowd, name_of, signed_in, visitor

pytestmark = pytest.mark.django_db

PAGE = DOCS / "explanation" / "who-gets-where.md"
BEGIN, END = "<!-- written by tests/users/test_matrix.py -->\n", "<!-- end -->\n"
ROWS = ("anonymous", *PERSONS)
SCOPES = ("tenant", "site")
#: Whose credentials are older than the end of a membership or an identity.
ENDED = ("suspended member", "former member", "deactivated identity")

Cells = Mapping[str, str]


SignIn = Callable[[str, str], Client]


class Asks(Protocol):
    def __call__(self, sign_in: SignIn, place: str, person: str) -> Callable[[], bool]:
        """Get what the way in asks for, and answer what asks with it whether the person is let in.

        ``sign_in(place, person)`` answers a browser in which the person has tried to sign in.
        """


class Way(NamedTuple):
    """A way in: its title, how it is tried, and for each person whether it leads to public, acme and bolt."""

    title: str
    tries: Asks
    expected: Cells


def view(sign_in: SignIn, place: str, person: str) -> Callable[[], bool]:
    client = sign_in(place, person)
    return lambda: is_known(client, place, person)


def admin(sign_in: SignIn, place: str, person: str) -> Callable[[], bool]:
    client = sign_in(place, person)
    return lambda: client.get("/admin/").status_code == 200


def from_elsewhere(sign_in: SignIn, place: str, person: str) -> Callable[[], bool]:
    """The sessions of the other places, brought here."""
    clients = [visitor(place) for other in PLACES if other != place]
    for client, other in zip(clients, [other for other in PLACES if other != place], strict=True):
        client.cookies.update(sign_in(other, person).cookies)
    return lambda: sum(is_known(client, place, person) for client in clients) > 0  # each is asked


def is_known(client: Client, place: str, person: str) -> bool:
    told = client.get("/who/").json()
    assert told["user"] in ("", name_of(person))
    assert told["db"] == (place if told["user"] else None)
    return bool(told["user"])


IDENTITIES = dict.fromkeys(ROWS, "public") | {"anonymous": "", "deactivated identity": ""}
AT_HOME = {
    **IDENTITIES,
    "member": "public acme",
    "tenant staff": "public acme",
    "tenant superuser": "public acme",
    "member of another tenant": "public bolt",
}
NOWHERE = dict.fromkeys(ROWS, "")
WAYS = [
    Way("view", view, AT_HOME),
    Way(
        "admin",
        admin,
        {
            **NOWHERE,
            "platform staff": "public",
            "platform superuser": "public",
            "tenant staff": "acme",
            "tenant superuser": "acme",
            "member of another tenant": "bolt",
        },
    ),
]
#: The session of another place, which says something else under each scope.
BROUGHT = {"tenant": NOWHERE, "site": {**AT_HOME, "platform staff": "", "platform superuser": ""}}


def ways(scope: str) -> list[Way]:
    """All ways in: those of REST framework are known to its room."""
    found = [*WAYS, Way("session from elsewhere", from_elsewhere, BROUGHT[scope])]
    if find_spec("rest_framework") and find_spec("tests.contrib.rest.ways"):
        found += import_module("tests.contrib.rest.ways").WAYS
    return found


@pytest.fixture(params=SCOPES)
def scope(request: pytest.FixtureRequest, configure: Callable[..., None], settings: Any) -> str:
    configure(SESSION_SCOPE=request.param)
    if request.param == "site":
        settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
    return str(request.param)


def test_who_gets_where(scope: str, crowd: Crowd) -> None:
    sign_in = cache(signed_in)
    held = {
        (way.title, person, place): way.tries(sign_in, place, person)
        for way in ways(scope)
        for person in ROWS
        for place in PLACES
    }
    control = {cell: ask() for cell, ask in held.items() if cell[1] in ENDED and cell[2] == "acme"}
    assert control == {cell: cell[0] != "session from elsewhere" or scope == "site" for cell in control}
    crowd.end_times()
    for way in ways(scope):
        expected = {(p, place): place in way.expected[p].split() for p in ROWS for place in PLACES}
        found = {(p, place): held[way.title, p, place]() for p in ROWS for place in PLACES}
        assert found == expected, way.title


def test_who_gets_where_with_what_is_issued_later(scope: str, crowd: Crowd) -> None:
    crowd.end_times()
    sign_in = cache(signed_in)
    for way in ways(scope):
        found = {(p, place): way.tries(sign_in, place, p)() for p in ENDED for place in PLACES}
        expected = {(p, place): place in way.expected[p].split() for p in ENDED for place in PLACES}
        if way.tries is from_elsewhere:
            expected = dict.fromkeys(expected, False)  # no other place lets them in, to bring a session from
        assert found == expected, way.title


@pytest.mark.skipif(not find_spec("rest_framework"), reason="The page has the ways into REST framework, too.")
def test_the_page_tells_who_gets_where() -> None:
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    wanted = f"{before}{BEGIN}{tables()}{END}{after}"
    if os.environ.get("MULTI_TENANT_WRITE_DOCS"):
        PAGE.write_text(wanted, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == wanted, "MULTI_TENANT_WRITE_DOCS=1 writes the page anew."


def tables() -> str:
    """Both scopes as tables; what the cells say is what the other test asserts."""
    return "".join(f'\n## `SESSION_SCOPE = "{scope}"`\n\n{table(ways(scope))}\n' for scope in SCOPES)


def table(columns: list[Way]) -> str:
    titles = ["Who", *(way.title for way in columns)]
    lines = [titles, ["---"] * len(titles)]
    lines += [[person, *(said(way.expected[person]) for way in columns)] for person in ROWS]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def said(places: str) -> str:
    names = {"public": "public", "acme": "A", "bolt": "B"}
    return ", ".join(names[place] for place in places.split()) or "–"


def test_the_sessions_of_these_tests_are_kept_as_is_said() -> None:
    assert django_settings.SESSION_ENGINE.endswith(".db")
