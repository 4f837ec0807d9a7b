"""People of each kind that the platform knows, for the tests that ask who gets where."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from asgiref.sync import async_to_sync
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connections
from django.test import Client

from multi_tenant.context import public_context, tenant_context
from multi_tenant.models import Domain, Tenant
from multi_tenant.users.joining import add_member, remove_member, suspend_member

PASSWORD = "a secret that all share"
PLACES = ("public", "acme", "bolt")
ALL = {"is_staff": True, "is_superuser": True}
#: What a person may do on the platform, the tenant it belongs to, and what it may do there.
PERSONS: dict[str, tuple[dict[str, bool], str, dict[str, Any]]] = {
    "platform staff": ({"is_staff": True}, "", {}),
    "platform superuser": (ALL, "", {}),
    "member": ({}, "acme", {}),
    "tenant staff": ({}, "acme", {"is_staff": True}),
    "tenant superuser": ({}, "acme", ALL),
    "member of another tenant": ({}, "bolt", ALL),
    "suspended member": ({}, "acme", ALL),
    "former member": ({}, "acme", ALL),
    "deactivated identity": (
        ALL,
        "acme",
        ALL,
    ),
}


class Crowd:
    """One person of each kind; those whose time is to end are in order until ``end_times``."""

    def __init__(self, acme: Tenant, bolt: Tenant) -> None:
        self.tenants = {"acme": acme, "bolt": bolt}
        self.keys: dict[str, Any] = {}
        for tenant in (acme, bolt):
            Domain.objects.create(host=f"{tenant.alias}.example.com", tenant=tenant)
        for person, (platform, home, authority) in PERSONS.items():
            name = name_of(person)
            user = get_user_model().objects.create_user(name, f"{name}@example.com", PASSWORD, **platform)
            self.keys[person] = user.pk
            if home:
                add_member(user, self.tenants[home], **authority)

    def join(self, person: str, place: str) -> None:
        """Make a person a member of one more tenant."""
        with public_context():
            add_member(self.keys[person], self.tenants[place])

    def hand_on(self, alias: str, make: Callable[..., Any]) -> Any:
        """Have an alias, and its host, go to a new tenant; the old one is gone."""
        with tenant_context(alias):
            call_command("flush", interactive=False, verbosity=0)  # nobody will: its database is lent to other tests
        with public_context():
            self.tenants[alias].delete()
            self.tenants[alias] = make(alias)
            Domain.objects.create(host=f"{alias}.example.com", tenant=self.tenants[alias])
        connections.retire(alias)  # type: ignore[attr-defined]  # the handler's own
        return self.tenants[alias]

    def end_times(self) -> None:
        """What changes for those of whom something has ended; the credentials that they hold are older."""
        with public_context():
            suspend_member(self.keys["suspended member"], self.tenants["acme"])
            remove_member(self.keys["former member"], self.tenants["acme"])
            identity = get_user_model().objects.get(pk=self.keys["deactivated identity"])
            identity.is_active = False
            identity.save()


def name_of(person: str) -> str:
    """The user name of a person."""
    return person.replace(" ", "-")


def visitor(place: str) -> Client:
    """A browser that asks at a place."""
    return Client(headers={"host": f"{place}.example.com"})


def signed_in(place: str, person: str, *, password: str = PASSWORD) -> Client:
    """A browser in which a person has tried to sign in at a place."""
    client = visitor(place)
    if person != "anonymous":
        client.post("/accounts/login/", {"username": name_of(person), "password": password})
    return client


def who(client: Client, **headers: str) -> str:
    """The name of who asks, "" for nobody."""
    return str(client.get("/who/", headers=headers).json()["user"])


def in_this_thread(test: Callable[..., Any]) -> Callable[..., None]:
    """A test by coroutine whose queries are run in the test's own thread, and so in its transaction."""

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        async_to_sync(test)(*args, **kwargs)

    return run
