"""What a journey makes on the PostgreSQL of the tests, and removes: databases and a login, by their common prefix."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import psycopg
from psycopg import sql


@contextmanager
def database(url: str, name: str) -> Iterator[str]:
    """An empty database, by its URL; at the end it is dropped with all others whose names begin with its own."""
    with administration(url) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        yield urlsplit(url)._replace(path=f"/{name}").geturl()
    finally:
        drop(url, prefix=name)


@contextmanager
def login(url: str, name: str, password: str) -> Iterator[None]:
    """A login that may create databases; at the end it is dropped, with those whose names begin with its own."""
    role = sql.Identifier(name)
    with administration(url) as connection:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEDB PASSWORD {}").format(role, password))
    try:
        yield
    finally:
        drop(url, prefix=name)
        with administration(url) as connection:
            connection.execute(sql.SQL("DROP ROLE {}").format(role))


def drop(url: str, *, prefix: str) -> None:
    with administration(url) as connection:
        names = connection.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [prefix])
        for (name,) in names.fetchall():
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def administration(url: str) -> psycopg.Connection[Any]:
    return psycopg.connect(url, autocommit=True)
