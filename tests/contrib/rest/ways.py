"""The ways into an API, for the matrix of who gets where; each is tried with stock classes and with ours."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import Any

from tests.users.crowd import PASSWORD, PLACES, name_of, visitor
from tests.users.test_matrix import AT_HOME, SignIn, Way

Shown = Callable[[SignIn, str], tuple[str, ...]]


def session(sign_in: SignIn, place: str, person: str) -> Callable[[], bool]:
    client = sign_in(place, person)
    return lambda: agreed([is_known(client, kind, place, person) for kind in ("session", "our-session")])


def by_header(kind: str, shown: Shown, sign_in: SignIn, place: str, person: str) -> Callable[[], bool]:
    """Try all credentials of a person, those of other places among them."""
    texts = shown(sign_in, person)

    def ask() -> bool:
        accepted = [agreed(list(tries(kind, text, place, person))) for text in texts]
        assert sum(accepted) <= 1, "only what was issued here is good here"
        return any(accepted)

    return ask


def tries(kind: str, text: str, place: str, person: str) -> Iterator[bool]:
    for cls in (kind, f"our-{kind}"):
        yield is_known(visitor(place), cls, place, person, authorization=text)


def agreed(answers: list[bool]) -> bool:
    """What stock classes and ours say alike."""
    assert len(set(answers)) == 1
    return answers[0]


def is_known(client: Any, kind: str, place: str, person: str, **headers: str) -> bool:
    answer = client.get(f"/api/who/{kind}/", headers=headers)
    told = answer.json()
    if answer.status_code == 401 or not told["user"]:
        return False
    assert (told["user"], told["db"]) == (name_of(person), place)
    return True


def password(sign_in: SignIn, person: str) -> tuple[str, ...]:
    if person == "anonymous":
        return ()
    return ("Basic " + base64.b64encode(f"{name_of(person)}:{PASSWORD}".encode()).decode(),)


@cache  # a test has a ``sign_in`` of its own, so that none is given another's
def token(sign_in: SignIn, person: str) -> tuple[str, ...]:
    return tuple(f"Token {text}" for text in issued("/api/token/stock/", "token", person))


@cache
def jwt(sign_in: SignIn, person: str) -> tuple[str, ...]:
    return tuple(f"Bearer {text}" for text in issued("/api/jwt/", "access", person))


def issued(path: str, key: str, person: str) -> Iterator[str]:
    """What a person is given at each place that gives it something."""
    form = {"username": name_of(person), "password": PASSWORD}
    for place in PLACES:
        answer = visitor(place).post(path, form, content_type="application/json").json()
        if key in answer:
            yield answer[key]


WAYS = [
    Way("API: session", session, AT_HOME),
    *(
        Way(f"API: {title}", partial(by_header, kind, shown), AT_HOME)
        for title, kind, shown in (("basic", "basic", password), ("token", "token", token), ("JWT", "jwt", jwt))
    ),
]
