"""A site with people and REST framework that lacks the room is told so."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.core.checks import run_checks

from multi_tenant.checks import TAG

ROOM = "multi_tenant.contrib.rest"


@pytest.mark.parametrize(("absent", "told"), [({ROOM}, True), ({ROOM, "rest_framework"}, False), (set(), False)])
def test_a_missing_room_is_told(absent: set[str], told: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    is_installed = apps.is_installed
    monkeypatch.setattr(apps, "is_installed", lambda name: name not in absent and is_installed(name))
    assert ("multi_tenant.E023" in {message.id for message in run_checks(tags=[TAG])}) is told
