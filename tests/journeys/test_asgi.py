"""What holds under WSGI holds under ASGI."""

from __future__ import annotations

from tests.journeys.server import uvicorn
from tests.journeys.site import Site


def test_a_tenant_comes_and_goes_while_an_asgi_server_runs(site: Site) -> None:
    with uvicorn(site) as server:
        server.expect("floating", 404)
        site.manage("create_tenant", "floating", "--name", "Floating Ltd")
        server.expect_within_ttl("floating", 200)
        assert "Welcome to Floating Ltd" in server.fetch("floating").text
        assert "Noticeboards" in server.fetch("").text
        site.manage("delete_tenant", "floating", "--force", "--no-input", "--no-archive")
        server.expect_within_ttl("floating", 404)
