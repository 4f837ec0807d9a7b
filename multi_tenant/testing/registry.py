"""The registry's rows, kept while a test flushes the public database; used by the test kit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db import connections, transaction

from multi_tenant.conf import conf
from multi_tenant.context import public_context
from multi_tenant.registry.aliases import PUBLIC
from multi_tenant.registry.models import DatabaseServer, Domain, RegistryVersion
from multi_tenant.registry.store import store

#: How far the version goes ahead on a restore, so that no cache of this process holds anything under the new one.
LEAP = 1_000_000


@dataclass(frozen=True)
class RegistryRows:
    """All rows of the registry at one moment, as they stand in its tables: secrets stay sealed."""

    tables: dict[str, tuple[list[str], list[tuple[Any, ...]]]]

    @classmethod
    def read(cls) -> RegistryRows | None:
        """The rows, None where the public database has no registry."""
        with public_context():
            connection = connections[PUBLIC]
            there = connection.introspection.table_names()
            if RegistryVersion._meta.db_table not in there:
                return None
            return cls({table: rows_of(table) for table in tables()})

    def restore(self) -> None:
        """Write the rows back in place of what is there now, under a version that was never seen."""
        with public_context(), transaction.atomic(using=PUBLIC):
            for table in reversed(tables()):
                execute(f"DELETE FROM {quoted(table)}")  # noqa: S608  # our own names, quoted
            for table, (columns, rows) in self.tables.items():
                names = ", ".join(quoted(column) for column in columns)
                places = ", ".join("%s" for _ in columns)
                for row in rows:
                    execute(f"INSERT INTO {quoted(table)} ({names}) VALUES ({places})", row)  # noqa: S608  # our own names, quoted
            execute(f"UPDATE {quoted(RegistryVersion._meta.db_table)} SET version = version + {LEAP}")  # noqa: S608  # our own names, quoted
        store.clear()


def tables() -> list[str]:
    """The registry's tables, each before those that point to it. Tests may hide apps, so the models are at hand."""
    label, _, name = conf.TENANT_MODEL.partition(".")
    tenant = apps.all_models[label][name.lower()]
    return [model._meta.db_table for model in (RegistryVersion, DatabaseServer, tenant, Domain)]


def rows_of(table: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """The names of a table's columns, and its rows."""
    with connections[PUBLIC].cursor() as cursor:
        cursor.execute(f"SELECT * FROM {quoted(table)}")  # noqa: S608  # our own names, quoted
        return [column[0] for column in cursor.description], cursor.fetchall()


def execute(statement: str, values: tuple[Any, ...] = ()) -> None:
    """Run one statement on the public database."""
    with connections[PUBLIC].cursor() as cursor:
        cursor.execute(statement, values)


def quoted(name: str) -> str:
    """A name as the public database's engine quotes it."""
    return str(connections[PUBLIC].ops.quote_name(name))
