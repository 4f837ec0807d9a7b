from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.db import connections

from multi_tenant import ConfigurationError, tenant_context
from multi_tenant.context import public_context
from multi_tenant.fleet import keys
from multi_tenant.fleet.keys import Rotation, ciphertexts, rotate_each
from multi_tenant.registry import keys as registry_keys
from multi_tenant.registry.keys import sealed_with_newest
from multi_tenant.registry.models import DatabaseServer, RegistryVersion, Tenant
from multi_tenant.registry.store import store

ENTRY: Any = {"NAME": "acme.sqlite3", "PASSWORD": "pass-word"}


@pytest.fixture
def new_key(configure: Callable[..., None], settings: Any) -> str:
    """A key that is put before the others after two secrets were sealed."""
    Tenant.objects.create(alias="acme", database=ENTRY)
    Tenant.objects.create(alias="empty")
    DatabaseServer.objects.create(name="server", credentials=ENTRY)
    key = Fernet.generate_key().decode()
    configure(ENCRYPTION_KEYS=[key, *settings.MULTI_TENANT["ENCRYPTION_KEYS"]])
    return key


def rotate_all() -> Counter[Rotation]:
    return Counter(result.rotation for result in rotate_each(ciphertexts()))


def token(alias: str = "acme") -> str:
    return str(Tenant.objects.get(alias=alias).__dict__["database"].token)


@pytest.mark.usefixtures("registry")
class TestRotation:
    def test_every_secret_of_every_model_is_sealed_anew(self, new_key: str, configure: Callable[..., None]) -> None:
        assert not sealed_with_newest(token())
        assert rotate_all() == {Rotation.ROTATED: 2}
        configure(ENCRYPTION_KEYS=[new_key])
        assert Tenant.objects.get(alias="acme").database == ENTRY
        assert DatabaseServer.objects.get().credentials == ENTRY

    def test_a_second_run_finds_nothing_to_do(self, new_key: str) -> None:
        rotate_all()
        before = token()
        assert rotate_all() == {Rotation.CURRENT: 2}
        assert token() == before

    def test_a_run_that_was_killed_is_taken_up(self, new_key: str) -> None:
        next(rotate_each(ciphertexts()))
        assert rotate_all() == {Rotation.CURRENT: 1, Rotation.ROTATED: 1}

    def test_nobody_has_to_read_the_registry_again(self, new_key: str) -> None:
        before = RegistryVersion.objects.get().version
        rotate_all()
        assert RegistryVersion.objects.get().version == before

    def test_a_row_that_is_gone_meanwhile_is_no_failure(self, new_key: str) -> None:
        found = ciphertexts()
        Tenant.objects.all().delete()
        assert Counter(result.rotation for result in rotate_each(found)) == {Rotation.CURRENT: 1, Rotation.ROTATED: 1}

    @pytest.mark.parametrize("sealed_before", [True, False])
    def test_a_ciphertext_that_was_moved_here_is_told_and_left(
        self, new_key: str, configure: Callable[..., None], settings: Any, sealed_before: bool
    ) -> None:
        keyring = settings.MULTI_TENANT["ENCRYPTION_KEYS"]
        configure(ENCRYPTION_KEYS=keyring[1:] if sealed_before else keyring)
        elsewhere: Any = {"NAME": "other.sqlite3"}
        other = Tenant.objects.create(alias="other", database=elsewhere)
        configure(ENCRYPTION_KEYS=keyring)
        sealed = other.__dict__["database"]
        Tenant.objects.filter(alias="acme").update(database=sealed)
        [failure] = [result for result in rotate_each(ciphertexts()) if result.rotation is Rotation.FAILED]
        assert "was written for another row or column" in failure.error
        assert token() == sealed.token

    def test_without_the_old_key_nothing_is_lost(self, configure: Callable[..., None]) -> None:
        Tenant.objects.create(alias="acme", database=ENTRY)
        before = token()
        configure(ENCRYPTION_KEYS=[Fernet.generate_key().decode()])
        assert rotate_all() == {Rotation.FAILED: 1}
        assert token() == before

    def test_what_others_write_meanwhile_is_not_overwritten(
        self, new_key: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A row is written anew between its reading and its writing: the race that the comparison is for."""
        fresh: Any = {"NAME": "moved.sqlite3"}
        written: list[str] = []

        def seal(value: Any, *, binding: str) -> str:
            if binding.startswith("multi_tenant_tenant.") and not written:
                row = Tenant.objects.get(alias="acme")
                row.database = fresh
                row.save()
                written.append(token())
            return original(value, binding=binding)

        original = registry_keys.seal
        monkeypatch.setattr(keys, "seal", seal)
        assert rotate_all() == {Rotation.CURRENT: 1, Rotation.ROTATED: 1}
        assert [token()] == written
        assert Tenant.objects.get(alias="acme").database == fresh

    def test_an_encrypted_field_of_a_tenants_app_is_refused(
        self, new_key: str, configure: Callable[..., None], settings: Any
    ) -> None:
        configure(TENANT_APPS=[*settings.MULTI_TENANT["TENANT_APPS"], "multi_tenant"])
        with pytest.raises(ConfigurationError, match="is encrypted, and its app is in TENANT_APPS"):
            ciphertexts()


def test_tenants_are_served_while_keys_rotate(acme: Any, configure: Callable[..., None], settings: Any) -> None:
    reads: list[str] = []
    stopped = threading.Event()

    def serve() -> None:
        try:
            while not stopped.is_set():
                store.clear()
                with tenant_context("acme"):
                    reads.append(connections["default"].settings_dict["NAME"])
        finally:
            with public_context():
                connections.close_all()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        for _ in range(20):
            key = Fernet.generate_key().decode()
            configure(ENCRYPTION_KEYS=[key, *settings.MULTI_TENANT["ENCRYPTION_KEYS"]])
            assert rotate_all() == {Rotation.ROTATED: 1}
    finally:
        stopped.set()
        thread.join()
    assert set(reads) == {acme.entry()["NAME"]}
