"""What the engines of real servers share: one connection for all that a call does, and the client's programs."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, ClassVar

from multi_tenant.databases.base import Engine
from multi_tenant.exceptions import ProvisioningError
from multi_tenant.registry.entry import Entry
from multi_tenant.registry.lookup import TenantRecord
from multi_tenant.routing.outages import CONNECT_SECONDS
from multi_tenant.routing.wrapper import known_reason, tenant_connection


class ServerEngine(Engine):
    """An engine whose databases are reached through a server."""

    #: What brings the programs, as an error says it.
    client: ClassVar[str]

    def __init__(self, entry: Entry, *, alias: str) -> None:
        # Said here too, as the client's programs are told it: their own default is to wait as long as the network does.
        options = {"connect_timeout": CONNECT_SECONDS, **entry["OPTIONS"]}
        super().__init__(Entry({**entry, "OPTIONS": options}), alias=alias)
        self._held: Any = None

    @contextmanager
    def held(self) -> Iterator[None]:
        with self._connection():
            yield

    @contextmanager
    def _connection(self) -> Iterator[Any]:
        """The connection that an outer call holds, or one for this call; never one of ``django.db.connections``."""
        if self._held is not None:
            yield self._held
            return
        record = TenantRecord(alias=self.alias, uuid=None, name="", state="", entry=self.entry, marked=False)
        with closing(tenant_connection(record)) as connection:
            self._held = connection
            try:
                yield connection
            finally:
                self._held = None

    def _call(self, *command: str, environment: Entry, source: Path | None = None, output: Path | None = None) -> None:
        """Run one of the client's programs, found by ``_program``.

        Nothing secret is among its arguments, and its environment is a dict that error reports do not print.
        """
        program = Path(command[0]).name
        try:
            with (
                (source or Path(os.devnull)).open("rb") as given,
                (output or Path(os.devnull)).open("wb") as taken,
            ):
                done = subprocess.run(  # noqa: S603  # our own command: an absolute path and arguments of ours
                    command, check=False, env=environment, stdin=given, stdout=taken, stderr=subprocess.PIPE
                )
        except OSError as exc:
            complaint = f"it cannot be run ({exc.strerror})"
        else:
            complaint = complaint_of(done)
        if complaint:  # raised out here: the frames of subprocess hold the environment, and so the password
            raise ProvisioningError(
                f"{program} failed for the database of {self.alias!r}: {complaint}. Check its version, the entry and "
                "the server.",
                step="archive",
            )

    def _program(self, *names: str) -> str:
        """Where the first of these programs is that this machine has."""
        found = next(filter(None, map(shutil.which, names)), None)
        if found is None:
            raise ProvisioningError(
                f"{names[0]} is not on this machine's PATH. Install {self.client}, or go without an archive "
                "(archive=False).",
                step="archive",
            )
        return found


def complaint_of(done: subprocess.CompletedProcess[bytes]) -> str:
    """Why a program failed, in our words; "" where it did not."""
    if not done.returncode:
        return ""
    message = done.stderr.decode(errors="replace")
    if "version mismatch" in message:
        return "it is older than the server"
    return known_reason(message) or f"it ended with {done.returncode}"
