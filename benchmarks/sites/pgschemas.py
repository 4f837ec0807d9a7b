"""django-pgschemas."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.management import call_command
from django.db import connection
from django_pgschemas.routing.middleware import DomainRoutingMiddleware
from django_pgschemas.schema import activate_public

from benchmarks.project.pgschemas_registry.models import Client, Host
from benchmarks.project.shop.rows import fill
from benchmarks.sites.base import Site, create_shop


class PgSchemas(Site):
    """A schema for each tenant."""

    def prepare(self, count: int) -> list[str]:
        create_registry()
        for number in range(count):
            alias = self.alias(number)
            client = Client(schema_name=alias)
            client.auto_create_schema = False
            client.save()
            Host.objects.create(tenant=client, domain=self.host(alias))
            with connection.cursor() as cursor:
                cursor.execute(f"CREATE SCHEMA {alias}")
            with client:
                create_shop()
                fill(alias)
        return []

    def prepare_creation(self) -> None:
        call_command("migrateschema", schemas=["public"], verbosity=0)
        create_registry()
        self.create("base")  # to clone from, where it is asked for

    def create(self, alias: str) -> None:
        activate_public()  # the last request left it in its tenant
        client = Client(schema_name=alias)
        client.save(verbosity=0)
        Host.objects.create(tenant=client, domain=self.host(alias))

    def register(self, first: int, count: int, *, placed: bool = False) -> None:
        names = [self.alias(number) for number in range(first, first + count)]
        rows = Client.objects.bulk_create(Client(schema_name=name) for name in names)
        Host.objects.bulk_create(Host(tenant=row, domain=self.host(row.schema_name)) for row in rows)

    def middleware(self, get_response: Callable[[Any], Any]) -> Callable[[Any], Any]:
        made: Callable[[Any], Any] = DomainRoutingMiddleware(get_response)
        return made


def create_registry() -> None:
    """Make the tables of tenants and hosts, which have no migrations here."""
    with connection.schema_editor() as editor:
        editor.create_model(Client)
        editor.create_model(Host)
