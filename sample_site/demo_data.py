"""The three tenants of the demo, as data alone: for the command that makes them and for the demo that shows them."""

from __future__ import annotations

from dataclasses import dataclass

ADMIN, MEMBER = "ada", "ben"


@dataclass(frozen=True)
class Team:
    """A tenant of the demo; each of its notes occurs in no other tenant."""

    alias: str
    name: str
    notes: tuple[str, ...]


TEAMS = (
    Team("acme", "Acme Rockets", ("Launch moved to Tuesday", "Who has the spare fins?")),
    Team("bolt", "Bolt Bicycles", ("Workshop is closed on Monday", "New tyres are in the cellar")),
    Team("corner", "Corner Café", ("The oven is mended", "Tasting of the summer menu at four")),
)


def account(alias: str, username: str) -> str:
    """What a password is filed under: the same name in two tenants is two accounts."""
    return f"{username}@{alias}"


ACCOUNTS = [account(team.alias, username) for team in TEAMS for username in (ADMIN, MEMBER)]
