"""The column of a reference, as migrations know it: a key of a certain type, and nothing of the table it leads to."""

from __future__ import annotations

from typing import Any

from django.db.models import (
    AutoField,
    BigAutoField,
    BigIntegerField,
    Field,
    ForeignKey,
    IntegerField,
    Model,
    SmallAutoField,
    SmallIntegerField,
)

#: A key that a database counts up, and the column that holds one; the first that fits.
COUNTED: tuple[tuple[Any, Any], ...] = (
    (BigAutoField, BigIntegerField),
    (SmallAutoField, SmallIntegerField),
    (AutoField, IntegerField),
)
#: What is said of the public row's own column, and not of its type.
OF_THE_ROW = frozenset({
    "auto_now", "auto_now_add", "blank", "choices", "db_column", "db_comment", "db_default", "db_index",
    "db_tablespace", "default", "editable", "error_messages", "help_text", "null", "primary_key", "serialize",
    "unique", "unique_for_date", "unique_for_month", "unique_for_year", "validators", "verbose_name",
})  # fmt: skip


class PublicKey(Field):  # type: ignore[type-arg]  # the stubs' two type arguments say nothing here
    """What migrations write for a ``PublicForeignKey``: a column of the type of ``key``, called ``<name>_id``.

    Migrations that named the model would depend on those of an app that tenants do not have, and a change of its key
    would alter tenants' tables in the public database.
    """

    description = "The key of a row in the public database"

    def __init__(self, key: Field[Any, Any], *args: Any, **options: Any) -> None:
        self.key = key
        super().__init__(*args, **options)

    def deconstruct(self) -> tuple[str, str, list[Any], dict[str, Any]]:
        name, _, args, options = super().deconstruct()
        return name, "multi_tenant.references.PublicKey", [self.key, *args], options

    def contribute_to_class(self, cls: type[Model], name: str, private_only: bool = False) -> None:
        super().contribute_to_class(cls, name, private_only)
        self.key.set_attributes_from_name(name)
        self.key.model = cls

    def get_attname(self) -> str:
        return f"{self.name}_id"

    def get_attname_column(self) -> tuple[str, str]:
        attname = self.get_attname()
        return attname, self.db_column or attname

    def get_internal_type(self) -> str:
        return self.key.get_internal_type()

    def db_type(self, connection: Any) -> str | None:
        return self.key.rel_db_type(connection)

    def cast_db_type(self, connection: Any) -> str | None:
        return self.key.cast_db_type(connection)

    def db_check(self, connection: Any) -> None:
        """Nothing: the public table's column is checked, and ``ForeignKey`` checks nothing either."""

    def db_parameters(self, connection: Any) -> Any:
        collation = self.key.db_parameters(connection).get("collation")
        return {**super().db_parameters(connection), "collation": collation}

    def to_python(self, value: Any) -> Any:
        return self.key.to_python(value)

    def get_prep_value(self, value: Any) -> Any:
        return self.key.get_prep_value(value)

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        return self.key.get_db_prep_value(value, connection, prepared)

    def get_db_converters(self, connection: Any) -> list[Any]:
        return list(self.key.get_db_converters(connection))


def key_of(target: Field[Any, Any]) -> Field[Any, Any]:
    """A plain field of the type of a column, for keys that lead to it."""
    while isinstance(target, ForeignKey):  # a child's key is its parent's
        target = target.target_field
    for counted, column in COUNTED:
        if isinstance(target, counted):
            return column()  # type: ignore[no-any-return]  # one of the table's
    _, _, args, options = target.deconstruct()
    return type(target)(*args, **{name: value for name, value in options.items() if name not in OF_THE_ROW})
