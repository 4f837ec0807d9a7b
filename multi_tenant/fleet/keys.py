"""The rotation of keys: every ciphertext is sealed anew under the newest key; called by `rotate_tenant_keys`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any

from django.apps import apps
from django.db.models import QuerySet

from multi_tenant.exceptions import ConfigurationError, DecryptionError
from multi_tenant.registry.aliases import PUBLIC
from multi_tenant.registry.fields import EncryptedJSONField, Sealed
from multi_tenant.registry.keys import seal, sealed_with_newest, unseal
from multi_tenant.routing.homes import Home, home_of_model


class Rotation(Enum):
    """What became of a ciphertext."""

    ROTATED = "rotated"
    CURRENT = "current"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Ciphertext:
    """Where one ciphertext stands: the column and the row's primary key."""

    field: EncryptedJSONField
    pk: Any

    @property
    def binding(self) -> str:
        """What the ciphertext is bound to."""
        model = self.field.model
        return self.field.binding(model.from_db(PUBLIC, [model._meta.pk.attname], [self.pk]))


@dataclass(frozen=True, slots=True)
class RotationResult:
    """How one ciphertext went; ``error`` says why it could not be opened."""

    rotation: Rotation
    error: str = ""


def ciphertexts() -> list[Ciphertext]:
    """Every ciphertext there is, of all models."""
    return [Ciphertext(field, pk) for field in sealed_fields() for pk in keys_of_rows(field)]


def rotate_each(found: Iterable[Ciphertext]) -> Iterator[RotationResult]:
    """Seal each ciphertext under the newest key, in a transaction of its own; one that is already is left alone.

    What processes know of a tenant is the plaintext, which stays the same: nobody has to read anything again.
    """
    for ciphertext in found:
        yield rotate(ciphertext)


def rotate(ciphertext: Ciphertext) -> RotationResult:
    """Seal one ciphertext under the newest key; it must open where it stands, or it is left as it is."""
    name = ciphertext.field.attname
    row = rows_of(ciphertext.field).filter(pk=ciphertext.pk)
    while True:
        sealed = next(iter(row.values_list(name, flat=True)), None)
        if sealed is None:
            return RotationResult(Rotation.CURRENT)
        try:
            value = unseal(sealed.token, binding=ciphertext.binding)
        except DecryptionError as exc:
            return RotationResult(Rotation.FAILED, str(exc))
        if sealed_with_newest(sealed.token):
            return RotationResult(Rotation.CURRENT)
        fresh = Sealed(seal(value, binding=ciphertext.binding))
        # Compared and swapped in one statement: neither a lock nor a transaction is open while keys are at work.
        if row.filter(**{name: sealed}).update(**{name: fresh}):
            return RotationResult(Rotation.ROTATED)
        # Somebody wrote the row meanwhile, perhaps under an older key: look again.


def sealed_fields() -> list[EncryptedJSONField]:
    """The encrypted fields of all models. Raises ConfigurationError for one that tenants' databases hold."""
    models = apps.get_models()
    found = [
        field
        for model in models
        for field in model._meta.local_concrete_fields
        if isinstance(field, EncryptedJSONField)
    ]
    for field in found:
        if home_of_model(field.model) is not Home.SHARED:
            raise ConfigurationError(
                f"{field.model._meta.label}.{field.name} is encrypted, and its app is in TENANT_APPS. Keys are rotated "
                "in the public database alone: move the model to an app of SHARED_APPS."
            )
    return found


def keys_of_rows(field: EncryptedJSONField) -> list[Any]:
    """The primary keys of the rows that have a ciphertext in this field."""
    return list(
        rows_of(field).filter(**{f"{field.attname}__isnull": False}).order_by("pk").values_list("pk", flat=True)
    )


def rows_of(field: EncryptedJSONField) -> QuerySet[Any]:
    """The rows, by a plain queryset: the registry's own would tell every process to read all tenants again."""
    return QuerySet(field.model, using=PUBLIC)
