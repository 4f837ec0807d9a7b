"""What is answered in place of a tenant that is not served: the state's page, or one sentence where there is none."""

from __future__ import annotations

import logging
import math

from django.http import HttpResponse
from django.template import TemplateDoesNotExist
from django.template.loader import get_template
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext

from multi_tenant.conf import conf
from multi_tenant.context import public_context
from multi_tenant.exceptions import (
    ConnectionLimitError,
    DecryptionError,
    InvalidEntryError,
    MultiTenantError,
    RegistryUnavailableError,
    TenantConnectionError,
    TenantUnavailableError,
    UnknownTenantError,
    WrongDatabaseError,
)

logger = logging.getLogger("multi_tenant.middleware")
#: Errors for which a page stands. All but the first two are an operator's business, so they are logged.
BY_STATE = (UnknownTenantError, TenantUnavailableError)
REFUSALS = (
    *BY_STATE,
    RegistryUnavailableError,
    DecryptionError,
    InvalidEntryError,
    TenantConnectionError,
    ConnectionLimitError,
    WrongDatabaseError,
)
#: Every other state passes, sooner or later.
STATUS_OF_STATE = {"suspended": 403, "deleting": 404, "deleted": 404}


def refusal_page(exc: MultiTenantError) -> HttpResponse:
    """The response to a request that one of REFUSALS kept from its tenant.

    The template ``multi_tenant/<status>.html`` is rendered on the public site, without context processors, and gets
    ``status``, ``alias`` (None with 404) and ``hint`` (the error's message, only in DEBUG).
    """
    if not isinstance(exc, BY_STATE):
        logger.error("A request was refused: %s", exc)
    status = status_of(exc)
    hint = str(exc) if conf.DEBUG else ""
    alias = None if status == 404 else getattr(exc, "alias", None)
    with public_context():
        response = rendered(status, alias, hint)
    if status == 503:
        # Nothing can change for this process before it looks at the registry again.
        response["Retry-After"] = str(max(1, math.ceil(conf.REGISTRY_TTL)))
    add_never_cache_headers(response)
    return response


def status_of(exc: MultiTenantError) -> int:
    """404 where nobody is to learn whether there is a tenant, 403 for a suspended one, 503 for what may pass."""
    if isinstance(exc, TenantUnavailableError):
        return STATUS_OF_STATE.get(exc.state, 503)
    return 404 if isinstance(exc, UnknownTenantError) else 503


def rendered(status: int, alias: str | None, hint: str) -> HttpResponse:
    """The page, or plain text where no template loader finds it."""
    try:
        template = get_template(f"multi_tenant/{status}.html")
    except TemplateDoesNotExist:
        text = f"{sentence(status)}\n{hint}".strip()
        return HttpResponse(text, status=status, content_type="text/plain; charset=utf-8")
    context = {"status": status, "sentence": sentence(status), "alias": alias, "hint": hint}
    return HttpResponse(template.render(context), status=status)


def sentence(status: int) -> str:
    """What is told to a visitor."""
    if status == 404:
        return gettext("There is no site at this address.")
    if status == 403:
        return gettext("This site is suspended.")
    return gettext("This site is not available at the moment. Please try again soon.")
