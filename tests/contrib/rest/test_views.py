"""What an API answers: errors roll the tenant back, protected identities are 403, the middleware keeps its pages."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import transaction
from django.test import Client
from rest_framework.request import Request
from rest_framework.response import Response

from multi_tenant.context import tenant_context
from multi_tenant.contrib.rest.errors import IdentityProtected
from multi_tenant.exceptions import IdentityProtectedError, TenantConnectionError, TenantUnavailableError
from tests.contrib.rest.conftest import Ask, bearer
from tests.contrib.rest.urls import People, Who
from tests.testapp.library.models import Author


@pytest.mark.django_db
@pytest.mark.parametrize(("path", "kept"), [("/add-and-fail/", False), ("/add-and-fail/?keep", True)])
def test_an_error_response_rolls_the_tenant_back(
    path: str, kept: bool, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(django_settings.DATABASES["default"], "ATOMIC_REQUESTS", True)
    assert ask(path, "acme").status_code == 500
    with tenant_context("acme"):
        assert Author.objects.filter(name="lost").exists() is kept


@pytest.mark.django_db
def test_a_protected_identity_is_answered_with_403(ask: Ask, bob: Any) -> None:
    answer = patch(f"/people/{bob.pk}/", "acme", bearer(ask, bob, "acme"), email="other@example.com")
    assert answer.status_code == 403
    assert "cannot be changed" in answer.json()["detail"]
    bob.refresh_from_db()
    assert bob.email == "bob@example.com"


@pytest.mark.django_db
def test_the_tenants_own_fields_are_changed(ask: Ask, bob: Any) -> None:
    """The control: what is not the identity's may be written by an API that lets it."""
    assert patch(f"/people/{bob.pk}/", "acme", bearer(ask, bob, "acme"), is_staff=True).json()["is_staff"] is True
    bob.refresh_from_db()
    assert bob.is_staff is False, "in public nothing changes"


@pytest.mark.django_db
def test_lists_of_people_are_the_members(ask: Ask, ann: Any, bob: Any, root: Any) -> None:
    found = {at: ask("/people/", at, bearer(ask, bob, at)).json() for at in ("acme", "bolt")}
    assert [person["username"] for person in found["acme"]] == ["ann", "bob"]
    assert [person["username"] for person in found["bolt"]] == ["bob"]


@pytest.mark.django_db
def test_a_project_with_a_handler_of_its_own_gets_an_error_of_rest_frameworks(
    ask: Ask, bob: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    met: list[Exception] = []

    def handler(exc: Exception, context: Any) -> Response:
        met.append(exc)
        return Response({}, status=418)

    monkeypatch.setattr(People, "get_exception_handler", lambda self: handler)
    assert patch(f"/people/{bob.pk}/", "acme", bearer(ask, bob, "acme"), email="other@example.com").status_code == 418
    assert isinstance(met[0].__cause__, IdentityProtectedError)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("error", "status"),
    [(TenantConnectionError("acme", "timeout"), 503), (TenantUnavailableError("acme", "suspended"), 403)],
)
def test_a_tenant_that_is_not_served_has_the_middlewares_page(
    error: Exception, status: int, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: Any, request: Request) -> Response:
        raise error

    monkeypatch.setattr(Who, "get", fail)
    answer = ask("/who/basic/", "acme")
    assert answer.status_code == status
    assert answer["Content-Type"].startswith("text/html")


@pytest.mark.django_db
def test_a_schema_names_each_way_to_authenticate(ask: Ask) -> None:
    schema = json.loads(Client().get("/schema/?format=json", headers={"host": "acme.example.com"}).content)
    schemes = schema["components"]["securitySchemes"]
    for kind, name in (("session", "cookieAuth"), ("basic", "basicAuth"), ("token", "tokenAuth"), ("jwt", "jwtAuth")):
        assert {name: []} in schema["paths"][f"/who/our-{kind}/"]["get"]["security"]
        assert name in schemes


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["root", "nobody-has-it"])
def test_no_answer_tells_whether_a_name_is_known_elsewhere(name: str, ask: Ask, ann: Any, bob: Any, root: Any) -> None:
    """REST framework looks for a namesake in the tenant alone, and a request gives nobody a new name."""
    credential = bearer(ask, bob, "acme")
    for send, path in ((ask, "/people/"), (patch, f"/people/{bob.pk}/"), (patch, f"/people/{ann.pk}/")):
        answer = send(path, "acme", credential, username=name)
        assert answer.status_code == 403
        assert answer.json() == {"detail": str(IdentityProtected.default_detail)}
        with tenant_context("acme"):
            transaction.set_rollback(False)  # the test's own block, which the refused save has marked


@pytest.mark.django_db
def test_of_whom_the_tenant_knows_it_knows_the_name(ask: Ask, ann: Any, bob: Any) -> None:
    """The control of the one before."""
    answer = ask("/people/", "acme", bearer(ask, bob, "acme"), username="ann")
    assert answer.status_code == 400
    assert "username" in answer.json()


def patch(path: str, at: str, credential: str, **data: Any) -> Any:
    """Change something at a tenant's API."""
    headers = {"host": f"{at}.example.com", "authorization": credential}
    return Client().patch(path, data, content_type="application/json", headers=headers)
