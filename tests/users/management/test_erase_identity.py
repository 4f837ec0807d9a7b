"""`erase_identity` asks, erases, and names the tenants in which that is still to be done."""

from __future__ import annotations

import io
import sys
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command

from multi_tenant.models import Tenant
from multi_tenant.users.joining import add_member
from multi_tenant.users.models import Membership

pytestmark = pytest.mark.django_db
User = get_user_model()


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def erase(*arguments: str) -> str:
    output = StringIO()
    call_command("erase_identity", *arguments, stdout=output, stderr=output)
    return output.getvalue()


def is_there() -> bool:
    return bool(User.objects.filter(username="ann").exists())


def test_a_person_is_erased_without_a_question(ann: Any) -> None:
    assert erase("ann", "--no-input") == f"Erased {ann.pk}.\n"
    assert not is_there()


@pytest.mark.parametrize(("answer", "stays"), [("ann\n", False), ("anna\n", True), ("", True)])
def test_the_name_is_typed_out(answer: str, stays: bool, ann: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    if stays:
        with pytest.raises(CommandError, match="Nothing was erased"):
            erase("ann")
    else:
        erase("ann")
    assert is_there() is stays


def test_where_nobody_can_be_asked_nothing_is_erased(ann: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("ann\n"))
    with pytest.raises(CommandError, match="--no-input"):
        erase("ann")
    assert is_there()


def test_nobody_of_that_name_is_an_error(db: None) -> None:
    with pytest.raises(CommandError, match="nobody called 'ann'"):
        erase("ann", "--no-input")


def test_tenants_out_of_reach_are_named_and_a_second_run_goes_on(
    ann: Any, bolt: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def out_of_reach(self: Any) -> None:
        if self._state.db == "bolt":
            raise ConnectionError
        stock(self)

    add_member(ann.pk, bolt)
    stock = User.anonymise
    with monkeypatch.context() as patch:
        patch.setattr(User, "anonymise", out_of_reach)
        with pytest.raises(CommandError, match=rf"still to be erased in bolt\..*erase_identity {ann.pk}") as failed:
            erase("ann", "--no-input")
    assert failed.value.returncode == 1
    assert not is_there()
    erase(str(ann.pk), "--no-input")
    assert not Membership.objects.exists()
