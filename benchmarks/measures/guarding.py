"""What the guard adds to a query and to a page."""

from __future__ import annotations

from benchmarks.measures.clock import Costs, cost_of
from benchmarks.measures.requests import visit
from benchmarks.project.shop.models import Customer, Order
from benchmarks.sites.base import Site

#: How often a page is asked for, in terms of how often a query is made.
REQUESTS = 4


def queries(site: Site, *, loops: int) -> Costs:
    """Look an object up by its key, fetch twenty objects, and ask for a page."""
    with site.inside(site.alias(0)):
        one = cost_of(lambda: Customer.objects.get(pk=1), times=loops)[0]
        twenty = cost_of(lambda: list(Order.objects.filter(customer_id=1).order_by("pk")), times=loops)[0]
    request = visit(site, tenants=1, requests=max(1, loops // REQUESTS))["cpu_us"]
    return {"get_us": one * 1e6, "list_of_20_us": twenty * 1e6, "request_us": request}
