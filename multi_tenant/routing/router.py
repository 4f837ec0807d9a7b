"""The router: answers the database of the active place, or refuses; Django asks it for every query."""

from __future__ import annotations

from typing import Any

from django.db.models import Model

from multi_tenant.context import PUBLIC_PLACE, Place, active_place
from multi_tenant.exceptions import NoTenantError, WrongTenantError
from multi_tenant.registry.aliases import DEFAULT, PUBLIC
from multi_tenant.registry.store import store
from multi_tenant.routing.homes import Home, home_of_model, home_of_name, is_static, known_home_of


class TenantRouter:
    """Sends shared models to ``public`` and tenant models to the active tenant, and fails closed."""

    def db_for_read(self, model: type[Model], **hints: Any) -> str | None:
        """The alias to read from. Raises NoTenantError, WrongTenantError or ConfigurationError."""
        return database_for(model, hints.get("instance"))

    db_for_write = db_for_read

    def allow_relation(self, obj1: Model, obj2: Model, **hints: Any) -> bool | None:
        """Whether two objects may be related: both at home here, and in one database."""
        here, there = location_of(obj1), location_of(obj2)
        if here is None or there is None or is_static(here) or is_static(there):
            return None
        check_at_home(obj1)
        check_at_home(obj2)
        return here == there

    def allow_migrate(self, db: str, app_label: str, model_name: str | None = None, **hints: Any) -> bool | None:
        """Whether a model's table, or what else an app's migrations do, belongs into a database."""
        if is_static(db):
            return None
        home = home_of_name(app_label, model_name)
        if db == DEFAULT:
            db = PUBLIC if home is Home.SHARED else active_place.get().alias or PUBLIC
        wanted = Home.SHARED if db == PUBLIC else Home.TENANT
        return home in (wanted, Home.BOTH)


def database_for(model: type[Model] | None, instance: Model | None = None) -> str:
    """The alias of the database for a model here and now. ``instance``, the object it is asked for, must be at home.

    A raw query may have no model; it goes to the active place. Raises NoTenantError, WrongTenantError or
    ConfigurationError.
    """
    if instance is not None:
        alias = location_of(instance)
        if alias is not None and is_static(alias):
            return alias
        check_at_home(instance)
        return related_alias(model, instance)
    return home_alias(model)


def related_alias(model: type[Model] | None, instance: Model) -> str:
    """The alias of a model's rows that an object at home points to, or that point to it.

    Raises WrongTenantError where a relation would end at another row of the same key.
    """
    alias, here = home_alias(model), location_of(instance)
    if model is None or here in (None, alias) or is_static(str(here)):
        return alias
    homes = home_of_model(instance.__class__), home_of_model(model)
    if homes == (Home.SHARED, Home.BOTH):
        return PUBLIC  # a shared row's key is one of the public database, whatever tenant is active
    if homes == (Home.BOTH, Home.SHARED):
        raise WrongTenantError(
            f"{model._meta.label} in the public database knows nothing of this {instance._meta.label} of {here!r}. "
            "Ask for what belongs to its row in the public database.",
            found=here,
            expected=PUBLIC,
        )
    return alias


def home_alias(model: type[Model] | None) -> str:
    """The alias where a model's rows are now. Raises NoTenantError or ConfigurationError."""
    home = Home.BOTH if model is None else known_home_of(model)
    if home is Home.SHARED:
        return PUBLIC
    place = active_place.get()
    if place.alias is None or (home is Home.TENANT and place.alias == PUBLIC):
        label = None if model is None else model._meta.label
        raise NoTenantError(refusal(label or "A raw query", place), model=label)
    return place.alias


def location_of(instance: Model) -> str | None:
    """The alias an object belongs to, None for one that was never saved.

    Code outside the ORM (``create_permissions``) may write ``default`` there: it is replaced by the true name.
    """
    alias = instance._state.db
    if alias == DEFAULT:
        alias = instance._state.db = home_alias(instance.__class__)
    return alias


def check_at_home(instance: Model) -> None:
    """Raise WrongTenantError when an object belongs to another place than the active one."""
    alias = location_of(instance)
    if alias is not None and not is_static(alias):
        # Not `type()`: `request.user` is a lazy object, which has the class of what it stands for.
        check_same(instance, home_alias(instance.__class__))


def check_same(instance: Model, expected: str) -> None:
    """Raise WrongTenantError when an object was loaded elsewhere than in ``expected``."""
    alias = location_of(instance)
    if alias not in (None, expected) and not is_static(str(alias)):
        raise WrongTenantError(
            f"This {instance._meta.label} was loaded from {alias!r} and is used in {expected!r}. Load it again where "
            "it is used, and pass its key instead of the object.",
            found=alias,
            expected=expected,
        )


def check_not_foreign(instance: Model) -> None:
    """Raise WrongTenantError when an object of another tenant is used inside one; outside of all, queries refuse."""
    place, alias = active_place.get(), instance._state.db
    if alias not in (None, place.alias, PUBLIC) and place.is_tenant:
        check_at_home(instance)


def check_belongs(instance: Model, related: type[Model] | None) -> None:
    """Raise WrongTenantError when an object's key is taken for a relation to rows of a model that are elsewhere.

    Those of a shared model are public, wherever they are asked for.
    """
    check_not_foreign(instance)
    place, alias = active_place.get(), instance._state.db
    if alias is None or is_static(alias) or home_of_model(instance.__class__) is not Home.BOTH:
        return
    expected = PUBLIC if related is not None and home_of_model(related) is Home.SHARED else place.alias
    if expected is not None:
        check_same(instance, expected)


def settled(alias: str | None, model: type[Model], instance: Model | None = None) -> str:
    """The true name of an explicit ``using``: ``default`` is routed, a tenant's alias must be the active one.

    An ``instance`` that is written there must be from there. Raises what ``database_for`` raises, and
    UnknownTenantError.
    """
    if alias is None:
        return database_for(model, instance)
    if alias == DEFAULT:
        if instance is not None:
            check_at_home(instance)  # one from a static database may be copied here
        return home_alias(model) if instance is None else related_alias(model, instance)
    if is_static(alias):
        return alias
    if alias != PUBLIC and alias != active_place.get().alias:
        store.get(alias, any_age=True)  # an alias that nothing bears is refused as such
        raise WrongTenantError(
            f"{alias!r} was named for {model._meta.label}, but {active_place.get().alias or 'no tenant'!r} is active. "
            f"Enter it with tenant_context({alias!r}).",
            found=alias,
            expected=active_place.get().alias,
        )
    check_has_table(alias, model)
    if instance is not None:
        check_same(instance, alias) if instance.__class__ is model else check_at_home(instance)
    return alias


def check_has_table(alias: str, model: type[Model] | None) -> None:
    """Raise when a model that is named for a database does not live there: a table of that name may be left over.

    Raises NoTenantError, WrongTenantError or ConfigurationError.
    """
    home = Home.BOTH if model is None else known_home_of(model)
    if home is Home.TENANT and alias == PUBLIC:
        raise NoTenantError(refusal(model._meta.label, PUBLIC_PLACE), model=model._meta.label)  # type: ignore[union-attr]  # both places have what has no model
    if home is Home.SHARED and alias != PUBLIC:
        raise WrongTenantError(
            f"{model._meta.label} lives in the public database alone, and {alias!r} was named for it. Leave the alias "  # type: ignore[union-attr]  # as above
            "out, or name public.",
            found=PUBLIC,
            expected=alias,
        )


def refusal(what: str, place: Place) -> str:
    """Why a tenant model is refused, and the cure."""
    where = "on the public site" if place.alias == PUBLIC else "while no tenant is chosen"
    return (
        f"{what} was asked for {where}. Enter a tenant with tenant_context(alias); for the public "
        "database say public_context(), and bind threads and callbacks with tenant_bound."
    )
