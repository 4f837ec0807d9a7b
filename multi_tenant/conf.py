"""The settings of multi_tenant: the one reader of Django's settings, used by every other module."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from django.apps import AppConfig, apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed

from multi_tenant.exceptions import ConfigurationError

#: The settings that may stand in ``MULTI_TENANT``; a check names any other.
NAMES = frozenset(
    {
        "ARCHIVE_DIR",
        "DATABASE_PREFIX",
        "ENCRYPTION_KEYS",
        "ENTRY_DEFAULTS",
        "ENTRY_HOSTS",
        "GUARD",
        "HEALTH_PATHS",
        "INVITATION_TTL",
        "MAX_CONNECTIONS_PER_THREAD",
        "MEMBERSHIP_TTL",
        "MEMBER_RESOLVERS",
        "PUBLIC_HOSTS",
        "REGISTRY_STALE_IF_ERROR",
        "REGISTRY_TTL",
        "RESOLVERS",
        "SESSION_SCOPE",
        "SHARED_APPS",
        "SQLITE_DIR",
        "TEMPLATES",
        "TENANT_APPS",
        "TENANT_LOGINS",
        "TRUSTED_PROXIES",
    }
)
E = TypeVar("E", bound=Enum)
DEFAULT_TENANT_MODEL = "multi_tenant.Tenant"
REGISTRY_LABEL = "multi_tenant"


class Guard(Enum):
    """How far the guard behind the router goes."""

    FULL = "full"
    STATEMENTS = "statements"
    OFF = "off"


class SessionScope(Enum):
    """How far a sign-in reaches."""

    TENANT = "tenant"
    SITE = "site"


class Conf:
    """Typed views of ``MULTI_TENANT``; values are worked out once and forgotten when a setting changes."""

    @cached_property
    def given(self) -> Mapping[str, Any]:
        """The ``MULTI_TENANT`` dict as the project wrote it."""
        value = getattr(settings, "MULTI_TENANT", {})
        if not isinstance(value, Mapping):
            raise ConfigurationError("The setting MULTI_TENANT is not a dict. Write MULTI_TENANT = {...}.")
        return value

    def forget(self) -> None:
        """Drop every value that was worked out, so that the next use reads the settings again."""
        self.__dict__.clear()

    @property
    def TENANT_MODEL(self) -> str:
        """``app_label.Model`` of the tenant model."""
        return str(getattr(settings, "TENANT_MODEL", DEFAULT_TENANT_MODEL))

    @property
    def AUTH_USER_MODEL(self) -> str:
        """``app_label.Model`` of the user model."""
        return str(settings.AUTH_USER_MODEL)

    @property
    def SESSION_COOKIE_NAME(self) -> str:
        """The name of the cookie that holds a session's key."""
        return str(settings.SESSION_COOKIE_NAME)

    @property
    def SESSION_ENGINE(self) -> str:
        """The dotted path of what keeps sessions."""
        return str(settings.SESSION_ENGINE)

    @property
    def LOGIN_REDIRECT_URL(self) -> str:
        """Where one goes who has signed in: a URL, or the name of one."""
        return str(settings.LOGIN_REDIRECT_URL)

    @property
    def has_tenant_model(self) -> bool:
        """Whether the project names a tenant model of its own."""
        return hasattr(settings, "TENANT_MODEL")

    @cached_property
    def SHARED_APPS(self) -> tuple[str, ...]:
        """Apps whose tables are in the public database."""
        return self._strings("SHARED_APPS")

    @cached_property
    def TENANT_APPS(self) -> tuple[str, ...]:
        """Apps whose tables are in every tenant's database."""
        return self._strings("TENANT_APPS")

    @cached_property
    def shared_labels(self) -> frozenset[str]:
        """Labels of SHARED_APPS; the registry itself is always among them."""
        return frozenset({REGISTRY_LABEL, *map(app_label, self.SHARED_APPS)})

    @cached_property
    def tenant_labels(self) -> frozenset[str]:
        """Labels of TENANT_APPS."""
        return frozenset(map(app_label, self.TENANT_APPS))

    @cached_property
    def ENCRYPTION_KEYS(self) -> tuple[str, ...]:
        """Fernet keys, newest first: the first one writes, all read."""
        keys = self._strings("ENCRYPTION_KEYS")
        if not keys:
            raise ConfigurationError(
                'MULTI_TENANT["ENCRYPTION_KEYS"] is empty. Make a key with '
                "`cryptography.fernet.Fernet.generate_key()` and keep it outside the code."
            )
        return keys

    @cached_property
    def RESOLVERS(self) -> tuple[str | tuple[str, Mapping[str, Any]], ...]:
        """Dotted paths, or ``(path, options)``, asked in turn which tenant a request is for."""
        return tuple(self._value("RESOLVERS", Sequence, ("multi_tenant.resolvers.DomainResolver",)))

    @cached_property
    def PUBLIC_HOSTS(self) -> tuple[str, ...]:
        """Hosts of the public site."""
        return self._strings("PUBLIC_HOSTS")

    @cached_property
    def HEALTH_PATHS(self) -> tuple[str, ...]:
        """Paths answered without a tenant."""
        return self._strings("HEALTH_PATHS")

    @cached_property
    def TRUSTED_PROXIES(self) -> tuple[str, ...]:
        """Addresses and networks whose headers may name a tenant."""
        return self._strings("TRUSTED_PROXIES")

    @cached_property
    def SQLITE_DIR(self) -> Path:
        """The one directory for tenants' SQLite files; by default ``tenants/`` beside the public file."""
        given = self.given.get("SQLITE_DIR")
        if given:
            return Path(given)
        name = str(self.public_database.get("NAME") or "")
        if "sqlite" in str(self.public_database.get("ENGINE")) and name and ":memory:" not in name:
            return Path(name).absolute().parent / "tenants"
        return Path(getattr(settings, "BASE_DIR", None) or Path.cwd()) / "tenants"

    @cached_property
    def ARCHIVE_DIR(self) -> Path:
        """Where deleted tenants' archives are kept; by default ``archive/`` in BASE_DIR."""
        given = self.given.get("ARCHIVE_DIR")
        return Path(given or Path(getattr(settings, "BASE_DIR", None) or Path.cwd()) / "archive")

    @cached_property
    def DATABASE_PREFIX(self) -> str:
        """What the physical name of each tenant's database begins with."""
        return str(self._value("DATABASE_PREFIX", str, "tenant_"))

    @cached_property
    def ENTRY_DEFAULTS(self) -> Mapping[str, Any]:
        """Keys that entries of tenants get where they do not have them."""
        return dict(self._value("ENTRY_DEFAULTS", Mapping, {}))

    @cached_property
    def ENTRY_HOSTS(self) -> frozenset[str]:
        """Hosts that an entry may name although the rules would refuse them; "" allows the empty host."""
        return frozenset(self._strings("ENTRY_HOSTS"))

    @cached_property
    def GUARD(self) -> Guard:
        """How far the guard goes: statements and querysets (``full``), statements alone, or not at all (``off``)."""
        return self._choice("GUARD", Guard.FULL)

    @cached_property
    def SESSION_SCOPE(self) -> SessionScope:
        """Whether a session of one tenant is nothing elsewhere (``tenant``), or one sign-in is for all (``site``)."""
        return self._choice("SESSION_SCOPE", SessionScope.TENANT)

    @cached_property
    def MEMBERSHIP_TTL(self) -> float:
        """Seconds for which a process may go on with what it knows of a member; 0 asks at each request."""
        return self._seconds("MEMBERSHIP_TTL", 0)

    @cached_property
    def INVITATION_TTL(self) -> float:
        """Seconds within which an invitation is to be accepted."""
        return self._seconds("INVITATION_TTL", 7 * 24 * 60 * 60)

    @cached_property
    def MEMBER_RESOLVERS(self) -> tuple[str | tuple[str, Mapping[str, Any]], ...]:
        """Dotted paths, or ``(path, options)``, asked on the public site which tenant a visitor is to be taken to."""
        return tuple(self._value("MEMBER_RESOLVERS", Sequence, ()))

    @property
    def ROOT_URLCONF(self) -> str:
        """The dotted path of the project's URLs, "" where there are none."""
        return str(getattr(settings, "ROOT_URLCONF", ""))

    @cached_property
    def TEMPLATES(self) -> bool:
        """Whether new databases are cloned from a template, rather than migrated one by one."""
        return bool(self._value("TEMPLATES", bool, True))

    @cached_property
    def TENANT_LOGINS(self) -> bool:
        """Whether tenants on the deployment's own servers get logins that may do no more than work with their rows."""
        return bool(self._value("TENANT_LOGINS", bool, True))

    @cached_property
    def REGISTRY_TTL(self) -> float:
        """Seconds within which every process obeys a change of the registry."""
        return self._seconds("REGISTRY_TTL", 5)

    @cached_property
    def REGISTRY_STALE_IF_ERROR(self) -> float:
        """Seconds for which cached tenants are served while the public database is out of reach."""
        return self._seconds("REGISTRY_STALE_IF_ERROR", 300)

    @cached_property
    def MAX_CONNECTIONS_PER_THREAD(self) -> int:
        """How many tenant connections one thread keeps open at most."""
        value = self._value("MAX_CONNECTIONS_PER_THREAD", int, 20)
        if value < 1:
            raise ConfigurationError('MULTI_TENANT["MAX_CONNECTIONS_PER_THREAD"] is below 1. Give at least 1.')
        return int(value)

    @property
    def public_database(self) -> Mapping[str, Any]:
        """``DATABASES["default"]``: the public database."""
        databases: Mapping[str, Mapping[str, Any]] = settings.DATABASES
        return databases.get("default") or {}

    @property
    def static_databases(self) -> Mapping[str, Mapping[str, Any]]:
        """``DATABASES``, whole."""
        databases: Mapping[str, Mapping[str, Any]] = settings.DATABASES
        return databases

    @property
    def DEBUG(self) -> bool:
        """Whether answers may tell what the project's developer needs to know."""
        return bool(settings.DEBUG)

    def settle_asset_urls(self) -> None:
        """Have Django work out STATIC_URL and MEDIA_URL now: it keeps the script prefix of their first use."""
        for name in ("STATIC_URL", "MEDIA_URL"):
            getattr(settings, name)

    @property
    def middleware(self) -> Sequence[str]:
        """``MIDDLEWARE``, for the checks."""
        return list(settings.MIDDLEWARE)

    @property
    def database_routers(self) -> Sequence[Any]:
        """``DATABASE_ROUTERS``, for the checks."""
        return list(settings.DATABASE_ROUTERS)

    def _value(self, name: str, kind: Any, default: Any) -> Any:
        value = self.given.get(name, default)
        wrong = not isinstance(value, kind) or (isinstance(value, (str, bool)) and kind not in (str, bool))
        if wrong:
            raise ConfigurationError(
                f'MULTI_TENANT["{name}"] is a {type(value).__name__}. Give a {kind.__name__.lower()}.'
            )
        return value

    def _choice(self, name: str, default: E) -> E:
        value = self._value(name, str, default.value)
        try:
            return type(default)(value)
        except ValueError:
            known = ", ".join(repr(one.value) for one in type(default))
            raise ConfigurationError(f'MULTI_TENANT["{name}"] is {value!r}. Give one of {known}.') from None

    def _strings(self, name: str) -> tuple[str, ...]:
        values = self._value(name, Sequence, ())
        return tuple(value.decode() if isinstance(value, bytes) else str(value) for value in values)

    def _seconds(self, name: str, default: float) -> float:
        value = self.given.get(name, default)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0:
            raise ConfigurationError(f'MULTI_TENANT["{name}"] is not a number of seconds. Give 0 or more.')
        return float(value)


def app_label(entry: str) -> str:
    """The label of an app as INSTALLED_APPS, SHARED_APPS or TENANT_APPS name it.

    Raises ConfigurationError when there is no such app.
    """
    for config in apps.app_configs.values():
        if entry in (config.name, config.label, f"{type(config).__module__}.{type(config).__qualname__}"):
            return config.label
    try:
        return AppConfig.create(entry).label
    except (ImportError, ImproperlyConfigured, ValueError) as exc:
        raise ConfigurationError(
            f"{entry!r} in SHARED_APPS or TENANT_APPS is not an app. Write it as in INSTALLED_APPS."
        ) from exc


def forget_on_change(*, setting: str, **kwargs: Any) -> None:
    """Receive ``setting_changed``: forget what was worked out from a setting that changed."""
    if setting in ("MULTI_TENANT", "DATABASES", "INSTALLED_APPS", "BASE_DIR"):
        conf.forget()


conf = Conf()
setting_changed.connect(forget_on_change, dispatch_uid="multi_tenant.conf")
