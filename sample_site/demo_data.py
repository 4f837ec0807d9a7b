"""The tenants and the people of the demo, as data alone: for the command that makes them and what shows them."""

from __future__ import annotations

from dataclasses import dataclass

#: Who runs the platform: known on the public site, and nobody in the tenants.
PLATFORM = "root"
#: What a member of a tenant may do there.
ADMINISTERS, WRITES = "administers", "writes"


@dataclass(frozen=True)
class Team:
    """A tenant of the demo; each of its notes, by author, occurs in no other tenant."""

    alias: str
    name: str
    members: dict[str, str]
    notes: dict[str, str]

    @property
    def titles(self) -> tuple[str, ...]:
        return tuple(self.notes.values())


TEAMS = (
    Team(
        "acme",
        "Acme Rockets",
        {"ada": ADMINISTERS, "ben": WRITES},
        {"ada": "Launch moved to Tuesday", "ben": "Who has the spare fins?"},
    ),
    Team(
        "bolt",
        "Bolt Bicycles",
        {"ben": ADMINISTERS, "ada": WRITES},
        {"ben": "Workshop is closed on Monday", "ada": "New tyres are in the cellar"},
    ),
    Team(
        "corner",
        "Corner Café",
        {"cleo": ADMINISTERS},
        {"cleo": "The oven is mended"},
    ),
)
PEOPLE = (PLATFORM, *sorted({name for team in TEAMS for name in team.members}))
