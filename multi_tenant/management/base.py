"""The base of this package's commands: public, with JSON for machines and errors in a line for people."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.serializers.json import DjangoJSONEncoder
from django.db import DatabaseError, connections

from multi_tenant.context import public_context
from multi_tenant.exceptions import MultiTenantError
from multi_tenant.management.tenants import document_of
from multi_tenant.registry.aliases import PUBLIC
from multi_tenant.registry.lookup import VERSION_TABLE

#: The exit code of a command that Ctrl-C ended, as shells know it.
INTERRUPTED = 130


class RegistryCommand(BaseCommand):
    """Runs on the public database wherever it is called; an error of ours is a line and not a traceback."""

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            with public_context():
                return super().execute(*args, **options)
        except MultiTenantError as exc:
            raise CommandError(str(exc)) from exc
        except DatabaseError as exc:
            if registry_is_missing():
                raise CommandError("The public database has no registry yet. Run `manage.py migrate` first.") from exc
            raise
        except KeyboardInterrupt:
            raise CommandError("Interrupted.", returncode=INTERRUPTED) from None

    def add_json(self, parser: CommandParser) -> None:
        """Give the command ``--json``."""
        parser.add_argument("--json", action="store_true", help="Answer with one JSON document on standard output.")

    def write_json(self, document: Any) -> None:
        """Answer with a document of plain values, dates and UUIDs."""
        self.stdout.write(json.dumps(document, cls=DjangoJSONEncoder, indent=2))

    def tell(self, tenant: Any, *, as_json: bool) -> None:
        """Answer with the tenant that a command worked on, as it is now."""
        if as_json:
            self.write_json(document_of(tenant))
        else:
            self.stdout.write(f"Tenant {tenant.alias} is {tenant.state}.")


def registry_is_missing() -> bool:
    """Whether the public database was never migrated. Raises DatabaseError where it is out of reach."""
    return VERSION_TABLE not in connections[PUBLIC].introspection.table_names()
