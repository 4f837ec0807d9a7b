"""People in the admin: identities, memberships and invitations on the public site, its members in each tenant."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth import get_user_model
from django.contrib.auth.admin import UserAdmin
from django.core.exceptions import PermissionDenied
from django.forms import ModelForm
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy

from multi_tenant.context import active_place
from multi_tenant.users.forms import InviteForm
from multi_tenant.users.invitations import send_invitation
from multi_tenant.users.joining import revoke, strip_former
from multi_tenant.users.models import GlobalUser, Invitation, Membership


class MembershipForm(ModelForm):  # type: ignore[type-arg]  # Django's own takes no argument
    """A membership; one that is added gives nothing of what the person was in the tenant before."""

    def save(self, commit: bool = True) -> Any:
        if self.instance._state.adding:
            strip_former(self.instance.user_id, self.instance.tenant)
        return super().save(commit)


class MembershipInline(admin.TabularInline):  # type: ignore[type-arg]  # as above
    """The tenants that a person belongs to, on the identity's page."""

    model = Membership
    form = MembershipForm
    fields = ("tenant", "is_active", "created_at")
    readonly_fields = ("created_at",)
    extra = 0


class GlobalUserAdmin(UserAdmin):  # type: ignore[type-arg]  # as above
    """Users: on the public site they are edited as ever; in a tenant, who a person is is shown, and what it may do set.

    In a tenant nobody is made: the page that adds a user invites one, and says the same whoever the address belongs to.
    """

    inlines = (MembershipInline,)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        given = super().get_readonly_fields(request, obj)
        return (*given, *self.model.IDENTITY_FIELDS) if active_place.get().is_tenant and obj else given

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        if not active_place.get().is_tenant:
            return fieldsets
        return [(name, {**options, "fields": without(options["fields"], "password")}) for name, options in fieldsets]

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> Any:
        if not active_place.get().is_tenant:
            return super().add_view(request, form_url, extra_context)
        return self.invite_view(request)

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> Any:  # noqa: A002  # as Django names it
        """Django's page for another's password, which no tenant has."""
        if active_place.get().is_tenant:
            raise Http404
        return super().user_change_password(request, id, form_url)

    def invite_view(self, request: HttpRequest) -> HttpResponse:
        """In place of the page that adds a user, in a tenant."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = InviteForm(request.POST or None, inviter=request.user)  # nobody gives what he has not
        if request.method == "POST" and form.is_valid():
            self.send(request, form.invite(invited_by=request.user))
            return redirect(f"{self.admin_site.name}:{self.opts.app_label}_{self.opts.model_name}_changelist")
        context = {**self.admin_site.each_context(request), "title": gettext("Invite somebody"), "form": form}
        context |= {"opts": self.opts, "app_label": self.opts.app_label}
        return TemplateResponse(request, "multi_tenant/users/admin_invite.html", context)

    def send(self, request: HttpRequest, invitation: Any) -> None:
        """Mail the invitation, and say so; a project without the page for it is told how to have one."""
        try:
            send_invitation(request, invitation)
        except NoReverseMatch:
            revoke(invitation)
            text = gettext('There is no page to accept it on. Put include("multi_tenant.users.urls") into the URLs.')
            messages.error(request, text)
            return
        messages.success(request, gettext("An invitation is on its way to %s.") % invitation.email)


class MembershipAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # as above
    """Who belongs to which tenant, on the public site."""

    form = MembershipForm
    list_display = ("user", "tenant", "is_active", "created_at")
    list_filter = ("is_active", "tenant")
    list_select_related = ("user", "tenant")
    autocomplete_fields = ("user",)
    search_fields = ("user__username", "tenant__alias")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("user", "tenant") if obj else ()


class InvitationAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # as above
    """The invitations that were sent, on the public site; they are made in tenants, and taken back here."""

    list_display = ("email", "tenant", "state", "created_at", "expires_at")
    list_filter = ("tenant",)
    list_select_related = ("tenant",)
    search_fields = ("email",)
    actions = ("revoke_selected",)

    @admin.display(description=gettext_lazy("state"))
    def state(self, invitation: Invitation) -> str:
        """What has become of it."""
        if invitation.accepted_at:
            return gettext("accepted")
        if invitation.revoked_at:
            return gettext("taken back")
        return gettext("expired") if invitation.expires_at <= timezone.now() else gettext("open")

    @admin.action(permissions=["delete"], description=gettext_lazy("Take the selected invitations back"))
    def revoke_selected(self, request: HttpRequest, queryset: Any) -> None:
        """Take back those that nobody has accepted."""
        for invitation in queryset:
            revoke(invitation)
        messages.success(request, gettext("The open ones were taken back."))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def without(fields: Any, name: str) -> tuple[Any, ...]:
    """The fields but one."""
    return tuple(field for field in fields if field != name)


admin.site.register(Membership, MembershipAdmin)
admin.site.register(Invitation, InvitationAdmin)
if get_user_model() is GlobalUser:
    admin.site.register(GlobalUser, GlobalUserAdmin)
