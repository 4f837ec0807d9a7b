"""Writes the package `ledgers`: small apps with several migrations each, as a project has them after a few years."""

from __future__ import annotations

from pathlib import Path

APPS = 9
PACKAGE = "ledgers"

MODELS = """from django.db import models


class Account(models.Model):
    name = models.CharField(max_length=120, db_index=True)
    currency = models.CharField(max_length=3, default="EUR")


class Booking(models.Model):
    account = models.ForeignKey(Account, models.CASCADE)
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    booked_on = models.DateField(null=True)

    class Meta:
        indexes = [models.Index(fields=["account", "booked_on"], name="{label}_booked")]


class Comment(models.Model):
    booking = models.ForeignKey(Booking, models.CASCADE)
    text = models.TextField()
"""
HEAD = "from django.db import migrations, models\n\n\nclass Migration(migrations.Migration):\n"
KEY = '("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"))'
OPERATIONS = {
    "0001_account": [f'CreateModel("Account", [{KEY}, ("name", models.CharField(max_length=80))])'],
    "0002_booking": [
        f'CreateModel("Booking", [{KEY}, ("amount", models.DecimalField(max_digits=12, decimal_places=2))])',
        'AddField("booking", "account", models.ForeignKey("{label}.account", models.CASCADE))',
    ],
    "0003_currency": [
        'AddField("account", "currency", models.CharField(default="EUR", max_length=3))',
        'AlterField("account", "name", models.CharField(db_index=True, max_length=120))',
    ],
    "0004_booked": [
        'AddField("booking", "booked_on", models.DateField(null=True))',
        'AddIndex("booking", models.Index(fields=["account", "booked_on"], name="{label}_booked"))',
    ],
    "0005_comment": [
        f'CreateModel("Comment", [{KEY}, ("text", models.TextField())])',
        'AddField("comment", "booking", models.ForeignKey("{label}.booking", models.CASCADE))',
    ],
}


def labels() -> list[str]:
    """The labels of the apps."""
    return [f"ledger{number:02}" for number in range(1, APPS + 1)]


def apps() -> list[str]:
    """The apps, as INSTALLED_APPS has them."""
    return [f"{PACKAGE}.{label}" for label in labels()]


def write(directory: Path) -> None:
    """Write the package into a directory that is to be on the path."""
    for label in labels():
        app = directory / PACKAGE / label
        (app / "migrations").mkdir(parents=True)
        for package in (directory / PACKAGE, app, app / "migrations"):
            (package / "__init__.py").touch()
        (app / "models.py").write_text(MODELS.replace("{label}", label))
        before = ""
        for name, operations in OPERATIONS.items():
            path = app / "migrations" / f"{name}.py"
            path.write_text(migration(label, operations, before=before))
            before = name


def migration(label: str, operations: list[str], *, before: str) -> str:
    """The text of one migration."""
    dependencies = f'[("{label}", "{before}")]' if before else "[]"
    listed = ", ".join(f"migrations.{operation}" for operation in operations).replace("{label}", label)
    return f"{HEAD}    dependencies = {dependencies}\n    operations = [{listed}]\n"
