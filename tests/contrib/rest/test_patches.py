"""The changes to REST framework and simplejwt: made once, undone whole, and fitting their shape."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.core.checks import run_checks
from django.test import RequestFactory
from rest_framework import views
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from rest_framework_simplejwt.models import TokenUser
from rest_framework_simplejwt.tokens import AccessToken

from multi_tenant.checks import TAG
from multi_tenant.context import public_context, tenant_context
from multi_tenant.contrib.rest import jwt_patches, patches
from multi_tenant.contrib.rest.authentication import TenantAuthenticationMixin
from multi_tenant.exceptions import ConfigurationError
from multi_tenant.users.members import find_member
from tests.testapp.library.models import Author

#: What each replacement takes for granted. A patch without a line here fails the test.
SIGNATURES = {
    "Request.user": "(self)",
    "Request.auth": "(self)",
    "Request._authenticate": "(self)",
    "APIView.check_permissions": "(self, request)",
    "APIView.handle_exception": "(self, exc)",
    "Token.__init__": "(self, token=None, verify=True)",
    "Token.verify": "(self)",
    "BlacklistMixin.check_blacklist": "(self)",
    "BlacklistMixin.blacklist": "(self)",
    "BlacklistMixin.outstand": "(self)",
    "BlacklistMixin.for_user": "(cls, user)",
    "rest_framework_simplejwt.serializers.update_last_login": "(sender, user, **kwargs)",
}
#: The lines that a patch is about; without them it has lost its reason.
SHAPES = {
    "Request._authenticate": "self.user, self.auth = user_auth_tuple",
    "Request.user": "self._authenticate()",
    "Token.__init__": "self.verify()",
    "BlacklistMixin.outstand": "OutstandingToken.objects.get_or_create(",
    "BlacklistMixin.for_user": "OutstandingToken.objects.create(",
}
CHANGES = (*patches.PATCHES, *jwt_patches.chosen())


@pytest.fixture
def uninstalled() -> Iterator[None]:
    """REST framework and simplejwt as they are without us."""
    patches.undo()
    try:
        yield
    finally:
        patches.apply(CHANGES)


def function(member: Any) -> Any:
    member = member.fget if isinstance(member, property) else member
    return getattr(member, "__func__", member)


def bare(signature: inspect.Signature) -> str:
    return str(
        signature.replace(
            parameters=[p.replace(annotation=p.empty) for p in signature.parameters.values()],
            return_annotation=inspect.Signature.empty,
        )
    )


def originals() -> dict[str, Any]:
    return {f"{owner.__name__}.{name}": function(found) for (owner, name), found in patches.originals.items()}


def test_what_is_changed_has_the_shape_that_is_expected() -> None:
    found = originals()
    assert {name: bare(inspect.signature(original)) for name, original in found.items()} == SIGNATURES
    for name, line in SHAPES.items():
        assert line in inspect.getsource(found[name])


def test_rest_frameworks_rollback_asks_what_a_tenants_connection_knows() -> None:
    assert "connections.all(" in inspect.getsource(views.set_rollback)
    assert "settings_dict['ATOMIC_REQUESTS']" in inspect.getsource(views.set_rollback)


def test_installing_twice_is_installing_once() -> None:
    before = {(owner, name): owner.__dict__[name] for owner, name, _ in CHANGES}
    patches.apply(CHANGES)
    assert all(owner.__dict__[name] is found for (owner, name), found in before.items())


def test_a_version_of_another_shape_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="no person by which"):
        patches.apply([(Request, "person", lambda original: original)])


def test_undoing_leaves_nothing_behind(uninstalled: None) -> None:
    assert patches.originals == {}
    told = [message.msg for message in run_checks(tags=[TAG]) if message.id == "multi_tenant.E012"]
    assert "Request.user" in told[0]
    for owner, name, _ in CHANGES:
        assert not function(owner.__dict__[name]).__module__.startswith("multi_tenant")


class Answers(BaseAuthentication):
    """Lets in whom it is told to."""

    def __init__(self, user: Any, credential: Any = None) -> None:
        self.answer = (user, credential)

    def authenticate(self, request: Any) -> Any:
        return self.answer


class TenantAnswers(TenantAuthenticationMixin, Answers):
    """The same with ours before it."""


def asked(user: Any, credential: Any = None, cls: type[Answers] = Answers) -> Request:
    return Request(RequestFactory().get("/"), authenticators=[cls(user, credential)])


@pytest.mark.django_db
def test_without_us_a_class_lets_strangers_in(uninstalled: None, ann: Any, bolt: Any) -> None:
    """The control of the next one."""
    with tenant_context("acme"):
        member = find_member(ann.pk)
    with tenant_context("bolt"):
        assert asked(member).user is member
        with pytest.raises(AuthenticationFailed):
            TenantAnswers(member).authenticate(asked(None))


@pytest.mark.django_db
def test_a_stranger_leaves_nothing_on_the_request(ann: Any, bolt: Any) -> None:
    with tenant_context("acme"):
        member = find_member(ann.pk)
    with tenant_context("bolt"):
        request = asked(member, "a credential")
        with pytest.raises(AuthenticationFailed):
            request.user  # noqa: B018  # it is looked for when it is asked for
        assert isinstance(request.user, AnonymousUser)
        assert isinstance(request._request.user, AnonymousUser)
        assert (request.auth, request.successful_authenticator) == (None, None)


@pytest.mark.django_db
def test_a_view_cannot_make_a_stranger_the_user(ann: Any, root: Any, bolt: Any) -> None:
    with tenant_context("bolt"):
        request = asked(None)
        for user in (ann, root, get_user_model()(username="made up", is_superuser=True)):
            with pytest.raises(AuthenticationFailed):
                request.user = user
        request.user = AnonymousUser()


@pytest.mark.django_db
def test_objects_that_only_look_like_people_are_nobody(bob: Any) -> None:
    with tenant_context("acme"):
        lookalike = Author.objects.create(name="Ann")
        lookalike.pk, lookalike.is_authenticated = bob.pk, True  # type: ignore[attr-defined]  # what a user has
        for user in (lookalike, "bob", object()):
            with pytest.raises(AuthenticationFailed):
                asked(user).user  # noqa: B018  # as above


@pytest.mark.django_db
def test_who_is_made_of_a_token_alone_has_the_members_authority(bob: Any) -> None:
    with tenant_context("acme"):
        member: Any = find_member(bob.pk)
        token = AccessToken.for_user(member)
        token["is_superuser"] = token["is_staff"] = True
        user = asked(TokenUser(token)).user
        assert (user.username, user.is_staff, user.is_superuser) == ("bob", False, False)
        token["user_id"] = "no key"
        with pytest.raises(AuthenticationFailed):
            asked(TokenUser(token)).user  # noqa: B018  # as above


@pytest.mark.django_db
def test_a_platforms_credential_is_refused_with_its_person(bob: Any) -> None:
    with public_context():
        row = get_user_model().objects.get(pk=bob.pk)
    with tenant_context("acme"):
        with pytest.raises(AuthenticationFailed):
            asked(bob, row).user  # noqa: B018  # as above
        assert asked(bob).user.username == "bob"
