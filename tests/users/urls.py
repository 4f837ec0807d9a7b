"""The URLs of the tests of people."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, JsonResponse
from django.urls import include, path


def who(request: HttpRequest) -> JsonResponse:
    """Who asks."""
    return told(request.user)


async def awho(request: HttpRequest) -> JsonResponse:
    """Who asks, by coroutine."""
    return told(await request.auser())


def told(user: Any) -> JsonResponse:
    """What is known of a user."""
    state = getattr(user, "_state", None)
    return JsonResponse({"user": user.get_username(), "is_staff": user.is_staff, "db": state and state.db})


def last_login(request: HttpRequest) -> JsonResponse:
    """When who asks was here last, as the request's user knows it."""
    return JsonResponse({"last_login": request.user.last_login.isoformat()})  # type: ignore[union-attr]  # signed in


def keep(request: HttpRequest) -> JsonResponse:
    """Keep a word in the session, and tell it."""
    if "word" in request.GET:
        request.session["word"] = request.GET["word"]
    return JsonResponse({"word": request.session.get("word")})


urlpatterns = [
    path("who/", who),
    path("keep/", keep),
    path("last-login/", last_login),
    path("awho/", awho),
    path("admin/", admin.site.urls),
    path("people/", include("multi_tenant.users.urls")),
    path("accounts/", include("django.contrib.auth.urls")),
]
if find_spec("rest_framework"):
    from tests.contrib.rest.urls import api

    urlpatterns.append(path("api/", include(api)))
