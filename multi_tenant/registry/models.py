"""The registry's tables in the public database: tenants, their hosts, the servers, and the version of it all."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any, ClassVar

from django.db import connections, models, transaction
from django.utils.translation import gettext_lazy as _

from multi_tenant.conf import conf
from multi_tenant.exceptions import InvalidEntryError
from multi_tenant.registry.aliases import PUBLIC
from multi_tenant.registry.entry import Entry, complete_on_public_server, complete_on_server, complete_own
from multi_tenant.registry.fields import LOADING, AliasField, EncryptedJSONField, HostField
from multi_tenant.registry.life import LifeKept
from multi_tenant.registry.lookup import VERSION_TABLE
from multi_tenant.registry.rules import validate_keys, validate_place, validate_placed
from multi_tenant.registry.store import store

#: The fields that say where a tenant's database is.
PLACING = frozenset({"database", "placement", "server", "server_id"})


class RegistryVersion(models.Model):
    """One row whose number grows with every change of the registry; each process polls it."""

    version = models.BigIntegerField(default=0)

    class Meta:
        db_table = VERSION_TABLE

    @classmethod
    def bump(cls) -> None:
        """Raise the number inside the caller's transaction; this process looks again at once and after the commit.

        It comes before the change itself, so that all writers take locks in one order and none waits in a circle.
        """
        with connections[PUBLIC].cursor() as cursor:  # one statement, where the ORM takes as long as for all the rest
            cursor.execute(f"UPDATE {VERSION_TABLE} SET version = version + 1 WHERE id = 1")  # noqa: S608  # a constant
            found = cursor.rowcount
        if not found:
            cls._base_manager.using(PUBLIC).get_or_create(pk=1, defaults={"version": 1})
        store.expire()
        transaction.on_commit(store.expire, using=PUBLIC)


class RegistryQuerySet(models.QuerySet[Any]):
    """A queryset whose bulk writes raise the registry's version in the same transaction."""

    def update(self, **kwargs: Any) -> int:
        with transaction.atomic(using=PUBLIC):
            RegistryVersion.bump()
            return super().update(**kwargs)

    update.alters_data = True  # type: ignore[attr-defined]  # Django reads this mark in templates

    def bulk_create(self, objs: Iterable[Any], *args: Any, **kwargs: Any) -> list[Any]:
        objs = list(objs)
        with transaction.atomic(using=PUBLIC):
            RegistryVersion.bump()
            for obj in objs:
                obj.complete()
            return super().bulk_create(objs, *args, **kwargs)

    bulk_create.alters_data = True  # type: ignore[attr-defined]  # as above

    def bulk_update(self, objs: Iterable[Any], fields: Iterable[str], *args: Any, **kwargs: Any) -> int:
        with transaction.atomic(using=PUBLIC):
            RegistryVersion.bump()
            return super().bulk_update(objs, fields, *args, **kwargs)

    bulk_update.alters_data = True  # type: ignore[attr-defined]  # as above

    def _raw_delete(self, using: str | None) -> int:
        with transaction.atomic(using=PUBLIC):
            RegistryVersion.bump()
            return super()._raw_delete(using)


class RegistryModel(models.Model):
    """A row of the registry: each way of writing it raises the version in the same transaction."""

    uuid = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)

    objects: ClassVar[Any] = RegistryQuerySet.as_manager()

    class Meta:
        abstract = True
        base_manager_name = "objects"

    def save_base(self, *args: Any, **kwargs: Any) -> None:
        with transaction.atomic(using=PUBLIC):
            RegistryVersion.bump()
            super().save_base(*args, **kwargs)

    save_base.alters_data = True  # type: ignore[attr-defined]  # as above

    def complete(self) -> None:
        """Work out the columns that follow from others, before the row is written."""


def bump_on_delete(**kwargs: Any) -> None:
    """Receive ``pre_delete``, which a cascade sends inside its transaction for each row it takes along."""
    RegistryVersion.bump()


def keep_sealed(*, instance: models.Model, raw: bool, **kwargs: Any) -> None:
    """Receive ``pre_save``: ``loaddata`` is about to read the row's attributes, secrets among them."""
    if raw:
        instance.__dict__[LOADING] = True


def bump_on_load(*, instance: models.Model, raw: bool, **kwargs: Any) -> None:
    """Receive ``post_save``: ``loaddata`` wrote past ``save_base`` of the row's own class."""
    if raw:
        del instance.__dict__[LOADING]
        RegistryVersion.bump()


def watch(*, sender: type[models.Model], **kwargs: Any) -> None:
    """Receive ``class_prepared``: watch the registry's models alone.

    A receiver for all models would make Django load the rows of any of them before it deletes them.
    """
    if issubclass(sender, RegistryModel):
        models.signals.pre_save.connect(keep_sealed, sender, dispatch_uid="multi_tenant.registry.seal")
        models.signals.pre_delete.connect(bump_on_delete, sender, dispatch_uid="multi_tenant.registry.delete")
        models.signals.post_save.connect(bump_on_load, sender, dispatch_uid="multi_tenant.registry.load")


models.signals.class_prepared.connect(watch, dispatch_uid="multi_tenant.registry.watch")


class DatabaseServer(RegistryModel):
    """A server that new tenant databases are placed on."""

    name = models.SlugField(_("name"), unique=True)
    credentials = EncryptedJSONField(_("administrative credentials"))
    accepts_tenants = models.BooleanField(_("accepts new tenants"), default=True)

    class Meta(RegistryModel.Meta):
        db_table = "multi_tenant_server"
        verbose_name = _("database server")

    def __str__(self) -> str:
        return str(self.name)


class TenantState(models.TextChoices):
    """Where a tenant stands in its life; only ACTIVE is served."""

    PENDING = "pending", _("pending")
    PROVISIONING = "provisioning", _("provisioning")
    FAILED = "failed", _("failed")
    ACTIVE = "active", _("active")
    SUSPENDED = "suspended", _("suspended")
    DELETING = "deleting", _("deleting")
    DELETED = "deleted", _("deleted")


class Placement(models.TextChoices):
    """Whose server a tenant's database is on."""

    PUBLIC = "public", _("the public database's server")
    SERVER = "server", _("a database server of the registry")
    OWN = "own", _("the tenant's own server")


class AbstractTenant(LifeKept, RegistryModel):
    """A customer with a database of its own; derive from it for a TENANT_MODEL with more fields."""

    alias = AliasField(_("alias"), max_length=48, unique=True)
    name = models.CharField(_("name"), max_length=200, blank=True)
    state = models.CharField(
        _("state"), max_length=16, choices=TenantState, default=TenantState.PENDING, editable=False
    )
    step = models.CharField(_("last step done"), max_length=32, blank=True, editable=False)
    error = models.TextField(_("error"), blank=True, editable=False)
    placement = models.CharField(max_length=8, choices=Placement, default=Placement.PUBLIC, editable=False)
    server = models.ForeignKey(
        DatabaseServer, models.PROTECT, null=True, blank=True, verbose_name=_("server"), related_name="+"
    )
    database = EncryptedJSONField(_("database entry"), null=True, blank=True)
    #: Whether the database was there before the tenant; deleting the tenant then leaves it.
    adopted = models.BooleanField(_("adopted"), default=False, editable=False)
    #: Where the database is, as a digest: unique, so that no two tenants can share a database.
    location = models.CharField(max_length=64, unique=True, null=True, blank=True, editable=False)
    fingerprint = models.CharField(_("migration fingerprint"), max_length=64, blank=True, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated"), auto_now=True)
    deleted_at = models.DateTimeField(_("deleted"), null=True, blank=True, editable=False)

    class Meta(RegistryModel.Meta):
        abstract = True
        ordering = ("alias",)
        verbose_name = _("tenant")

    def __str__(self) -> str:
        return str(self.alias)

    def save_base(self, *args: Any, **kwargs: Any) -> None:
        if kwargs.get("update_fields") is None and not self._state.adding and not kwargs.get("force_insert"):
            kwargs["update_fields"] = self.fields_to_save()
        update_fields = kwargs.get("update_fields")
        if update_fields is None or PLACING.intersection(update_fields):
            self.complete()
            if update_fields is not None:
                kwargs["update_fields"] = frozenset(update_fields) | {"location"}
        super().save_base(*args, **kwargs)

    save_base.alters_data = True  # type: ignore[attr-defined]  # as above

    def complete(self) -> None:
        self.location = None if self.database is None else self.entry().location

    def entry(self) -> Entry:
        """The completed entry that the tenant is served with.

        Raises InvalidEntryError where there is none yet or a rule is broken, DecryptionError where it cannot be opened.
        """
        return self._completed(self._given())

    def owner_entry(self) -> Entry:
        """The entry for what makes, changes and drops the database: with the login of the deployment's server.

        It is ``entry()`` for a tenant on its own server, and for one that has no login of its own. Raises what
        ``entry()`` raises.
        """
        given = self._given()
        return self._completed(given if self.placement == Placement.OWN else Entry({"NAME": given.get("NAME")}))

    def _given(self) -> Entry:
        given: Entry | None = self.database
        if given is None:
            raise InvalidEntryError(f"Tenant {self.alias!r} has no database yet. Provision it with create_tenant.")
        if self.placement != Placement.OWN:
            validate_placed(given)
        return given

    def _completed(self, given: Entry) -> Entry:
        if self.placement == Placement.OWN:
            validate_keys(given)
            entry = complete_own(given)
            validate_place(entry, resolve=False)
            return entry
        if self.placement == Placement.SERVER and self.server is not None:
            return complete_on_server(given, self.server.credentials)
        return complete_on_public_server(given)


class Tenant(AbstractTenant):
    """The tenant model where TENANT_MODEL names no other."""

    class Meta(AbstractTenant.Meta):
        db_table = "multi_tenant_tenant"
        # Only where the setting is there: `makemigrations` reads the setting of any swappable model it meets.
        swappable = "TENANT_MODEL" if conf.has_tenant_model else None


class Domain(RegistryModel):
    """A host that leads to a tenant."""

    tenant = models.ForeignKey(conf.TENANT_MODEL, models.CASCADE, related_name="domains", verbose_name=_("tenant"))
    host = HostField(_("host"), max_length=253, unique=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta(RegistryModel.Meta):
        db_table = "multi_tenant_domain"
        verbose_name = _("domain")
        ordering = ("host",)

    def __str__(self) -> str:
        return str(self.host)
