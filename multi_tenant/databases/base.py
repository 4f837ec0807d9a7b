"""What the lifecycle asks of each engine, and which class answers for which vendor."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import ClassVar
from uuid import UUID

from django.utils.module_loading import import_string

from multi_tenant.conf import conf
from multi_tenant.exceptions import ProvisioningError
from multi_tenant.registry.entry import Entry

#: By vendor, as dotted paths: an engine's driver is imported when a tenant needs it.
classes: dict[str, str] = {
    "sqlite": "multi_tenant.databases.sqlite.SQLite",
    "postgresql": "multi_tenant.databases.postgresql.PostgreSQL",
    "mysql": "multi_tenant.databases.mysql.MySQL",
}

#: Characters that tell the logins of one tenant apart.
LOGIN_TAIL = 4


class Engine(ABC):
    """The databases of one server, managed with the login of an entry; a subclass answers for one vendor.

    ``alias`` is the tenant that it is done for, and stands in messages. Names are what an entry has as NAME. An engine
    belongs to the thread that made it.
    """

    #: Bytes that a database's name may have.
    longest_name: ClassVar[int]
    #: Whether databases can be cloned: where not, each is migrated by itself.
    has_templates: ClassVar[bool] = False
    #: Whether tenants on this engine's servers can have logins of their own, and the bytes that such a name may have.
    has_logins: ClassVar[bool] = False
    longest_login: ClassVar[int]
    #: What names of databases, and of archives, end with.
    suffix: ClassVar[str] = ""
    archive_suffix: ClassVar[str]

    def __init__(self, entry: Entry, *, alias: str) -> None:
        self.entry = entry
        self.alias = alias

    def name_for(self, alias: str, uuid: UUID) -> str:
        """The physical name of a tenant's database; a long alias is cut, the uuid keeps the name its own."""
        return fitted(alias, f"_{uuid.hex[:8]}{self.suffix}", longest=self.longest_name, thing="database")

    def login_stem(self, alias: str, uuid: UUID) -> str:
        """What the names of a tenant's logins begin with, and no other tenant's."""
        tail = f"_{uuid.hex[:8]}_"
        return fitted(alias, tail, longest=self.longest_login - LOGIN_TAIL, thing="login")

    def held(self) -> AbstractContextManager[None]:
        """Do all of a block by one connection, where the engine has any."""
        return nullcontext()

    def entry_for(self, name: str) -> Entry:
        """The engine's entry, for the database of that name."""
        return Entry({**self.entry, "NAME": name})

    @abstractmethod
    def names(self, prefix: str) -> Sequence[str]:
        """The databases whose names begin with ``prefix``."""

    @abstractmethod
    def exists(self, name: str) -> bool:
        """Whether there is a database of that name."""

    @abstractmethod
    def create(self, name: str, *, private: bool = False) -> None:
        """Make an empty database; a ``private`` one lets in the entry's login alone. Raises DatabaseExistsError."""

    def clone(self, template: str, name: str, *, private: bool = False) -> None:
        """Make a database with all that ``template`` holds, whole or not at all; ``private`` as for ``create``.

        Raises DatabaseExistsError.
        """
        raise NotImplementedError

    def publish(self, draft: str, name: str) -> None:
        """Make a finished draft a template: give it its name, and let nobody connect to it any more.

        Raises DatabaseExistsError.
        """
        raise NotImplementedError

    @abstractmethod
    def drop(self, name: str) -> None:
        """Remove a database if it is there, whoever is connected to it."""

    def drop_template(self, name: str) -> bool:
        """Remove a template or a draft unless it is in use or another login's; answer whether it is gone."""
        raise NotImplementedError

    @abstractmethod
    def check_dump(self) -> None:
        """Raise ProvisioningError when this machine lacks what ``dump`` needs."""

    @abstractmethod
    def dump(self, name: str, path: Path) -> None:
        """Write all that a database holds into a file that is there already, with the entry's login."""

    @abstractmethod
    def restore(self, path: Path, name: str) -> None:
        """Read what ``dump`` wrote into an empty database."""

    @abstractmethod
    def size(self, name: str) -> int:
        """Bytes that a database takes on disk."""

    def open_rows(self, name: str) -> None:  # noqa: B027  # nothing to do where each login is granted its own
        """Let tenants' logins work with the rows of a database: what its clones keep, so it is part of the template.

        The caller has migrated the database, and its own login is the owner's. Doing it again changes nothing.
        """

    def create_login(self, login: str, password: str, *, name: str) -> None:
        """Make a login that may work with the rows of that one database, and with nothing else.

        One that is there already gets the password and the rights: a step that was killed is done again. Raises
        ProvisioningError where the entry's login may not do this; then there is none. The password stands in no
        message, and where the server takes a verifier instead, in none of its logs.
        """
        raise NotImplementedError

    def drop_login(self, login: str) -> None:
        """Remove a login if it is there, and end its sessions."""
        raise NotImplementedError

    def is_login_busy(self, login: str, *, silent_for: float) -> bool:
        """Whether a session of a login is in the middle of something, or was within so many seconds."""
        raise NotImplementedError

    def logins(self, prefix: str) -> Sequence[str]:
        """The logins whose names begin with ``prefix``."""
        return ()

    @abstractmethod
    def lock(self, key: str) -> AbstractContextManager[None]:
        """Hold a lock that all processes using this server respect; a process that ends, however, releases it."""


def fitted(alias: str, tail: str, *, longest: int, thing: str) -> str:
    """A name with DATABASE_PREFIX, as much of the alias as there is room for, and a tail. Raises ProvisioningError."""
    room = longest - len(conf.DATABASE_PREFIX.encode()) - len(tail)
    if room < 1:
        raise ProvisioningError(
            f'MULTI_TENANT["DATABASE_PREFIX"] leaves no room in the {longest} bytes of a {thing}\'s name. Shorten it.',
            step="reserve",
        )
    return f"{conf.DATABASE_PREFIX}{alias[:room]}{tail}"


def register(vendor: str, path: str) -> None:
    """Let the class at a dotted path answer for the databases of a vendor."""
    classes[vendor] = path


def engine_of(entry: Entry, *, alias: str) -> Engine:
    """The engine for the server of an entry. Raises ProvisioningError for a vendor that no class answers for."""
    path = classes.get(entry.vendor)
    if path is None:
        raise ProvisioningError(
            f"Databases of the engine {entry.get('ENGINE')} cannot be made here; known are "
            f"{', '.join(sorted(classes))}. Write an Engine for it and name it with multi_tenant.databases.register.",
            step="database",
        )
    engine: Engine = import_string(path)(entry, alias=alias)
    return engine
