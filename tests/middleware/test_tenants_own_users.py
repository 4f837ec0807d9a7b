"""Users that each tenant has for itself, in Django's own model, with nothing of ours between them and a view."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import authenticate, login, logout, update_session_auth_hash
from django.contrib.auth.models import Permission, User
from django.contrib.auth.tokens import default_token_generator
from django.http import HttpRequest, JsonResponse
from django.test import Client
from django.urls import path

from multi_tenant.context import tenant_context
from multi_tenant.exceptions import NoTenantError, WrongTenantError
from multi_tenant.models import Tenant

pytestmark = pytest.mark.django_db
PASSWORD = "the same in both"
PERM = "library.add_author"


def sign_in(request: HttpRequest) -> JsonResponse:
    user = authenticate(request, **request.POST.dict())
    if user is not None:
        login(request, user)
    return JsonResponse({"user": str(user or "")})


def sign_out(request: HttpRequest) -> JsonResponse:
    logout(request)
    return JsonResponse({})


def who(request: Any) -> JsonResponse:
    return JsonResponse({"user": request.user.get_username(), "may": request.user.has_perm(PERM)})


async def awho(request: Any) -> JsonResponse:
    user = await request.auser()
    return JsonResponse({"user": user.get_username(), "may": await user.ahas_perm(PERM)})


def change(request: Any) -> JsonResponse:
    request.user.set_password("another")
    request.user.save()
    update_session_auth_hash(request, request.user)
    return JsonResponse({})


def hello(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"hello": "world"})


urlpatterns = [path(f"{view.__name__}/", view) for view in (sign_in, sign_out, who, awho, change, hello)]


@pytest.fixture(autouse=True)
def _users(acme: Tenant, bolt: Tenant, configure: Callable[..., None], settings: Any) -> None:
    """Both tenants have a user of the same name, key and password, with a right in one of them; public has none."""
    settings.ROOT_URLCONF = __name__
    configure(SHARED_APPS=["tests.testapp.billing"])
    for tenant in (acme, bolt):
        with tenant_context(tenant):
            user = User.objects.create_user("ada", "ada@example.com", PASSWORD, pk=7)
            if tenant == acme:
                user.user_permissions.add(Permission.objects.get(codename="add_author"))


def signed_in(host: str, password: str = PASSWORD) -> Client:
    client = Client(headers={"host": host})
    client.post("/sign_in/", {"username": "ada", "password": password})
    return client


def asks(client: Client, host: str, path: str = "/who/") -> tuple[str, bool]:
    told = client.get(path, headers={"host": host}).json()
    return told["user"], told["may"]


@pytest.mark.parametrize("path", ["/who/", "/awho/"])
def test_a_user_of_one_tenant_is_nobody_in_another(path: str) -> None:
    client = signed_in("acme.example.com")
    assert asks(client, "acme.example.com", path) == ("ada", True)
    assert asks(client, "bolt.example.com", path) == ("", False)


def test_each_tenant_has_its_own_rights_for_its_own_users() -> None:
    assert asks(signed_in("acme.example.com"), "acme.example.com") == ("ada", True)
    assert asks(signed_in("bolt.example.com"), "bolt.example.com") == ("ada", False)


def test_a_password_is_changed_in_one_tenant_alone() -> None:
    mine, other = signed_in("acme.example.com"), signed_in("acme.example.com")
    mine.post("/change/")
    assert asks(mine, "acme.example.com") == ("ada", True)
    assert asks(other, "acme.example.com") == ("", False)
    assert asks(signed_in("bolt.example.com"), "bolt.example.com") == ("ada", False)
    assert asks(signed_in("acme.example.com"), "acme.example.com") == ("", False)


def test_one_signs_out_where_one_is() -> None:
    client, there = signed_in("acme.example.com"), signed_in("bolt.example.com")
    client.post("/sign_out/")
    assert asks(client, "acme.example.com") == ("", False)
    assert asks(there, "bolt.example.com") == ("ada", False)


def test_the_token_of_one_tenants_user_is_none_of_anothers() -> None:
    with tenant_context("acme"):
        ada: Any = User.objects.get()
        token = default_token_generator.make_token(ada)
        assert default_token_generator.check_token(ada, token)
    with tenant_context("bolt"):
        namesake: Any = User.objects.get()
        assert not default_token_generator.check_token(namesake, token)
        with pytest.raises(WrongTenantError):
            ada.save()


def test_the_public_site_has_no_users_and_is_served() -> None:
    client = Client(headers={"host": "example.com"})
    assert client.get("/hello/").status_code == 200
    with pytest.raises(NoTenantError):
        signed_in("example.com")
