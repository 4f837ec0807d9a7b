"""The page that is asked for: three reads, and one write."""

from __future__ import annotations

from django.db.models import Sum
from django.http import HttpRequest, JsonResponse

from benchmarks.project.shop.models import Customer, Order


def board(request: HttpRequest) -> JsonResponse:
    """The latest orders of the first customer, whose visits are counted."""
    customer = Customer.objects.get(pk=1)
    orders = Order.objects.filter(customer=customer)
    latest = [[order.product.title, order.amount] for order in orders.select_related("product").order_by("-pk")[:10]]
    total = orders.aggregate(total=Sum("amount"))["total"]
    customer.visits += 1
    customer.save(update_fields=["visits"])
    return JsonResponse({"tenant": customer.name, "total": total, "latest": latest})


def found(request: HttpRequest) -> JsonResponse:
    """How many customers there are: the first question to a new tenant, which has none."""
    return JsonResponse({"customers": Customer.objects.count()})
