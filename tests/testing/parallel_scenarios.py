"""Test classes for several processes: what lives in both places is found on the public site, where tests begin."""

from __future__ import annotations

from multiprocessing import parent_process

from django.test import TestCase

from tests.testapp.common.models import Country


class One(TestCase):
    def test_begins_on_the_public_site(self) -> None:
        assert parent_process() is not None
        Country.objects.create(code="IS")
        assert Country.objects.count() == 1


class Other(One):
    """Another class, for another process."""
