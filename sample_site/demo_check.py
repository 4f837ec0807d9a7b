"""Asks each tenant of the demo for a page over HTTP, as a browser would, and says what came back."""

from __future__ import annotations

import http.client
from html import escape

from sample_site.demo_data import TEAMS, Team

TIMEOUT_SECONDS = 30


def ask_each(port: int) -> int:
    """Print a line per tenant; 0 when each shows its own notes and nobody else's."""
    faults = 0
    for team in TEAMS:
        fault = fault_of(team, port)
        faults += bool(fault)
        print(f"{team.alias:8} {address(team, port):30} {fault or 'ok: its own notes and no others'}")
    return int(faults > 0)


def fault_of(team: Team, port: int) -> str:
    """What is wrong with a tenant's front page; nothing when all is well."""
    try:
        status, page = fetch(port, host=address(team, port))
    except (OSError, http.client.HTTPException) as error:
        return f"FAILED: no answer ({error})"
    if status != http.client.OK:
        return f"FAILED: status {status}"
    if missing := [title for title in team.titles if escape(title) not in page]:
        return f"FAILED: not on its page: {', '.join(missing)}"
    foreign = [title for other in TEAMS if other != team for title in other.titles if escape(title) in page]
    return f"FAILED: notes of others: {', '.join(foreign)}" if foreign else ""


def address(team: Team, port: int) -> str:
    return f"{team.alias}.localhost:{port}"


def fetch(port: int, *, host: str) -> tuple[int, str]:
    """Ask 127.0.0.1 for the front page of a host, without a look at DNS."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/", headers={"Host": host})
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()
