"""The marker in each tenant's database that says whose it is; written by the lifecycle, compared on connecting."""

from __future__ import annotations

import uuid
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

TABLE = "multi_tenant_marker"
#: Portable SQL: the key admits one row alone.
CREATE = (
    f"CREATE TABLE IF NOT EXISTS {TABLE} (id smallint NOT NULL PRIMARY KEY CHECK (id = 1), tenant char(36) NOT NULL)"
)
CLEAR = f"DELETE FROM {TABLE}"  # noqa: S608  # constants, here and below
INSERT = f"INSERT INTO {TABLE} (id, tenant) VALUES (1, %s)"  # noqa: S608
DROP = f"DROP TABLE IF EXISTS {TABLE}"
SELECT = f"SELECT tenant FROM {TABLE} WHERE id = 1"  # noqa: S608


def create_marker_table(connection: BaseDatabaseWrapper) -> None:
    """Make the marker's table, empty: part of every template."""
    with connection.cursor() as cursor:
        cursor.execute(CREATE)


def write_marker(connection: BaseDatabaseWrapper, tenant: uuid.UUID) -> None:
    """Mark the database as the tenant's; an earlier mark is replaced."""
    create_marker_table(connection)
    with connection.cursor() as cursor:
        cursor.execute(CLEAR)
    insert_marker(connection, tenant)


def insert_marker(connection: BaseDatabaseWrapper, tenant: uuid.UUID) -> None:
    """Mark a database that has the marker's table, empty."""
    with connection.cursor() as cursor:
        cursor.execute(INSERT, [str(tenant)])


def remove_marker(connection: BaseDatabaseWrapper) -> None:
    """Leave no mark in a database that is a tenant's no longer."""
    with connection.cursor() as cursor:
        cursor.execute(DROP)


def read_marker(raw_connection: Any) -> uuid.UUID | None:
    """Whose database a driver's connection leads to, None for an empty marker.

    It is read below Django's cursors, as the wrapper that asks is not ready for use. Raises the driver's error where
    there is no marker's table.
    """
    cursor = raw_connection.cursor()
    try:
        cursor.execute(SELECT)
        row = cursor.fetchone()
    finally:
        cursor.close()
    return uuid.UUID(str(row[0]).strip()) if row else None
