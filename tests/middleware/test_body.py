"""Bodies that are sent after the middleware has left still run, and are closed, in their tenant (P3)."""

from __future__ import annotations

import gc
import io
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast
from unittest.mock import Mock
from wsgiref.util import FileWrapper

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.http import FileResponse, HttpRequest, HttpResponse
from django.test import RequestFactory
from django.urls import path

from multi_tenant import current_alias
from multi_tenant.context import UNDECIDED_PLACE, active_place, fixed_context
from multi_tenant.middleware import tenant as tenant_module
from multi_tenant.registry.models import Tenant
from tests.middleware import views
from tests.middleware.drivers import asgi, connections_kept, wsgi
from tests.middleware.views import closed

SERVERS = {"wsgi": wsgi, "asgi": asgi}
eight = [
    pytest.param(server, view, kind, id=f"{server}-{view}-{kind}")
    for server in SERVERS
    for view in ("stream", "astream")
    for kind in ("sync", "async")
]


@pytest.fixture(autouse=True)
def undecided() -> Iterator[None]:
    """As on a server's thread; a body that is not in its tenant then has none."""
    closed.clear()
    with fixed_context(UNDECIDED_PLACE), warnings.catch_warnings():
        # Django warns where it consumes a body of the other kind as a whole.
        warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume")
        yield
        assert active_place.get() is UNDECIDED_PLACE


@pytest.mark.parametrize(("server", "view", "kind"), eight)
def test_a_body_runs_and_closes_in_its_tenant(acme: Tenant, server: str, view: str, kind: str) -> None:
    assert SERVERS[server]("acme.example.com", f"/{view}/{kind}/") == (200, "acme/ 0 acme/ ")
    assert closed == ["acme"]


@pytest.mark.parametrize(("server", "view", "kind"), eight)
def test_a_body_runs_under_its_script_prefix(acme: Tenant, configure: Any, server: str, view: str, kind: str) -> None:
    configure(RESOLVERS=[("multi_tenant.resolvers.PathResolver", {"prefix": "t"})])
    _, body = SERVERS[server]("example.com", f"/t/acme/{view}/{kind}/")
    assert body == "acme/t/acme/ 0 acme/t/acme/ "


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize(("server", "view", "kind"), eight)
def test_without_the_wrapping_it_does_not(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch, server: str, view: str, kind: str
) -> None:
    """The control."""
    monkeypatch.setattr(tenant_module, "keep_in_place", lambda response, visit: None)
    try:
        _, body = SERVERS[server]("acme.example.com", f"/{view}/{kind}/")
    except Exception:  # noqa: BLE001  # the body asks for a tenant's rows where no tenant is
        body = ""
    gc.collect()  # Django's ASGI handler leaves its files open when a body raises; they are not for other tests to find
    assert "acme" not in body


def test_a_body_that_is_not_read_to_its_end_is_closed_in_its_tenant(acme: Tenant) -> None:
    environ = RequestFactory().get("/stream/sync/", headers={"host": "acme.example.com"}).environ
    with connections_kept():
        response = cast("Any", WSGIHandler()(environ, Mock()))
    assert next(iter(response)) == b"acme/ "
    with connections_kept():
        response.close()
    assert closed == ["acme"]


def test_a_body_is_closed_in_its_tenant_when_the_client_goes_away(acme: Tenant) -> None:
    status, body = asgi("acme.example.com", "/astream/async/", parts=1)
    assert (status, body) == (200, "acme/ ")
    assert closed == ["acme"]


class Rows(io.RawIOBase):
    """A file-like object that the operating system does not know."""

    def __init__(self) -> None:
        super().__init__()
        self.parts = [b"one ", b"two"]

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        part = self.parts.pop(0) if self.parts else b""
        return part and f"{current_alias()} ".encode() + part

    def close(self) -> None:
        if not self.closed:
            closed.append(current_alias())
        super().close()


def rows(request: HttpRequest) -> FileResponse:
    return FileResponse(Rows())


def this_file(request: HttpRequest) -> FileResponse:
    return FileResponse(Path(__file__).open("rb"))


def holding(request: HttpRequest) -> HttpResponse:
    response = HttpResponse("held")
    response._resource_closers.append(lambda: closed.append(current_alias()))  # type: ignore[attr-defined]  # not in the stubs
    return response


urlpatterns = [
    path("", views.where, name="where"),
    path("rows/", rows),
    path("file/", this_file),
    path("holding/", holding),
]


@pytest.fixture
def served(acme: Tenant, settings: Any) -> Tenant:
    settings.ROOT_URLCONF = __name__
    return acme


@pytest.mark.parametrize("environ", [{}, {"wsgi.file_wrapper": FileWrapper}], ids=["plain", "file_wrapper"])
def test_a_file_that_asks_the_database_is_read_in_its_tenant(served: Tenant, environ: dict[str, Any]) -> None:
    assert wsgi("acme.example.com", "/rows/", **environ) == (200, "acme one acme two")
    assert closed == ["acme"]


def test_a_true_file_is_left_to_the_server(served: Tenant) -> None:
    wrapped: list[Any] = []

    def file_wrapper(file: Any, size: int) -> Any:
        wrapped.append(FileWrapper(file, size))
        return wrapped[-1]

    status, body = wsgi("acme.example.com", "/file/", **{"wsgi.file_wrapper": file_wrapper})
    assert (status, body, len(wrapped)) == (200, Path(__file__).read_text(), 1)


def test_what_a_response_holds_is_closed_in_its_tenant(served: Tenant) -> None:
    assert wsgi("acme.example.com", "/holding/") == (200, "held")
    assert closed == ["acme"]
