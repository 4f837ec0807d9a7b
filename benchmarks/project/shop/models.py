"""What a tenant of the benchmarks has: customers, products and orders."""

from __future__ import annotations

from django.db import models


class Customer(models.Model):
    """Somebody who orders; the first one bears the tenant's name, so that an answer tells whose it is."""

    name = models.CharField(max_length=100)
    visits = models.IntegerField(default=0)

    def __str__(self) -> str:
        return self.name


class Product(models.Model):
    """Something that is sold."""

    title = models.CharField(max_length=100)

    def __str__(self) -> str:
        return self.title


class Order(models.Model):
    """How much of a product a customer wants."""

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="orders")
    product = models.ForeignKey(Product, models.CASCADE)
    amount = models.IntegerField()
    placed_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.amount} of {self.product}"
