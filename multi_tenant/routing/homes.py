"""Where models live: in the public database, in tenants, or in both; asked by the router."""

from __future__ import annotations

from enum import Enum

from django.db.models import Model

from multi_tenant.conf import conf
from multi_tenant.exceptions import ConfigurationError
from multi_tenant.registry.aliases import DEFAULT, PUBLIC

#: Labels that no project lists: the database cache asks with a model of its own making; the table of applied
#: migrations is in every database.
BUILT_IN = {"django_cache": "shared", "migrations": "both"}


class Home(Enum):
    """Which databases hold the tables of an app."""

    SHARED = "shared"
    TENANT = "tenant"
    BOTH = "both"
    NOWHERE = "nowhere"


def home_of(label: str) -> Home:
    """The home of an app's models; NOWHERE for an app that neither setting lists."""
    if label in BUILT_IN:
        return Home(BUILT_IN[label])
    shared, tenant = label in conf.shared_labels, label in conf.tenant_labels
    if shared:
        return Home.BOTH if tenant else Home.SHARED
    return Home.TENANT if tenant else Home.NOWHERE


def known_home_of(model: type[Model]) -> Home:
    """The home of a model. Raises ConfigurationError when its app is in neither setting."""
    home = home_of(model._meta.app_label)
    if home is Home.NOWHERE:
        raise ConfigurationError(
            f"{model._meta.label} has no home: its app is neither in SHARED_APPS nor in TENANT_APPS of MULTI_TENANT. "
            "Add the app to one of them, or to both."
        )
    return home


def is_static(alias: str) -> bool:
    """Whether an alias names a database of DATABASES other than the public one; those are left to other routers."""
    return alias not in (DEFAULT, PUBLIC) and alias in conf.static_databases
