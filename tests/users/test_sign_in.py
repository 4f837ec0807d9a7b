"""A person signs in where it is a member, by the password of the identity."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from multi_tenant.context import tenant_context
from multi_tenant.models import Tenant

pytestmark = pytest.mark.django_db


def test_who_is_made_in_a_tenant_has_an_identity_and_a_member_row(ann: Any, acme: Tenant) -> None:
    identity = get_user_model().objects.get(pk=ann.pk)
    with tenant_context(acme):
        member = get_user_model().objects.get(pk=ann.pk)
        assert (member.username, member.password) == ("ann", "!")
    assert identity.check_password("secret of ann")


def test_a_member_signs_in(ann: Any, at_acme: Client) -> None:
    assert at_acme.post("/accounts/login/", {"username": "ann", "password": "secret of ann"}).status_code == 302
    assert at_acme.get("/who/").json()["user"] == "ann"
