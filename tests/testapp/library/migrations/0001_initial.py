from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models

import multi_tenant.references


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Author",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100)),
            ],
        ),
        migrations.CreateModel(
            name="Tag",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("word", models.CharField(max_length=100)),
            ],
        ),
        migrations.CreateModel(
            name="Book",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("title", models.CharField(max_length=100)),
                (
                    "author",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="books", to="library.author"
                    ),
                ),
                ("tags", models.ManyToManyField(related_name="books", to="library.tag")),
            ],
        ),
        migrations.CreateModel(
            name="Card",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("holder", models.CharField(max_length=100)),
                ("plan", multi_tenant.references.PublicKey(models.BigIntegerField(), db_index=True)),
                (
                    "sponsor",
                    multi_tenant.references.PublicKey(models.UUIDField(), blank=True, db_index=True, null=True),
                ),
                (
                    "offer",
                    multi_tenant.references.PublicKey(
                        models.CharField(max_length=20), blank=True, db_index=True, null=True
                    ),
                ),
            ],
        ),
    ]
