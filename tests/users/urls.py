"""The URLs of the tests of people."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db import connections
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import include, path

# Registers models on the one default site, whose URLs are made once, below.
import tests.contrib.admin.urls  # noqa: F401
from multi_tenant.context import current_alias
from tests.testapp.library.models import Author


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


def where(request: Any) -> JsonResponse:
    """Where the request is, for its tenant, its user and the database of its view's transaction."""
    return JsonResponse(
        {
            "alias": current_alias(),
            "tenant": request.tenant and request.tenant.alias,
            "user": request.user.get_username(),
            "is_staff": request.user.is_staff,
            "atomic": [
                each.alias
                for each in connections.all(initialized_only=True)
                if any(not getattr(block, "_from_testcase", False) for block in each.atomic_blocks)
            ],
            "seen": getattr(request, "seen", None),
        }
    )


async def awhere(request: Any) -> JsonResponse:
    """The same, of a coroutine."""
    user = await request.auser()
    return JsonResponse({"alias": current_alias(), "user": user.get_username(), "is_staff": user.is_staff})


def stream(request: Any) -> StreamingHttpResponse:
    """Where the steps of a body are run, with the names of the people there."""
    return StreamingHttpResponse(f"{current_alias()}:{get_user_model().objects.count()} " for _ in range(2))


def fail(request: HttpRequest) -> HttpResponse:
    """Write a row, and fail."""
    Author.objects.create(name="lost")
    raise ZeroDivisionError


def sign(request: HttpRequest) -> JsonResponse:
    """Keep a word in a signed cookie, and tell it."""
    answer = JsonResponse({"word": request.get_signed_cookie("word", default=None)})
    if "word" in request.GET:
        answer.set_signed_cookie("word", request.GET["word"])
    return answer


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
    path("where/", where),
    path("awhere/", awhere),
    path("stream/", stream),
    path("fail/", fail),
    path("keep/", keep),
    path("sign/", sign),
    path("last-login/", last_login),
    path("awho/", awho),
    path("admin/", admin.site.urls),
    path("people/", include("multi_tenant.users.urls")),
    path("accounts/", include("django.contrib.auth.urls")),
]
if find_spec("rest_framework"):
    from tests.contrib.rest.urls import api

    urlpatterns.append(path("api/", include(api)))
