"""What of an admin site is at the active place; asked by the site for each page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db.models import Model
from django.urls.resolvers import RoutePattern

from multi_tenant.context import active_place
from multi_tenant.routing.homes import Home, home_of, home_of_model

#: The label of Django's admin, whose log is where the admin is.
ADMIN = "admin"


def is_here(model: type[Model]) -> bool:
    """Whether a model's rows live at the active place; a model without a home, and no place at all, are nowhere."""
    return fits(home_of_model(model))


def admin_is_here() -> bool:
    """Whether the active place has the tables of the admin itself; where its log cannot be written it is closed."""
    return fits(home_of(ADMIN))


def fits(home: Home) -> bool:
    """Whether what has this home is at the active place."""
    place = active_place.get()
    return place.alias is not None and home in (Home.TENANT if place.is_tenant else Home.SHARED, Home.BOTH)


class ScopedRoute(RoutePattern):
    """A route that leads nowhere unless ``is_open``: its URLs are answered like any that the site does not know.

    It is asked for each request, and never when a URL is made from a name.
    """

    def __init__(self, route: str, is_open: Callable[[], bool]) -> None:
        super().__init__(route, is_endpoint=False)
        self.is_open = is_open

    def match(self, path: str) -> Any:
        return super().match(path) if self.is_open() else None
