"""`PublicForeignKey`: what tenants' models declare to point at rows of a shared model; re-exported by the package."""

from __future__ import annotations

from functools import partialmethod
from typing import Any, TypeVar

from asgiref.sync import sync_to_async
from django.core.exceptions import FieldError
from django.db import models
from django.db.models.deletion import CASCADE, DO_NOTHING, PROTECT, SET_NULL

from multi_tenant.references.column import PublicKey, key_of
from multi_tenant.references.descriptor import PublicReference
from multi_tenant.references.lookups import PublicExact, PublicIn
from multi_tenant.references.options import JoinlessOptions
from multi_tenant.registry.aliases import PUBLIC
from multi_tenant.routing.router import check_not_foreign

#: What can be carried out over the databases of all tenants.
POLICIES = (CASCADE, PROTECT, SET_NULL, DO_NOTHING)

_ST = TypeVar("_ST", contravariant=True)
_GT = TypeVar("_GT", covariant=True)


class PublicForeignKey(models.ForeignKey[_ST, _GT]):
    """Points from a model in tenants to one in the public database alone: it is a ``ForeignKey`` without a constraint.

    ``on_delete`` is carried out in all tenants when the public row is deleted. The public row knows nothing of those
    that point to it, so ``related_name`` is refused. Raises TypeError and ValueError for options that cannot be.
    """

    description = "Reference to a row in the public database (type determined by related field)"
    forward_related_accessor_class = PublicReference
    #: Read by the routing: no query joins the other table.
    is_joinable = False

    def __init__(self, to: Any, on_delete: Any, **options: Any) -> None:
        refuse_backwards(options)
        if on_delete not in POLICIES:
            names = ", ".join(policy.__name__ for policy in POLICIES)
            raise ValueError(
                f"PublicForeignKey cannot carry out on_delete={getattr(on_delete, '__name__', on_delete)} in tenants. "
                f"Choose one of {names}."
            )
        super().__init__(to, on_delete, **{**options, "related_name": "+", "db_constraint": False})

    def deconstruct(self) -> Any:
        name, _, args, options = super().deconstruct()
        for fixed in ("related_name", "db_constraint"):
            del options[fixed]
        return name, "multi_tenant.references.PublicForeignKey", args, options

    def clone(self) -> Any:
        """What migrations keep of the field."""
        _, _, _, options = models.Field.deconstruct(self)
        return PublicKey(key_of(self.target_field), **options)

    def contribute_to_class(
        self, cls: type[models.Model], name: str, private_only: bool = False, **kwargs: Any
    ) -> None:
        super().contribute_to_class(cls, name, private_only, **kwargs)
        if f"aget_{name}" not in cls.__dict__:
            setattr(cls, f"aget_{name}", partialmethod(aget, name=name))

    def get_internal_type(self) -> str:
        return "ForeignKey"

    def get_local_related_value(self, instance: models.Model) -> Any:
        # Stock's looks where the other end would be. Here it is in the public database, wherever this one is.
        check_not_foreign(instance)
        return self.get_instance_value_for_fields(instance, self.local_related_fields)

    def get_path_info(self, filtered_relation: Any = None) -> Any:
        steps: list[Any] = super().get_path_info(filtered_relation)
        return [step._replace(to_opts=JoinlessOptions(self, step.to_opts)) for step in steps]

    def get_extra_restriction(self, alias: Any, related_alias: Any) -> Any:
        # Asked for by joins alone that get into the statement; those to the key itself do not.
        raise FieldError(self.refusal())

    def refusal(self) -> str:
        """Why no query goes through this field, and the cure."""
        target, name = self.remote_field.model._meta, self.name
        return (
            f"{self} points to {target.label} in the public database, which no query of a tenant can join. Ask for the "
            f"rows with prefetch_related({name!r}), or filter by {name}__in={target.object_name}.objects.filter(...)."
        )

    def validate(self, value: Any, model_instance: Any) -> None:
        # Without the instance, which would have its own database asked.
        super().validate(value, None)

    def formfield(self, *, using: Any = None, **kwargs: Any) -> Any:
        return super().formfield(using=PUBLIC, **kwargs)

    def _check_unique(self, **kwargs: Any) -> list[Any]:
        return []  # there is no other field to take for one to one


PublicForeignKey.register_lookup(PublicIn)
PublicForeignKey.register_lookup(PublicExact)


def refuse_backwards(options: dict[str, Any]) -> None:
    """Raise TypeError for options of a relation that leads back, or of a constraint."""
    for name, allowed in (("related_name", "+"), ("related_query_name", None), ("db_constraint", False)):
        if options.pop(name, None) not in (None, allowed):
            raise TypeError(
                f"PublicForeignKey takes no {name}: the public database knows nothing of tenants' rows. Leave it out, "
                "and look for them inside a tenant by filter(<field>=row)."
            )
    if options.pop("parent_link", False):
        raise TypeError("PublicForeignKey is no link to a parent, whose table would have to be in the same database.")


async def aget(instance: models.Model, *, name: str) -> Any:
    """The public row that an object points to, for coroutines; it is asked for once."""
    return await sync_to_async(getattr)(instance, name)
