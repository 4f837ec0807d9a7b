"""The check that each model has a home, and that no relation leads out of the databases that hold it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage
from django.db.models import ForeignKey, Model

from multi_tenant.checks.findings import finding, on_readable_settings
from multi_tenant.conf import REGISTRY_LABEL, app_label, conf
from multi_tenant.exceptions import ConfigurationError
from multi_tenant.references.field import PublicForeignKey
from multi_tenant.routing.homes import Home, home_of, home_of_model

IN_TENANTS = frozenset({Home.TENANT, Home.BOTH})
IN_PUBLIC = frozenset({Home.SHARED, Home.BOTH})
#: Apps whose tables other apps' tables point at wherever they are.
BASIC_APPS = frozenset({"auth", "contenttypes"})


@on_readable_settings
def check_homes(**kwargs: Any) -> Iterator[CheckMessage]:
    """SHARED_APPS and TENANT_APPS against the installed apps and their models."""
    absent = [*absent_apps("SHARED_APPS"), *absent_apps("TENANT_APPS")]
    yield from absent
    if absent:
        return  # homes cannot be told before they are right
    registry = {REGISTRY_LABEL, conf.TENANT_MODEL.partition(".")[0]}
    for label in sorted(registry & conf.tenant_labels):
        yield finding("E006", app=label)
    for config in apps.get_app_configs():
        if home_of(config.label) is Home.NOWHERE and any(config.get_models()):
            yield finding("E004", app=config.name)
    for model in apps.get_models():
        yield from relation_findings(model)


def absent_apps(setting: str) -> Iterator[CheckMessage]:
    """The apps that a setting lists though they are not installed."""
    for entry in getattr(conf, setting):
        try:
            label = app_label(entry)
        except ConfigurationError:
            label = ""
        if label not in apps.app_configs:
            yield finding("E005", name=setting, app=entry)


def relation_findings(model: type[Model]) -> Iterator[CheckMessage]:
    """The relations of a model that lead to a table of another database."""
    home = home_of_model(model)
    for field, target in relations(model):
        there = home_of_model(target)
        if there is Home.NOWHERE:
            continue  # said of the app
        facts = {"field": str(field), "target": target._meta.label}
        if isinstance(field, PublicForeignKey):
            yield from reference_findings(model, there, facts)
            continue
        if home in IN_TENANTS and there not in IN_TENANTS:
            yield finding("E010", obj=model, cure=cure_for(target, field=field), **facts)
        if home in IN_PUBLIC and there not in IN_PUBLIC:
            yield finding("E011", obj=model, cure=cure_for(target), **facts)


def reference_findings(model: type[Model], there: Home, facts: dict[str, str]) -> Iterator[CheckMessage]:
    """What is wrong with a field that is there to leave a tenant's database."""
    if there is not Home.SHARED:
        yield finding("E021", obj=model, **facts)
    if home_of_model(model) not in IN_TENANTS:
        yield finding("E022", obj=model, **facts)


def relations(model: type[Model]) -> Iterator[tuple[Any, type[Model]]]:
    """Each relation that a model declares and the model at its other end; a proxy has one to its original."""
    options: Any = model._meta
    if options.proxy:
        yield options.label, options.concrete_model
        return
    for field in (*options.local_fields, *options.local_many_to_many):
        target = field.remote_field and field.remote_field.model
        if isinstance(target, type):
            yield field, target


def cure_for(target: type[Model], *, field: Any = None) -> str:
    """What to do about a relation to a model that is elsewhere; ``field`` is the one that leads there from tenants."""
    label = target._meta.app_label
    name = apps.get_app_config(label).name if label in apps.app_configs else label  # tests make up apps
    if label in BASIC_APPS:
        return f"List {name} in both SHARED_APPS and TENANT_APPS."
    if isinstance(field, ForeignKey) and not field.remote_field.parent_link:
        return (
            f"Make it a multi_tenant.references.PublicForeignKey, which needs no constraint, or list {name} where the "
            "other app is listed."
        )
    return (
        f"List {name} where the other app is listed, or keep the row's key in a plain field: no database can "
        "hold a constraint on a table of another."
    )
