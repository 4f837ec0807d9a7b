"""Fields of the registry: aliases, hosts and sealed secrets."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core import serializers
from django.core.exceptions import ValidationError
from django.db import DatabaseError, connection
from django.db.models import F
from django.forms import model_to_dict

from multi_tenant.exceptions import DecryptionError, InvalidAliasError
from multi_tenant.models import DatabaseServer, Domain, Tenant
from multi_tenant.registry.entry import Entry
from multi_tenant.registry.fields import Sealed, UnboundSecretError
from multi_tenant.registry.hosts import InvalidHostError

pytestmark = pytest.mark.django_db
SECRET = "correct horse battery staple"
Configure = Callable[..., None]


def tenant(alias: str = "acme") -> Tenant:
    return Tenant.objects.create(alias=alias, database={"NAME": alias, "PASSWORD": SECRET})


def token(row: Tenant | DatabaseServer) -> str:
    """The ciphertext as it stands in the row."""
    table, column = (
        ("multi_tenant_tenant", "database") if isinstance(row, Tenant) else ("multi_tenant_server", "credentials")
    )
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM {table} WHERE uuid = %s", [key(row)])
        return str(cursor.fetchone()[0])


def key(row: Tenant | DatabaseServer) -> Any:
    return row.uuid if connection.features.has_native_uuid_field else row.uuid.hex


def put(row: Tenant | DatabaseServer, ciphertext: str) -> None:
    """Write a ciphertext past all of Django's fields."""
    table, column = (
        ("multi_tenant_tenant", "database") if isinstance(row, Tenant) else ("multi_tenant_server", "credentials")
    )
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {table} SET {column} = %s WHERE uuid = %s", [ciphertext, key(row)])


def test_an_entry_comes_back_as_it_was_given() -> None:
    assert Tenant.objects.get(pk=tenant().pk).database == {"NAME": "acme", "PASSWORD": SECRET}


def test_no_entry_is_none() -> None:
    assert Tenant.objects.create(alias="acme").database is None


def test_the_row_holds_a_ciphertext() -> None:
    assert token(tenant()).startswith("gAAAA")


def test_an_entry_hides_its_values() -> None:
    entry = tenant().database
    assert SECRET not in f"{entry} {entry!r} {copy.copy(entry)!r} {copy.deepcopy(entry)!r}"
    assert isinstance(copy.deepcopy(entry), Entry)
    assert copy.deepcopy(entry) == copy.copy(entry) == entry


def test_an_entry_is_not_pickled() -> None:
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(tenant().database)


def test_a_pickled_row_holds_no_secret_and_can_be_read_again() -> None:
    dumped = pickle.dumps(tenant())
    assert SECRET.encode() not in dumped
    assert pickle.loads(dumped).database["PASSWORD"] == SECRET


def test_a_deferred_entry_is_fetched() -> None:
    row = Tenant.objects.defer("database").get(pk=tenant().pk)
    assert row.database["PASSWORD"] == SECRET


def test_a_change_in_place_is_lost_and_an_assignment_kept() -> None:
    row = tenant()
    row.database["PASSWORD"] = "other"
    assert row.database["PASSWORD"] == SECRET
    row.database = {**row.database, "PASSWORD": "other"}
    assert row.database["PASSWORD"] == "other"


def test_a_ciphertext_of_another_row_is_refused() -> None:
    acme, bolt = tenant("acme"), tenant("bolt")
    put(bolt, token(acme))
    with pytest.raises(DecryptionError, match="another row or column"):
        _ = Tenant.objects.get(pk=bolt.pk).database


def test_a_ciphertext_of_another_column_is_refused() -> None:
    acme = tenant()
    server = DatabaseServer.objects.create(uuid=acme.uuid, name="one", credentials={"PASSWORD": SECRET})
    put(server, token(acme))
    with pytest.raises(DecryptionError, match="another row or column"):
        _ = DatabaseServer.objects.get(pk=server.pk).credentials


def test_a_ciphertext_assigned_to_another_row_is_not_saved() -> None:
    acme, bolt = tenant("acme"), tenant("bolt")
    before = token(bolt)
    bolt.database = Sealed(token(acme))
    with pytest.raises(DecryptionError):
        bolt.save()
    assert token(bolt) == before


def test_a_row_with_another_key_does_not_take_the_secret_along() -> None:
    row = tenant()
    row.uuid = Tenant().uuid
    row.alias = "copy"
    with pytest.raises(DecryptionError):
        row.save(force_insert=True)
    with pytest.raises(DatabaseError):  # there is no such row, and none is made
        row.save()


@pytest.mark.parametrize(
    "write",
    [
        lambda row: Tenant.objects.update(database={"PASSWORD": SECRET}),
        lambda row: Tenant.objects.update(database="plain"),
        lambda row: Tenant.objects.bulk_update([row], ["database"]),
        lambda row: list(Tenant.objects.filter(database={"PASSWORD": SECRET})),
    ],
    ids=["update", "update with text", "bulk_update", "filter"],
)
def test_a_call_that_cannot_bind_the_secret_is_refused(write: Callable[[Tenant], Any]) -> None:
    row = tenant()
    before = token(row)
    with pytest.raises(UnboundSecretError):
        write(row)
    assert token(row) == before


def test_an_update_from_another_column_yields_nothing_readable() -> None:
    row = tenant()
    Tenant.objects.filter(pk=row.pk).update(database=F("name"))
    with pytest.raises(DecryptionError):
        _ = Tenant.objects.get(pk=row.pk).database


def test_bulk_create_binds_each_secret_to_its_row() -> None:
    Tenant.objects.bulk_create([Tenant(alias=alias, database={"NAME": alias}) for alias in ("acme", "bolt")])
    assert {row.alias: row.database["NAME"] for row in Tenant.objects.filter(alias__in=["acme", "bolt"])} == {
        "acme": "acme",
        "bolt": "bolt",
    }


def test_an_old_key_reads_and_what_is_assigned_is_written_with_the_newest(configure: Configure, settings: Any) -> None:
    row = tenant()
    newest = Fernet.generate_key().decode()
    configure(ENCRYPTION_KEYS=[newest, *settings.MULTI_TENANT["ENCRYPTION_KEYS"]])
    read = Tenant.objects.get(pk=row.pk)
    read.database = read.database
    read.save()
    configure(ENCRYPTION_KEYS=[newest])
    assert Tenant.objects.get(pk=row.pk).database["PASSWORD"] == SECRET


def test_a_dump_holds_the_ciphertext_and_loads_again() -> None:
    row = tenant()
    dump = serializers.serialize("json", Tenant.objects.filter(pk=row.pk))
    assert SECRET not in dump
    Tenant.objects.filter(pk=row.pk).delete()
    for item in serializers.deserialize("json", dump):
        item.save()
        loaded: Any = item.object
        assert loaded.database["PASSWORD"] == SECRET
    assert Tenant.objects.get(pk=row.pk).database["PASSWORD"] == SECRET


def test_a_dump_with_a_plaintext_is_refused() -> None:
    dump = serializers.serialize("json", [tenant()]).replace("gAAAA", "plain")
    with pytest.raises(serializers.base.DeserializationError):
        list(serializers.deserialize("json", dump))


def test_forms_and_values_see_no_plaintext() -> None:
    row = tenant()
    shown = [model_to_dict(row), Tenant.objects.values().get(pk=row.pk), vars(row), row]
    assert SECRET not in repr(shown)
    assert "gAAAA" not in repr(shown)
    assert not Tenant._meta.get_field("database").editable


@pytest.mark.parametrize("alias", ["a'b", "public", "", "A", "a" * 49])
def test_no_way_of_writing_takes_a_bad_alias(alias: str) -> None:
    row = tenant("fine")
    ways: list[Callable[[], Any]] = [
        lambda: Tenant.objects.create(alias=alias),
        lambda: Tenant.objects.bulk_create([Tenant(alias=alias)]),
        lambda: Tenant.objects.filter(pk=row.pk).update(alias=alias),
    ]
    for way in ways:
        with pytest.raises(InvalidAliasError):
            way()
    with pytest.raises(ValidationError):
        Tenant(alias=alias).full_clean()


@pytest.mark.parametrize("alias", ["a'b", "public", "", "Ä" * 100])
def test_any_text_may_be_looked_up_as_an_alias(alias: str) -> None:
    assert not Tenant.objects.filter(alias=alias).exists()


def test_a_domain_is_stored_and_found_in_one_spelling() -> None:
    domain = Domain.objects.create(tenant=tenant(), host="BÜCHER.Example.:8000")
    assert domain.host == "xn--bcher-kva.example"
    assert Domain.objects.get(host="bücher.EXAMPLE") == domain
    assert list(Domain.objects.filter(host__contains="bcher")) == [domain]


def test_two_spellings_of_a_host_are_one() -> None:
    row = tenant()
    Domain.objects.create(tenant=row, host="acme.example")
    with pytest.raises(ValidationError, match="already exists"):
        Domain(tenant=row, host="ACME.example.").full_clean()


def test_no_way_of_writing_takes_a_bad_host() -> None:
    row = tenant()
    with pytest.raises(InvalidHostError):
        Domain.objects.create(tenant=row, host="a/b")
    with pytest.raises(ValidationError):
        Domain(tenant=row, host="a/b").full_clean()
