"""P2: an object is used where it was loaded, and says truly where that is."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.contrib.contenttypes.models import ContentType
from django.core import serializers
from django.core.management import call_command
from django.db import transaction
from django.db.models import Model, QuerySet, prefetch_related_objects, signals
from django.db.models.deletion import Collector
from django.db.models.manager import BaseManager

from multi_tenant.context import public_context, tenant_context
from multi_tenant.exceptions import UnknownTenantError, WrongTenantError
from multi_tenant.models import Tenant
from multi_tenant.routing import router
from tests.promises.control import Without, WithoutPatch, all_of, guard_off, guarded_by, refused
from tests.testapp.billing.models import Plan
from tests.testapp.common.models import City, Country
from tests.testapp.library.models import Author, Book, Tag


def nobody_compares() -> AbstractContextManager[None]:
    """The router does not ask where an object is from, nor which alias was named."""
    return all_of(
        guard_off,
        Without(router, "check_same"),
        Without(router.TenantRouter, "allow_relation", lambda *args, **hints: True),
        Without(router, "settled", lambda alias, model, instance=None: router.home_alias(model)),
        *(WithoutPatch(owner, name) for owner, name in SETTLING),
    )


SETTLING = [
    (QuerySet, "db"),
    (QuerySet, "bulk_create"),
    (Model, "refresh_from_db"),
    (Model, "prepare_database_save"),
    (QuerySet, "bulk_update"),
    (BaseManager, "db"),
    (Model, "save_base"),
    (Model, "delete"),
    (Collector, "__init__"),
]


@pytest.fixture
def book(acme: Tenant, bolt: Tenant) -> Iterator[Book]:
    """A book of acme's, loaded there. In bolt another one has the same key, and bolt is entered."""
    with tenant_context(bolt):
        write_book("bolt")
    with tenant_context(acme):
        write_book("acme")
        loaded = Book.objects.get()
    with tenant_context(bolt):
        yield loaded


def write_book(word: str) -> Book:
    author = Author.objects.create(pk=1, name=word)
    book = Book.objects.create(pk=1, title=word, author=author)
    book.tags.add(Tag.objects.create(pk=1, word=word))
    return book


def deferred(book: Book) -> Any:
    del book.__dict__["title"]
    return book.title


def copied(book: Book) -> None:
    twin = copy.copy(book)
    twin._state.adding = True
    twin.save(force_insert=True)


def deserialised(book: Book) -> None:
    for found in serializers.deserialize("json", serializers.serialize("json", [book])):
        found.object._state.db = book._state.db
        found.save(using="default")


USES: dict[str, Callable[[Book], Any]] = {
    "save": lambda book: book.save(),
    "save in default": lambda book: book.save(using="default"),
    "save in the other": lambda book: book.save(using="bolt"),
    "save by base": lambda book: book.save_base(False, False, False, "bolt"),
    "save a copy": copied,
    "save what is deserialised": deserialised,
    "refresh": lambda book: book.refresh_from_db(),
    "refresh from default": lambda book: book.refresh_from_db(using="default"),
    "refresh from the other": lambda book: book.refresh_from_db(using="bolt"),
    "refresh from its own": lambda book: book.refresh_from_db(using="acme"),
    "refresh from a queryset": lambda book: book.refresh_from_db(from_queryset=Book.objects.all()),
    "refresh from a queryset of default": lambda book: book.refresh_from_db(
        from_queryset=Book.objects.using("default")
    ),
    "deferred field": deferred,
    "foreign key": lambda book: book.author,
    "reverse": lambda book: list(Author(pk=1, name="").books.all()) and list(author_of(book).books.all()),
    "reverse in default": lambda book: list(author_of(book).books.using("default")),
    "reverse in the other": lambda book: list(author_of(book).books.using("bolt")),
    "reverse create": lambda book: author_of(book).books.create(title="new"),
    "many": lambda book: list(book.tags.all()),
    "many in default": lambda book: list(book.tags.using("default")),
    "many add": lambda book: book.tags.add(1),
    "many add object": lambda book: Book.objects.get().tags.add(tag_of(book)),
    "many set": lambda book: book.tags.set([1]),
    "many remove": lambda book: book.tags.remove(1),
    "many clear": lambda book: book.tags.clear(),
    "assign": lambda book: setattr(Book.objects.get(), "author", author_of(book)),
    "create with": lambda book: Book.objects.create(title="new", author=author_of(book)),
    "prefetch": lambda book: prefetch_related_objects([book], "author"),
    "prefetch many": lambda book: prefetch_related_objects([book], "tags"),
    "prefetch with default": lambda book: prefetch_related_objects([author_of(book)], "books"),
    "unpickle and save": lambda book: pickle.loads(pickle.dumps(book)).save(),
    "queryset of its own alias": lambda book: list(Book.objects.using("acme")),
    "manager of its own alias": lambda book: Book.objects.db_manager("acme").count(),
    "update": lambda book: Book.objects.update(author=author_of(book)),
    "bulk create": lambda book: Book.objects.bulk_create([book]),
    "bulk create in default": lambda book: Book.objects.using("default").bulk_create([book]),
    "bulk update": lambda book: Book.objects.bulk_update([book], ["title"]),
    "bulk update in the other": lambda book: Book.objects.using("bolt").bulk_update([book], ["title"]),
    "delete": lambda book: book.delete(),
    "delete in default": lambda book: book.delete(using="default"),
    "delete in the other": lambda book: book.delete("bolt"),
}


def author_of(book: Book) -> Author:
    author = Author(pk=book.author_id, name="acme")
    author._state.adding, author._state.db = False, book._state.db
    return author


def tag_of(book: Book) -> Tag:
    tag = Tag(pk=1, word="acme")
    tag._state.adding, tag._state.db = False, book._state.db
    return tag


def tried(call: Callable[[], Any]) -> Any:
    """What a call answers; an error leaves the test's own transaction whole."""
    with transaction.atomic():
        return call()


@guarded_by(nobody_compares)
@pytest.mark.parametrize("use", USES)
def test_an_object_of_one_tenant_is_refused_in_another(use: str, book: Book) -> None:
    assert refused(WrongTenantError, lambda: tried(lambda: USES[use](book)))
    assert (Book.objects.get().title, Author.objects.get().name, Tag.objects.get().word) == ("bolt",) * 3
    assert Book.objects.get().tags.count() == 1


def test_the_error_names_both_places_and_the_cure(book: Book) -> None:
    with pytest.raises(WrongTenantError, match="Load it again") as caught:
        book.save()
    assert (caught.value.found, caught.value.expected) == ("acme", "bolt")


def test_another_alias_than_the_active_one_is_refused_by_its_name(book: Book) -> None:
    with pytest.raises(WrongTenantError, match=r"Enter it with tenant_context\('acme'\)"):
        Book.objects.using("acme").get()
    with pytest.raises(UnknownTenantError):
        Book.objects.using("nobody").get()


def test_django_itself_refuses_to_add_a_foreign_object_in_reverse(book: Book) -> None:
    with pytest.raises((WrongTenantError, ValueError)), transaction.atomic():
        Author.objects.get().books.add(book)


ACROSS: dict[str, Callable[[City], Any]] = {
    "save": lambda city: city.save(),
    "save in default": lambda city: city.save(using="default"),
    "refresh": lambda city: city.refresh_from_db(),
    "foreign key": lambda city: city.country,
    "delete": lambda city: city.delete(),
    "assign": lambda city: setattr(City.objects.get(), "country", stranger(city)),
}


def stranger(city: City) -> Country:
    country = Country(pk=city.country_id, code="fr")
    country._state.adding, country._state.db = False, city._state.db
    return country


@pytest.fixture
def cities(acme: Tenant) -> dict[str, City]:
    """The same city in both homes, with one key."""
    found = {}
    for place, context in (("public", public_context()), ("acme", tenant_context(acme))):
        with context:
            country = Country.objects.create(pk=1, code="fr")
            City.objects.create(pk=1, name=place, country=country)
            found[place] = City.objects.get()
    return found


@guarded_by(nobody_compares)
@pytest.mark.parametrize("use", ACROSS)
@pytest.mark.parametrize("origin", ["public", "acme"])
def test_an_object_of_both_homes_is_refused_in_the_other_home(use: str, origin: str, cities: dict[str, City]) -> None:
    with tenant_context("acme") if origin == "public" else public_context():
        assert refused(WrongTenantError, lambda: tried(lambda: ACROSS[use](cities[origin])))


def test_an_explicit_public_is_another_home(cities: dict[str, City]) -> None:
    with tenant_context("acme"):
        assert City.objects.using("public").get().name == "public"
        with pytest.raises(WrongTenantError):
            cities["acme"].save(using="public")
        with pytest.raises(WrongTenantError):
            cities["acme"].refresh_from_db(using="public")


def test_shared_objects_are_at_home_everywhere(acme: Tenant) -> None:
    plan = Plan.objects.create(name="free")
    with tenant_context(acme):
        plan.save()
        plan.refresh_from_db()
        assert Plan.objects.using("default").get()._state.db == "public"
    assert plan._state.db == "public"


@guarded_by(Without(router, "check_has_table"))
def test_a_shared_model_named_for_a_tenant_is_refused(in_tenant: Tenant) -> None:
    assert refused(WrongTenantError, lambda: Plan.objects.using(in_tenant.alias).exists())


AUTHORS = "SELECT id, name FROM library_author"
ROADS: dict[str, Callable[[], Model]] = {
    "create": lambda: Author.objects.create(name="x"),
    "read": lambda: (Author.objects.create(name="x"), Author.objects.get())[1],
    "create in default": lambda: Author.objects.using("default").create(name="x"),
    "read in default": lambda: (Author.objects.create(name="x"), Author.objects.using("default").get())[1],
    "manager of default": lambda: Author.objects.db_manager("default").create(name="x"),
    "raw in default": lambda: (
        Author.objects.create(name="x"),
        Author.objects.using("default").raw("SELECT id, name FROM library_author")[0],
    )[1],
    "save in default": lambda: saved(Author(name="x"), using="default"),
    "save base in default": lambda: saved_base(Author(name="x")),
    "bulk create in default": lambda: Author.objects.using("default").bulk_create([Author(name="x")])[0],
    "get or create": lambda: Author.objects.using("default").get_or_create(name="x")[0],
    "related": lambda: Author.objects.using("default").create(name="x").books.create(title="y"),
    "assigned": lambda: Book(author=Author.objects.using("default").create(name="x")),
    "select related": lambda: (write_book("x"), Book.objects.using("default").select_related("author").get().author)[1],
    "prefetched": lambda: (write_book("x"), Book.objects.using("default").prefetch_related("tags")[0].tags.all()[0])[1],
    "deserialised": lambda: loaded([Author(pk=1, name="x")]),
    "createsuperuser": lambda: superuser("root"),
    "content type": lambda: ContentType.objects.db_manager("default").get_for_model(Author),
    "iterator": lambda: (Author.objects.create(name="x"), next(Author.objects.using("default").iterator()))[1],
}


def saved(row: Model, **options: Any) -> Model:
    row.save(**options)
    return row


def saved_base(row: Model) -> Model:
    row.save_base(raw=True, using="default")
    return row


def loaded(rows: list[Model]) -> Model:
    [found] = serializers.deserialize("python", serializers.serialize("python", rows), using="default")
    found.save(using="default")
    return found.object


def superuser(name: str) -> Model:
    call_command("createsuperuser", interactive=False, username=name, email="root@example.com", verbosity=0)
    return User.objects.get()


def nobody_settles() -> AbstractContextManager[None]:
    """An explicit ``default`` stays the word."""
    return all_of(*(WithoutPatch(owner, name) for owner, name in SETTLING))


@pytest.mark.parametrize("road", ROADS)
def test_an_object_bears_the_true_name_of_its_database(road: str, in_tenant: Tenant) -> None:
    seen: list[str] = []

    def note(*, using: str, **kwargs: Any) -> None:
        seen.append(using)

    signals.post_save.connect(note)
    try:
        assert ROADS[road]()._state.db == in_tenant.alias
    finally:
        signals.post_save.disconnect(note)
    assert set(seen) <= {in_tenant.alias}


@guarded_by(nobody_settles)
@pytest.mark.parametrize("road", ["create in default", "read in default", "save in default", "deserialised"])
def test_the_word_default_is_settled(road: str, in_tenant: Tenant) -> None:
    assert ROADS[road]()._state.db != "default"


def test_signals_of_a_deletion_bear_the_true_name(in_tenant: Tenant) -> None:
    write_book("x")
    seen: list[str] = []

    def note(*, using: str, **kwargs: Any) -> None:
        seen.append(using)

    signals.pre_delete.connect(note)
    try:
        Author.objects.using("default").all().delete()
    finally:
        signals.pre_delete.disconnect(note)
    assert seen
    assert set(seen) == {in_tenant.alias}


@pytest.mark.django_db(transaction=True)
def test_a_flush_and_a_load_leave_true_names(in_tenant: Tenant, tmp_path: Path) -> None:
    write_book("x")
    call_command("dumpdata", "library", output=str(tmp_path / "dump.json"), verbosity=0)
    call_command("flush", interactive=False, verbosity=0)
    assert not Author.objects.exists()
    assert {row._state.db for row in Permission.objects.all()} == {in_tenant.alias}
    call_command("loaddata", str(tmp_path / "dump.json"), verbosity=0)
    assert Book.objects.get().tags.get().word == "x"
    assert len(json.loads((tmp_path / "dump.json").read_text())) == 3


def test_on_the_public_site_the_true_name_is_public(db: None) -> None:
    names = [Plan.objects.using("default").create()._state.db, Country.objects.using("default").create()._state.db]
    assert names == ["public", "public"]
