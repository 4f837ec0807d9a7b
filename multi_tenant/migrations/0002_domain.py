from __future__ import annotations

import uuid

import django.db.models.deletion
from django.db import migrations, models

from multi_tenant.conf import conf
from multi_tenant.registry.fields import HostField


class Migration(migrations.Migration):
    # Apart from the first migration, which a tenant model of the project's own depends on.
    dependencies = [("multi_tenant", "0001_initial"), migrations.swappable_dependency(conf.TENANT_MODEL)]

    operations = [
        migrations.CreateModel(
            name="Domain",
            fields=[
                (
                    "uuid",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("host", HostField(max_length=253, unique=True, verbose_name="host")),
                (
                    "created_at",
                    models.DateTimeField(auto_now_add=True, verbose_name="created"),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="domains",
                        to=conf.TENANT_MODEL,
                        verbose_name="tenant",
                    ),
                ),
            ],
            options={
                "verbose_name": "domain",
                "db_table": "multi_tenant_domain",
                "ordering": ("host",),
                "abstract": False,
                "base_manager_name": "objects",
            },
        ),
    ]
