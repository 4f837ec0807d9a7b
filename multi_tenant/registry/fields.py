"""The fields of the registry's models: aliases and hosts in one spelling, and secrets that are sealed at rest."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

from multi_tenant.exceptions import ConfigurationError, InvalidAliasError, MultiTenantError
from multi_tenant.registry.aliases import validate_alias
from multi_tenant.registry.entry import Entry
from multi_tenant.registry.hosts import InvalidHostError, normalise_host
from multi_tenant.registry.keys import seal, sealed_with_newest, unseal

#: What every Fernet token begins with: version byte 0x80 in base64.
TOKEN_PREFIX = "gAAAA"  # noqa: S105  # a format, not a secret


#: Marks a row while ``loaddata`` writes it, which reads attributes rather than asking fields what to write.
LOADING = "_multi_tenant_loading"


class UnboundSecretError(MultiTenantError, TypeError):
    """A secret was written by a call that cannot bind it to its row."""


class AliasField(models.CharField):  # type: ignore[type-arg]  # the stubs' two type arguments say nothing here
    """What a tenant is called; each way of writing it is validated, while any text may be looked up."""

    def to_python(self, value: Any) -> Any:
        try:
            return validate_alias(value)
        except InvalidAliasError as exc:
            raise ValidationError(str(exc)) from exc

    def get_prep_value(self, value: Any) -> Any:
        return None if value is None else str(value)

    def get_db_prep_save(self, value: Any, connection: BaseDatabaseWrapper) -> Any:
        return super().get_db_prep_save(validate_alias(value), connection)


class HostField(models.CharField):  # type: ignore[type-arg]  # as above
    """A host in its one spelling, both when written and when looked up."""

    def to_python(self, value: Any) -> Any:
        try:
            return normalise_host(value)
        except InvalidHostError as exc:
            raise ValidationError(str(exc)) from exc

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        host = normalise_host(getattr(model_instance, self.attname))
        setattr(model_instance, self.attname, host)
        return host

    def get_db_prep_save(self, value: Any, connection: BaseDatabaseWrapper) -> Any:
        return super().get_db_prep_save(normalise_host(value), connection)


class Sealed:
    """A ciphertext as it stands in the database; it shows nothing of itself."""

    __slots__ = ("token",)

    def __init__(self, token: str) -> None:
        self.token = token

    def __repr__(self) -> str:
        return "<sealed>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sealed) and other.token == self.token

    def __hash__(self) -> int:
        return hash(self.token)


class SealedAttribute:
    """The model attribute of an encrypted field: keeps the ciphertext, answers the plaintext anew at each read."""

    def __init__(self, field: EncryptedJSONField) -> None:
        self.field = field

    def __get__(self, instance: models.Model | None, owner: type[models.Model]) -> Any:
        if instance is None:
            return self
        if self.field.attname not in instance.__dict__:
            instance.refresh_from_db(fields=[self.field.attname])
        sealed = instance.__dict__[self.field.attname]
        if sealed is None or LOADING in instance.__dict__:
            return sealed
        value = unseal(sealed.token, binding=self.field.binding(instance))
        return Entry(value) if isinstance(value, dict) else value

    def __set__(self, instance: models.Model, value: Any) -> None:
        if isinstance(value, dict):
            value = Entry(value)  # should sealing fail, the error report prints the frames below this one
        if value is not None and not isinstance(value, Sealed):
            value = Sealed(seal(value, binding=self.field.binding(instance)))
        instance.__dict__[self.field.attname] = value


class EncryptedJSONField(models.TextField):  # type: ignore[type-arg]  # the stubs' two type arguments say nothing here
    """A JSON value encrypted at rest and bound to its row's primary key and its column.

    The row's primary key must be declared before the field and have a default. Reading answers a fresh value, so a
    change in place is lost: assign a new one. Raises DecryptionError on reading a ciphertext that was moved here.
    """

    #: What django-stubs reads: any JSON value.
    _pyi_private_set_type: Any
    _pyi_private_get_type: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["editable"] = False
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        del kwargs["editable"]
        return name, path, args, kwargs

    def contribute_to_class(self, cls: type[models.Model], name: str, private_only: bool = False) -> None:
        super().contribute_to_class(cls, name, private_only=private_only)
        setattr(cls, self.attname, SealedAttribute(self))

    def binding(self, instance: models.Model) -> str:
        """Where a ciphertext of this field belongs: table, column and the row's primary key."""
        if instance.pk is None:
            raise ConfigurationError(
                f"{self.model._meta.label}.{self.name} cannot be sealed before the row has its primary key. "
                "Give the primary key a default and declare it first."
            )
        return f"{self.model._meta.db_table}.{self.column}:{instance.pk}"

    def from_db_value(self, value: str | None, expression: Any, connection: BaseDatabaseWrapper) -> Sealed | None:
        return None if value is None else Sealed(value)

    def to_python(self, value: Any) -> Any:
        """Accept the ciphertext that ``dumpdata`` wrote; whose it is shows when it is read."""
        if isinstance(value, str):
            if not value.startswith(TOKEN_PREFIX):
                raise ValidationError(f"{self.name} holds no ciphertext. Plaintext is not accepted here.")
            return Sealed(value)
        return value

    def clean(self, value: Any, model_instance: models.Model | None) -> Any:
        self.validate(value, model_instance)
        return value

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        """The ciphertext, opened once to see that it belongs to this row.

        It is sealed again under the newest key: a row that was read before a rotation must not bring the old key back.
        """
        sealed = model_instance.__dict__.get(self.attname)
        if sealed is not None:
            value = unseal(sealed.token, binding=self.binding(model_instance))
            if not sealed_with_newest(sealed.token):
                setattr(model_instance, self.attname, value)
        return model_instance.__dict__.get(self.attname)

    def get_prep_value(self, value: Any) -> Any:
        if value is None:
            return None
        if isinstance(value, Sealed):
            return value.token
        raise UnboundSecretError(
            f"{self.name} cannot be written or compared by update(), bulk_update() or a filter: they cannot bind the "
            "secret to its row. Assign it on the object and call save()."
        )

    def value_to_string(self, obj: models.Model) -> Any:
        """The ciphertext, for ``dumpdata``."""
        sealed = obj.__dict__.get(self.attname)
        return None if sealed is None else sealed.token

    def value_from_object(self, obj: models.Model) -> Any:
        """The sealed value: forms, ``model_to_dict`` and serializers see no plaintext."""
        return obj.__dict__.get(self.attname)
