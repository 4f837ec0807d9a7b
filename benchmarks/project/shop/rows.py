"""The rows that each tenant begins with; written where the caller has put the connection."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from benchmarks.project.shop.models import Customer, Order, Product

ORDERS = 20
FIRST = datetime(2026, 1, 1, tzinfo=UTC)


def fill(name: str) -> None:
    """Write a tenant's rows; its name is the first customer's."""
    customer = Customer.objects.create(pk=1, name=name)
    products = Product.objects.bulk_create([Product(title=f"Product {number}") for number in range(5)])
    Order.objects.bulk_create(
        Order(customer=customer, product=products[number % 5], amount=number, placed_at=FIRST + timedelta(days=number))
        for number in range(ORDERS)
    )
