"""The forms by which people come into a tenant: to invite somebody, and to answer an invitation."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.contrib.auth import authenticate, get_user_model
from django.contrib.auth.forms import AuthenticationForm, BaseUserCreationForm
from django.contrib.auth.models import Group
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from multi_tenant.users.joining import invite


class InviteForm(forms.Form):
    """An address, and what its owner will be allowed to do in the active tenant.

    Where ``inviter`` is given, it offers no more than that member may do itself.
    """

    email = forms.EmailField(label=_("email address"))
    is_staff = forms.BooleanField(label=_("staff status"), required=False)
    is_superuser = forms.BooleanField(label=_("superuser status"), required=False)
    groups = forms.ModelMultipleChoiceField(Group._default_manager.none(), label=_("groups"), required=False)

    def __init__(self, *args: Any, inviter: Any = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        groups = Group._default_manager.all()  # those of the tenant that the form is made in
        if inviter is not None and not inviter.is_superuser:
            del self.fields["is_superuser"]
            groups = groups.filter(pk__in=groups_within(inviter.get_all_permissions()))
        cast("forms.ModelMultipleChoiceField[Group]", self.fields["groups"]).queryset = groups

    def invite(self, *, invited_by: Any = None) -> Any:
        """Make the invitation; it carries its token."""
        given = self.cleaned_data
        authority = {
            "is_staff": given["is_staff"],
            "is_superuser": given.get("is_superuser", False),
            "groups": [group.name for group in given["groups"]],
        }
        return invite(given["email"], authority=authority, invited_by=invited_by)


class PersonForm(AuthenticationForm):
    """The name and password of somebody who has an account, in whatever tenant; used in public."""

    @property
    def person(self) -> Any:
        """Who it is."""
        return self.get_user()


class SignUpForm(BaseUserCreationForm):  # type: ignore[type-arg]  # Django's own takes no argument
    """A new account for the owner of an address; used in public."""

    class Meta(BaseUserCreationForm.Meta):
        model = get_user_model()
        fields = ("username",)

    def validate_unique(self) -> None:
        """Nothing yet: a form that makes nobody anyway tells nobody whether a name is taken."""

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]  # Django's own, which validates the password
        if not self.errors:
            super().validate_unique()

    @property
    def person(self) -> Any:
        """The new identity."""
        return self.save()


def groups_within(permissions: set[str]) -> list[Any]:
    """The keys of the active tenant's groups that may do nothing but this."""
    groups = Group._default_manager.prefetch_related("permissions__content_type")
    return [group.pk for group in groups if permissions_of(group) <= permissions]


def permissions_of(group: Group) -> set[str]:
    """What a group may do, as it is asked for."""
    return {f"{each.content_type.app_label}.{each.codename}" for each in group.permissions.all()}


def signed_in(request: HttpRequest, form: Any) -> Any | None:
    """The member that the name and password of an answered form stand for in the active tenant."""
    password = form.cleaned_data.get("password") or form.cleaned_data.get("password1")
    return authenticate(request, username=form.cleaned_data["username"], password=password)
