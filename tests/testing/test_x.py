import pytest
from multi_tenant import *
from tests.testapp.library.models import Author
from multi_tenant.models import Tenant

@pytest.mark.parametrize("i", range(3))
def test_one(tenant, other_tenant, i):
    with tenant_context(tenant):
        assert not Author.objects.exists()
        Author.objects.create(name="x")
    with tenant_context(other_tenant):
        assert not Author.objects.exists()
@pytest.mark.django_db
def test_none(): assert not Tenant.objects.exists()

@pytest.mark.parametrize("i", range(3))
@pytest.mark.django_db(transaction=True)
def test_two(in_tenant, other_tenant, tenant_factory, i):
    assert not Author.objects.exists()
    Author.objects.create(name="x")
    with tenant_context(tenant_factory(f"acme-{i}", name="Acme"), switch=True):
        assert not Author.objects.exists()
        Author.objects.create(name="x")

@pytest.mark.parametrize("i", range(3))
def test_three(tenant_factory, i):
    a, b = [tenant_factory() for _ in range(2)]
    for t in a, b:
        with tenant_context(t):
            assert not Author.objects.exists()
            Author.objects.create(name="x")
    assert len(Tenant.objects.filter(alias__startswith="test-")) <= 4
