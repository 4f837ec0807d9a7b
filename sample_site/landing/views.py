"""The public page that lists the tenants, and the answer to a load balancer."""

from __future__ import annotations

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from multi_tenant.models import Tenant
from multi_tenant.registry.models import TenantState


def index(request: HttpRequest) -> HttpResponse:
    tenants = Tenant.objects.exclude(state=TenantState.DELETED).only("alias", "name", "state")
    return render(request, "landing/index.html", {"tenants": tenants, "port": request.get_port()})


# Under ATOMIC_REQUESTS any other view begins a transaction on the public database, and would fail with it.
@transaction.non_atomic_requests
def health(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok", content_type="text/plain")
