from __future__ import annotations

import uuid

import django.db.models.deletion
from django.db import migrations, models

from multi_tenant.registry.fields import AliasField, EncryptedJSONField

STATES = ["pending", "provisioning", "failed", "active", "suspended", "deleting", "deleted"]


class Migration(migrations.Migration):
    initial = True

    operations = [
        migrations.CreateModel(
            name="DatabaseServer",
            fields=[
                (
                    "uuid",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("name", models.SlugField(unique=True, verbose_name="name")),
                ("credentials", EncryptedJSONField(verbose_name="administrative credentials")),
                ("accepts_tenants", models.BooleanField(default=True, verbose_name="accepts new tenants")),
            ],
            options={
                "verbose_name": "database server",
                "db_table": "multi_tenant_server",
                "abstract": False,
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="RegistryVersion",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("version", models.BigIntegerField(default=0)),
            ],
            options={"db_table": "multi_tenant_version"},
        ),
        migrations.CreateModel(
            name="Tenant",
            fields=[
                (
                    "uuid",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("alias", AliasField(max_length=48, unique=True, verbose_name="alias")),
                ("name", models.CharField(blank=True, max_length=200, verbose_name="name")),
                (
                    "state",
                    models.CharField(
                        choices=[(state, state) for state in STATES],
                        default="pending",
                        editable=False,
                        max_length=16,
                        verbose_name="state",
                    ),
                ),
                (
                    "step",
                    models.CharField(blank=True, editable=False, max_length=32, verbose_name="last step done"),
                ),
                ("error", models.TextField(blank=True, editable=False, verbose_name="error")),
                (
                    "placement",
                    models.CharField(
                        choices=[
                            ("public", "the public database's server"),
                            ("server", "a database server of the registry"),
                            ("own", "the tenant's own server"),
                        ],
                        default="public",
                        editable=False,
                        max_length=8,
                    ),
                ),
                ("database", EncryptedJSONField(blank=True, null=True, verbose_name="database entry")),
                ("adopted", models.BooleanField(default=False, editable=False, verbose_name="adopted")),
                (
                    "location",
                    models.CharField(blank=True, editable=False, max_length=64, null=True, unique=True),
                ),
                (
                    "fingerprint",
                    models.CharField(blank=True, editable=False, max_length=64, verbose_name="migration fingerprint"),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="updated")),
                (
                    "deleted_at",
                    models.DateTimeField(blank=True, editable=False, null=True, verbose_name="deleted"),
                ),
                (
                    "server",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="multi_tenant.databaseserver",
                        verbose_name="server",
                    ),
                ),
            ],
            options={
                "verbose_name": "tenant",
                "db_table": "multi_tenant_tenant",
                "ordering": ("alias",),
                "abstract": False,
                "swappable": "TENANT_MODEL",
                "base_manager_name": "objects",
            },
        ),
    ]
