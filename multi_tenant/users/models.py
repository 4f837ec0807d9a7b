"""The tables of people: identities in public and members in each tenant under one model, memberships, invitations."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from multi_tenant.conf import conf
from multi_tenant.registry.aliases import PUBLIC
from multi_tenant.routing.homes import is_static
from multi_tenant.users.copies import placeholders
from multi_tenant.users.identity import (
    KNOWN,
    NO_PASSWORD,
    columns_among,
    identity_columns,
    identity_model,
    identity_values,
    is_copy,
    show_identity,
)
from multi_tenant.users.managers import GlobalUserManager, MembershipQuerySet
from multi_tenant.users.passwords import HasIdentitysPassword
from multi_tenant.users.permissions import AsksAtHome
from multi_tenant.users.removal import refuse_cascade, remove_row, removed
from multi_tenant.users.rows import kept_usable, write_member_row


class AbstractGlobalUser(AsksAtHome, HasIdentitysPassword):
    """A person: who it is, in the public database; what it may do in a tenant, in that tenant's database.

    The two rows have the same key. In a tenant the fields of ``IDENTITY_FIELDS`` are a copy for lists and sorting, but
    for the password, which is nowhere but in public.
    """

    IDENTITY_FIELDS: ClassVar[tuple[str, ...]] = (
        "username",
        "first_name",
        "last_name",
        "email",
        "password",
        "is_active",
        "last_login",
        "date_joined",
    )

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)

    objects: ClassVar[Any] = GlobalUserManager()

    class Meta(AsksAtHome.Meta):
        abstract = True
        base_manager_name = "objects"

    @classmethod
    def from_db(cls, db: str | None, field_names: Any, values: Any, **kwargs: Any) -> Any:
        user = super().from_db(db, field_names, values, **kwargs)  # Django 6.1 has a fetch mode, too
        user.__dict__[KNOWN] = identity_values(user)
        return user

    def refresh_from_db(self, using: str | None = None, fields: Any = None, from_queryset: Any = None) -> None:
        shown = "password" in self.__dict__ and not is_copy(self)
        super().refresh_from_db(using, fields, from_queryset)
        read = identity_values(self)
        if fields is not None:
            read = {name: value for name, value in read.items() if name in columns_among(type(self), fields)}
        self.__dict__[KNOWN] = {**self.__dict__.get(KNOWN, {}), **read}
        if shown:
            show_identity(self)

    def save_base(self, *args: Any, **kwargs: Any) -> None:
        with kept_usable(self):
            super().save_base(*args, **kwargs)

    save_base.alters_data = True  # type: ignore[attr-defined]  # Django reads this mark in templates

    def _save_table(
        self,
        raw: bool = False,
        cls: Any = None,
        force_insert: bool = False,
        force_update: bool = False,
        using: str | None = None,
        update_fields: frozenset[str] | None = None,
    ) -> bool:
        # The one road that all ways of saving an object take, `loaddata` among them, which knows no `save`.
        def write(*, force_insert: bool = force_insert, update_fields: frozenset[str] | None = update_fields) -> Any:
            return super(AbstractGlobalUser, self)._save_table(  # type: ignore[misc]  # Django's own, which has no public name
                raw, cls, force_insert, force_update, using, update_fields
            )

        if not is_tenant(using) or cls is not identity_model(cls):
            return bool(write())
        return write_member_row(self, cls, write, update_fields, raw=raw)

    def anonymise(self) -> None:
        """Put nothing that tells who the person was into a row that is about to be saved, the identity's or a copy.

        A user model with further fields that do extends it.
        """
        free = placeholders(identity_model(type(self)), self.pk)
        for name in identity_columns(type(self)):
            field: Any = self._meta.get_field(name)
            blank = None if field.null else field.get_default()
            setattr(self, name, free.get(name, blank))
        self.password, self.is_active = NO_PASSWORD, False

    def delete(self, using: str | None = None, keep_parents: bool = False) -> tuple[int, dict[str, int]]:
        """Delete an identity; in a tenant, end the membership, and keep the row while others point to it."""
        if not is_tenant(using or self._state.db):
            return super().delete(using, keep_parents)
        if keep_parents and self._meta.concrete_model is not identity_model(type(self)):
            with removed():  # what extends the row goes, and the member stays
                return super().delete(using, keep_parents)
        return remove_row(self)

    delete.alters_data = True  # type: ignore[attr-defined]  # as above


def is_tenant(alias: str | None) -> bool:
    """Whether an alias names a tenant's database."""
    return alias not in (None, PUBLIC) and not is_static(str(alias))


def watch(*, sender: type[models.Model], **kwargs: Any) -> None:
    """Receive ``class_prepared``: no member's row goes along with what it points to."""
    if issubclass(sender, AbstractGlobalUser):
        models.signals.pre_delete.connect(refuse_cascade, sender, dispatch_uid="multi_tenant.users.cascade")


models.signals.class_prepared.connect(watch, dispatch_uid="multi_tenant.users.watch")


class GlobalUser(AbstractGlobalUser):
    """The user model for ``AUTH_USER_MODEL``, where the project has none of its own."""

    class Meta(AbstractGlobalUser.Meta):
        app_label = "multi_tenant_users"  # that of no other app, where this is imported and not installed
        swappable = "AUTH_USER_MODEL"


class Membership(models.Model):
    """Says, in the public database, that a person belongs to a tenant; without an active one nobody is let in."""

    user = models.ForeignKey(conf.AUTH_USER_MODEL, models.PROTECT, related_name="memberships")
    tenant = models.ForeignKey(conf.TENANT_MODEL, models.CASCADE, related_name="memberships")
    is_active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[Any] = MembershipQuerySet.as_manager()

    class Meta:
        app_label = "multi_tenant_users"
        base_manager_name = "objects"
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        constraints = [models.UniqueConstraint(fields=["user", "tenant"], name="multi_tenant_users_one_membership")]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.tenant_id}"


class Invitation(models.Model):
    """An offer to join a tenant, made to an address; the only way in for somebody who exists already.

    The link carries a random text, of which only the digest is kept.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(conf.TENANT_MODEL, models.CASCADE, related_name="invitations")
    email = models.EmailField()
    digest = models.CharField(max_length=64, unique=True, editable=False)
    #: What the member gets in the tenant: is_staff, is_superuser, and groups by name.
    authority = models.JSONField(default=dict, blank=True)
    #: The key of the member who invites; no relation, as members' rows are in the tenant.
    invited_by = models.UUIDField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        app_label = "multi_tenant_users"
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")

    def __str__(self) -> str:
        return f"{self.email} to {self.tenant_id}"
