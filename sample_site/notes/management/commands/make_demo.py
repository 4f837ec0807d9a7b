"""Makes the demo's tenants, their people and their notes; what is there already is left as it is."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.core.management import BaseCommand, call_command
from django.db import transaction

from multi_tenant import tenant_context
from multi_tenant.lifecycle import create_tenant
from multi_tenant.models import Tenant
from multi_tenant.registry.models import AbstractTenant, TenantState
from multi_tenant.users.joining import add_member
from sample_site.demo_data import ADMINISTERS, PEOPLE, PLATFORM, TEAMS, Team
from sample_site.notes.models import Note
from sample_site.state import State

#: An earlier run was killed while it made them; `create_tenant` goes on where it stopped.
UNFINISHED = (TenantState.PENDING, TenantState.PROVISIONING, TenantState.FAILED)


class Command(BaseCommand):
    help = "Makes the three tenants of the demo, where they are not there yet."

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", verbosity=0)
        people = make_people(State.from_environment().passwords(list(PEOPLE)))
        for team in TEAMS:
            tenant = Tenant.objects.filter(alias=team.alias).first()
            if tenant is None or tenant.state in UNFINISHED:
                tenant = create_tenant(team.alias, name=team.name)
            if tenant.state == TenantState.ACTIVE:
                fill(team, tenant, people)


def make_people(passwords: dict[str, str]) -> dict[str, Any]:
    """Everybody by name, as the public database knows them; who is a member of what comes later."""
    users = get_user_model().objects
    people = {user.get_username(): user for user in users.filter(username__in=PEOPLE)}
    for name in PEOPLE:
        if name not in people:
            make = users.create_superuser if name == PLATFORM else users.create_user
            people[name] = make(name, f"{name}@example.com", passwords[name])
    return people


def fill(team: Team, tenant: AbstractTenant, people: dict[str, Any]) -> None:
    """Give a tenant its members and their notes; it may have been done before, or half of it."""
    for name, role in team.members.items():
        add_member(people[name], tenant, is_staff=role == ADMINISTERS, is_superuser=role == ADMINISTERS)
    with tenant_context(tenant):
        write(team)


@transaction.atomic
def write(team: Team) -> None:
    """Write the notes, all or none; `atomic` means the tenant's database."""
    if Note.objects.filter(author__isnull=False).exists():
        return
    members = get_user_model().objects
    for name, title in team.notes.items():
        Note.objects.create(title=title, author=members.get(username=name))
