"""Makes the demo's tenants, their people and their notes; what is there already is left as it is."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.core.management import BaseCommand, call_command
from django.db import transaction

from multi_tenant import tenant_context
from multi_tenant.lifecycle import create_tenant
from multi_tenant.models import Tenant
from multi_tenant.registry.models import TenantState
from sample_site.demo_data import ACCOUNTS, ADMIN, MEMBER, TEAMS, Team, account
from sample_site.notes.models import Note
from sample_site.state import State

#: An earlier run was killed while it made them; `create_tenant` goes on where it stopped.
UNFINISHED = (TenantState.PENDING, TenantState.PROVISIONING, TenantState.FAILED)


class Command(BaseCommand):
    help = "Makes the three tenants of the demo, where they are not there yet."

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", verbosity=0)
        passwords = State.from_environment().passwords(ACCOUNTS)
        for team in TEAMS:
            tenant = Tenant.objects.filter(alias=team.alias).first()
            if tenant is None or tenant.state in UNFINISHED:
                tenant = create_tenant(team.alias, name=team.name)
            if tenant.state == TenantState.ACTIVE:
                with tenant_context(tenant):
                    fill(team, passwords)


@transaction.atomic
def fill(team: Team, passwords: dict[str, str]) -> None:
    """Give a tenant its people and notes, all or nothing; `atomic` means the tenant's database."""
    if User.objects.exists():
        return
    admin = User.objects.create_superuser(ADMIN, password=passwords[account(team.alias, ADMIN)])
    member = User.objects.create_user(MEMBER, password=passwords[account(team.alias, MEMBER)])
    for author, title in zip((admin, member), team.notes, strict=True):
        Note.objects.create(title=title, author=author)
