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
#: Models that live elsewhere than the rest of their app, by app label and model name: who belongs to which tenant is
#: known in the public database alone, while the people are in both.
BUILT_IN_MODELS = {("multi_tenant_users", "membership"): "shared", ("multi_tenant_users", "invitation"): "shared"}


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


def home_of_model(model: type[Model]) -> Home:
    """The home of a model: its app's, but for the few that live elsewhere."""
    return home_of_name(model._meta.app_label, model._meta.model_name)


def home_of_name(label: str, model_name: str | None) -> Home:
    """The same for a model's name; None stands for the app as a whole."""
    built_in = BUILT_IN_MODELS.get((label, str(model_name)))
    return home_of(label) if built_in is None else Home(built_in)


def known_home_of(model: type[Model]) -> Home:
    """The home of a model. Raises ConfigurationError when its app is in neither setting."""
    home = home_of_model(model)
    if home is Home.NOWHERE:
        raise ConfigurationError(
            f"{model._meta.label} has no home: its app is neither in SHARED_APPS nor in TENANT_APPS of MULTI_TENANT. "
            "Add the app to one of them, or to both."
        )
    return home


def is_static(alias: str) -> bool:
    """Whether an alias names a database of DATABASES other than the public one; those are left to other routers."""
    return alias not in (DEFAULT, PUBLIC) and alias in conf.static_databases
