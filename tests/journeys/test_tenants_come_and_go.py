"""A server that was started once serves tenants as they come, and no longer than they are there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from tests.journeys.server import Server, gunicorn
from tests.journeys.site import Site

SCRIPT = """
import django

django.setup()

from multi_tenant import tenant_context
from multi_tenant.lifecycle import create_tenant
from sample_site.notes.models import Note

create_tenant("scripted", name="Scripted Ltd")
with tenant_context("scripted"):
    Note.objects.create(title="Written by a script")
"""


def test_a_tenant_made_by_a_command_is_served(site: Site, server: Server) -> None:
    server.expect("commanded", 404)
    site.manage("create_tenant", "commanded", "--name", "Commanded Ltd")
    server.expect_within_ttl("commanded", 200)
    assert "Welcome to Commanded Ltd" in server.fetch("commanded").text


def test_a_tenant_made_by_a_script_is_served_with_what_the_script_wrote(site: Site, server: Server) -> None:
    server.expect("scripted", 404)
    site.script(SCRIPT)
    server.expect_within_ttl("scripted", 200)
    assert "Written by a script" in server.fetch("scripted").text


def test_a_tenant_with_an_entry_of_its_own_is_served_from_there(
    site: Site, server: Server, own_entry: Mapping[str, Any]
) -> None:
    server.expect("owning", 404)
    site.manage("create_tenant", "owning", "--name", "Owning Ltd", "--entry", "-", given=json.dumps(own_entry))
    server.expect_within_ttl("owning", 200)
    page = server.fetch("owning").text
    assert "Welcome to Owning Ltd" in page
    assert "PostgreSQL" in page
    site.manage("delete_tenant", "owning", "--force", "--no-input", "--no-archive")


def test_a_tenant_is_served_at_a_domain_of_its_own(site: Site, server: Server) -> None:
    server.expect("shop.customer", 404)
    site.manage("create_tenant", "domained", "--name", "Domained Ltd", "--domain", "shop.customer.localhost")
    server.expect_within_ttl("shop.customer", 200)
    assert "Welcome to Domained Ltd" in server.fetch("shop.customer").text


def test_a_deleted_tenant_is_served_no_longer(site: Site, server: Server) -> None:
    site.manage("create_tenant", "leaving")
    server.expect_within_ttl("leaving", 200)
    site.manage("delete_tenant", "leaving", "--force", "--no-input")
    server.expect_within_ttl("leaving", 404)
    assert "leaving" not in server.fetch("").text


def test_a_suspended_tenant_is_refused_until_it_is_resumed(site: Site, server: Server) -> None:
    site.manage("create_tenant", "pausing", "--name", "Pausing Ltd")
    server.expect_within_ttl("pausing", 200)
    site.manage("suspend_tenant", "pausing")
    server.expect_within_ttl("pausing", 403)
    assert "Welcome" not in server.fetch("pausing").text
    site.manage("resume_tenant", "pausing")
    server.expect_within_ttl("pausing", 200)


def test_the_public_page_lists_a_tenant_with_its_address_and_its_state(site: Site, server: Server) -> None:
    site.manage("create_tenant", "listed", "--name", "Listed & Sons")
    page = server.fetch("").text
    assert f'<a href="http://listed.localhost:{server.port}/">Listed &amp; Sons</a>' in page
    assert "state active" in page


def test_a_server_that_does_not_look_at_the_registry_again_is_found_out(site: Site) -> None:
    """The control of the tests above."""
    deaf = replace(site, environment={**site.environment, "JOURNEY_TTL": "3600"})
    with gunicorn(deaf) as server:
        server.expect("unheard", 404)
        site.manage("create_tenant", "unheard")
        with pytest.raises(AssertionError, match="unheard is answered with 404"):
            server.expect_within_ttl("unheard", 200)
