"""Permission classes, ours and REST framework's own, rest on the authority that the place gave."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser, Permission
from django.http import Http404
from django.test import RequestFactory
from rest_framework import permissions as stock
from rest_framework.generics import GenericAPIView
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from multi_tenant.context import public_context, tenant_context
from multi_tenant.contrib.rest import permissions as ours
from multi_tenant.users.members import find_member
from tests.contrib.rest.conftest import PASSWORD, Ask
from tests.testapp.library.models import Author

pytestmark = pytest.mark.django_db


class Authors(GenericAPIView[Any]):
    @property
    def queryset(self) -> Any:  # type: ignore[override]  # made anew, as tests have no TenantMiddleware
        return Author.objects.all()


class EveryObject:
    """A backend that gives objects the permissions that a user has on their model, as guardian would each."""

    def authenticate(self, request: Any, **credentials: Any) -> None: ...

    def has_perm(self, user: Any, permission: str, obj: Any = None) -> bool:
        return obj is not None and bool(user.has_perm(permission))


@pytest.fixture
def people(ann: Any, bob: Any, root: Any) -> dict[str, Any]:
    """Members of acme and of both tenants, the platform's superuser, and nobody."""
    with tenant_context("acme"):
        get_user_model().objects.filter(pk=ann.pk).update(is_staff=True)
    return {"ann": ann, "bob": bob, "root": root, "nobody": None}


def gate(at: str) -> Any:
    return public_context() if at == "public" else tenant_context(at)


def request_of(user: Any, method: str = "GET") -> Request:
    request = Request(RequestFactory().generic(method, "/"))
    request.user = (user and find_member(user.pk)) or AnonymousUser()
    return request


def let_in(permission: type[BasePermission], user: Any, at: str, method: str = "GET") -> bool:
    """What a permission class says of a person somewhere."""
    with gate(at):
        return bool(permission().has_permission(request_of(user, method), Authors()))


#: Who is let in where: names of people, then places.
WHO = {
    ours.IsTenantMember: {("ann", "acme"), ("bob", "acme"), ("bob", "bolt")},
    ours.IsTenantStaff: {("ann", "acme")},
    ours.IsPlatformStaff: {("root", "public")},
    stock.IsAuthenticated: {
        ("ann", "acme"),
        ("bob", "acme"),
        ("bob", "bolt"),
        ("ann", "public"),
        ("bob", "public"),
        ("root", "public"),
    },
    stock.IsAdminUser: {("ann", "acme"), ("root", "public")},
}


@pytest.mark.parametrize("permission", WHO)
def test_each_class_lets_in_whom_it_names(permission: type[BasePermission], people: dict[str, Any]) -> None:
    found = {
        (name, at) for name, user in people.items() for at in ("acme", "bolt", "public") if let_in(permission, user, at)
    }
    assert found == WHO[permission]


def test_stock_classes_that_let_anybody_read_do(people: dict[str, Any]) -> None:
    assert let_in(stock.AllowAny, None, "acme", "POST")
    assert let_in(stock.IsAuthenticatedOrReadOnly, None, "acme")
    assert not let_in(stock.IsAuthenticatedOrReadOnly, None, "acme", "POST")
    assert let_in(stock.DjangoModelPermissionsOrAnonReadOnly, None, "acme")
    assert not let_in(stock.DjangoModelPermissionsOrAnonReadOnly, None, "acme", "POST")


@pytest.mark.parametrize(
    "permission", [stock.DjangoModelPermissions, stock.DjangoObjectPermissions, ours.TenantModelPermissions]
)
def test_a_permission_is_one_tenants(permission: type[BasePermission], people: dict[str, Any]) -> None:
    grant(people["bob"], "acme", "add_author")
    assert let_in(permission, people["bob"], "acme", "POST")
    assert not let_in(permission, people["bob"], "acme", "DELETE")
    assert not let_in(permission, people["bob"], "bolt", "POST")
    assert not let_in(permission, people["ann"], "acme", "POST")


def test_ours_ask_for_the_permission_to_view(people: dict[str, Any]) -> None:
    assert let_in(stock.DjangoModelPermissions, people["bob"], "acme"), "the control: REST framework's lets read"
    assert not let_in(ours.TenantModelPermissions, people["bob"], "acme")
    grant(people["bob"], "acme", "view_author")
    assert let_in(ours.TenantModelPermissions, people["bob"], "acme")


def test_a_platforms_superuser_has_no_permission_in_a_tenant(people: dict[str, Any]) -> None:
    assert not let_in(ours.TenantModelPermissions, people["root"], "acme")
    assert not let_in(ours.TenantModelPermissions, people["root"], "public")
    assert let_in(stock.DjangoModelPermissions, people["root"], "public")


def test_objects_are_judged_by_a_backend_that_knows_them(people: dict[str, Any], settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = [*settings.AUTHENTICATION_BACKENDS, f"{__name__}.EveryObject"]
    grant(people["bob"], "acme", "view_author")
    with tenant_context("acme"):
        author = Author.objects.create(name="Ann")
        permission, request = ours.TenantObjectPermissions(), request_of(people["bob"])
        assert permission.has_permission(request, Authors())
        assert permission.has_object_permission(request, Authors(), author)
        with pytest.raises(Http404):
            permission.has_object_permission(request_of(people["ann"]), Authors(), author)
    with tenant_context("bolt"), pytest.raises(Http404):
        permission.has_object_permission(request_of(people["bob"]), Authors(), author)


def test_a_tenant_that_was_only_selected_is_open_to_members_alone(
    ask: Ask, bob: Any, ann: Any, configure: Callable[..., None]
) -> None:
    configure(RESOLVERS=[("multi_tenant.resolvers.QueryResolver", {"name": "tenant"})])
    access = {user: ask("/jwt/?tenant=bolt", "any", username=user.username, password=PASSWORD) for user in (bob, ann)}
    assert [answer.status_code for answer in access.values()] == [200, 401], "a view at which one gets a token is open"
    credential = f"Bearer {access[bob].json()['access']}"
    assert ask("/unsaid/?tenant=bolt", "any", credential).json()["user"] == "bob"
    assert ask("/unsaid/?tenant=acme", "any", credential).status_code == 401
    assert ask("/unsaid/?tenant=bolt", "any").status_code == 401
    assert ask("/who/jwt/?tenant=bolt", "any").status_code == 200, "a view that says that it is for all"


def test_a_tenant_with_an_address_of_its_own_is_open_as_its_views_are(ask: Ask) -> None:
    """The control of the one before."""
    assert ask("/unsaid/", "bolt").status_code == 200


def grant(user: Any, at: str, codename: str) -> None:
    """Give a member a permission in a tenant."""
    with tenant_context(at):
        member: Any = find_member(user.pk)
        member.user_permissions.add(Permission.objects.get(codename=codename))
