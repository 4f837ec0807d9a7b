"""Test cases as a project would write them; `test_testcases` runs them in a process of its own and reads how they end.

Django runs TestCases first, then TransactionTestCases, and methods in the order of their names: a later one looks for
what an earlier one left behind.
"""

from __future__ import annotations

import threading
from typing import Any
from urllib.request import Request, urlopen

from django.db import connection, connections, transaction
from django.http import HttpRequest, HttpResponse
from django.test import LiveServerTestCase, SimpleTestCase, TestCase, TransactionTestCase, override_settings
from django.test.testcases import DatabaseOperationForbidden  # type: ignore[attr-defined]  # not in the stubs
from django.urls import path

from multi_tenant import current_alias, public_context, tenant_context
from multi_tenant.models import Domain, Tenant
from tests.testapp.billing.models import Plan
from tests.testapp.common.models import City, Country
from tests.testapp.library.models import Author, Book


class EnteredInTheTest(TestCase):
    def test_1_writes(self) -> None:
        with tenant_context("a"):
            Author.objects.create(name="Ada")
        with tenant_context("b"):
            Author.objects.create(name="Bo")
        Plan.objects.create(name="free")

    def test_2_finds_nothing_left(self) -> None:
        for alias in ("a", "b"):
            with tenant_context(alias):
                assert not Author.objects.exists()
        assert not Plan.objects.exists()

    def test_3_can_roll_back_a_block_of_its_own(self) -> None:
        with tenant_context("a"):
            Author.objects.create(name="kept")
            block = transaction.atomic()
            block.__enter__()
            Author.objects.create(name="undone")
            transaction.set_rollback(True)
            block.__exit__(None, None, None)
            assert Author.objects.get().name == "kept"

    def test_4_may_open_a_durable_block(self) -> None:
        with tenant_context("a"), transaction.atomic(durable=True):
            Author.objects.create(name="Ada")

    def test_5_catches_callbacks(self) -> None:
        with self.captureOnCommitCallbacks(using="a", execute=True) as callbacks, tenant_context("a"):
            transaction.on_commit(lambda: Author.objects.create(name=str(current_alias())))
        assert len(callbacks) == 1
        with tenant_context("a"):
            assert Author.objects.get().name == "a"

    def test_6_counts_queries(self) -> None:
        with tenant_context("a"), self.assertNumQueries(1):
            Author.objects.count()


class EnteredInSetUp(TestCase):
    def setUp(self) -> None:
        self.enterContext(tenant_context("a"))

    def test_1_writes(self) -> None:
        Author.objects.create(name="Ada")

    def test_2_finds_nothing_left(self) -> None:
        assert current_alias() == "a"
        assert not Author.objects.exists()


class EnteredForTheClass(TestCase):
    author: Author

    @classmethod
    def setUpClass(cls) -> None:
        cls.enterClassContext(tenant_context("a"))
        super().setUpClass()

    @classmethod
    def setUpTestData(cls) -> None:
        cls.author = Author.objects.create(name="Ada")

    def test_1_changes_the_class_data(self) -> None:
        Author.objects.update(name="changed")
        self.author.delete()

    def test_2_finds_the_class_data_as_they_were(self) -> None:
        assert Author.objects.get() == self.author
        assert Author.objects.get().name == "Ada"


class EnteredForTheClassData(TestCase):
    @classmethod
    def setUpTestData(cls) -> None:
        with tenant_context("a"):
            Author.objects.create(name="Ada")

    def test_1_deletes_the_class_data(self) -> None:
        with tenant_context("a"):
            Author.objects.all().delete()

    def test_2_finds_the_class_data_as_they_were(self) -> None:
        with tenant_context("a"):
            assert Author.objects.count() == 1


class FoundAfterTheClasses(TestCase):
    def test_finds_nothing_left(self) -> None:
        with tenant_context("a"):
            assert not Author.objects.exists()


class Fixtures(TestCase):
    fixtures = ("authors.json",)

    @classmethod
    def setUpClass(cls) -> None:
        cls.enterClassContext(tenant_context("b"))
        super().setUpClass()

    def test_are_loaded_into_the_tenant(self) -> None:
        assert Author.objects.get().name == "from a fixture"


class BrokenConstraint(TestCase):
    def test_fails_at_its_end(self) -> None:
        with tenant_context("a"):
            Book.objects.create(title="orphan", author_id=12345)


class Leaking(TestCase):
    def test_1_leaves_a_tenant_entered(self) -> None:
        tenant_context("a").__enter__()

    def test_2_begins_on_the_public_site(self) -> None:
        assert current_alias() == "public"


class LeakingClass(TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        tenant_context("a").__enter__()

    def test_nothing(self) -> None: ...


class AfterTheLeakingClass(TestCase):
    def test_begins_on_the_public_site(self) -> None:
        assert current_alias() == "public"


class NoDatabase(SimpleTestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.enterClassContext(tenant_context("a"))
        super().setUpClass()

    def test_1_refuses_a_tenant(self) -> None:
        with self.assertRaisesMessage(DatabaseOperationForbidden, "add 'default' to"):
            Author.objects.count()

    def test_2_refuses_public(self) -> None:
        with public_context(), self.assertRaisesMessage(DatabaseOperationForbidden, "not allowed"):
            Plan.objects.count()

    def test_3_refuses_other_threads(self) -> None:
        found: list[BaseException] = []
        thread = threading.Thread(target=noting(found, tenant_context("a")(Author.objects.count)))
        thread.start()
        thread.join()
        assert [type(error) for error in found] == [DatabaseOperationForbidden]


class NoDatabaseInATenant(SimpleTestCase):
    @classmethod
    def setUpClass(cls) -> None:
        with tenant_context("a"):
            super().setUpClass()

    def test_refuses_public(self) -> None:
        with self.assertRaisesMessage(DatabaseOperationForbidden, "not allowed"):
            Plan.objects.count()


class AfterNoDatabase(TransactionTestCase):
    def test_public_and_tenants_may_be_used_again(self) -> None:
        assert not Plan.objects.exists()
        with tenant_context("a"):
            assert not Author.objects.exists()


class Flushed(TransactionTestCase):
    def test_1_writes(self) -> None:
        with tenant_context("a"):
            Author.objects.create(name="Ada")
            Country.objects.create(code="FR")
        Plan.objects.create(name="free")
        thread = threading.Thread(target=write_bo)
        thread.start()
        thread.join()

    def test_2_finds_nothing_left(self) -> None:
        for alias in ("a", "b"):
            with tenant_context(alias):
                assert not Author.objects.exists()
                assert not Country.objects.exists()
        assert not Plan.objects.exists()

    def test_3_finds_the_registry_as_it_was(self) -> None:
        assert set(Tenant.objects.values_list("alias", "state")) == {("a", "active"), ("b", "active")}


class FlushedInATenant(TransactionTestCase):
    def setUp(self) -> None:
        self.enterContext(tenant_context("a"))

    def test_1_writes(self) -> None:
        Author.objects.create(name="Ada")
        with public_context():
            Plan.objects.create(name="free")

    def test_2_finds_nothing_left(self) -> None:
        assert not Author.objects.exists()
        with public_context():
            assert not Plan.objects.exists()


class FlushedWithAppsHidden(FlushedInATenant):
    """After the first test nothing of the registry is cached, and its app is hidden when the second begins."""

    available_apps = ("tests.testapp.billing", "tests.testapp.common", "tests.testapp.library")


class ARollbackToContents(TransactionTestCase):
    # The first of its kind by name: after another's flush Django itself makes content types anew, and in the way.
    serialized_rollback = True

    def test_1_deletes_what_was_there(self) -> None:
        with tenant_context("a"):
            City.objects.all().delete()

    def test_2_finds_what_was_there(self) -> None:
        with tenant_context("a"):
            assert City.objects.get().name == "there from the beginning"


@override_settings(ROOT_URLCONF=__name__, STATIC_URL="static/", MEDIA_URL="media/")
class Served(LiveServerTestCase):
    def test_a_live_server_finds_the_tenant_by_its_host(self) -> None:
        Domain.objects.create(tenant=Tenant.objects.get(alias="a"), host="a.example.com")
        with tenant_context("a"):
            Author.objects.create(name="Ada")
        with urlopen(Request(self.live_server_url, headers={"Host": "a.example.com"})) as page:
            assert page.read() == b"Ada"

    def test_b_what_was_served_is_flushed(self) -> None:
        with tenant_context("a"):
            assert not Author.objects.exists()
        assert not Domain.objects.exists()


class Proxy(TestCase):
    def test_follows_the_tenant_and_keeps_its_name(self) -> None:
        with tenant_context("a"):
            assert connection.alias == "default"
            assert connection.settings_dict is connections["a"].settings_dict


def authors(request: HttpRequest) -> HttpResponse:
    """A page of the tenant."""
    return HttpResponse(", ".join(Author.objects.values_list("name", flat=True)))


urlpatterns = [path("", authors)]


def write_bo() -> None:
    """Write a row into another tenant, as a thread that closes its connections."""
    with tenant_context("b"):
        Author.objects.create(name="Bo")
    connections.close_all()


def noting(found: list[BaseException], function: Any) -> Any:
    """The function, its failure put into a list for another thread to see."""

    def run() -> None:
        try:
            function()
        except AssertionError as error:
            found.append(error)

    return run
