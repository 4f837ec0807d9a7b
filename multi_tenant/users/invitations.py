"""An invitation's way: the mail with its link, and the page on which it is accepted."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model, login
from django.contrib.auth.decorators import login_not_required
from django.core.mail import send_mail
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, resolve_url
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic.base import TemplateView

from multi_tenant.conf import conf
from multi_tenant.context import current_tenant, public_context
from multi_tenant.exceptions import InvalidAuthorityError, InvitationError
from multi_tenant.registry.aliases import PUBLIC
from multi_tenant.users.forms import PersonForm, SignUpForm, signed_in
from multi_tenant.users.joining import accept, find_invitation

#: The prefixes of the two forms of the page.
HAS_ACCOUNT, NEW = "person", "new"


def send_invitation(request: HttpRequest, invitation: Any) -> None:
    """Mail the link of a new invitation; the page it leads to is on the host of the request."""
    path = reverse("multi_tenant_users:invitation", args=[invitation.token])
    values = {"link": request.build_absolute_uri(path), "tenant": current_tenant(), "invitation": invitation}
    subject = render_to_string("multi_tenant/users/invitation_subject.txt", values)
    body = render_to_string("multi_tenant/users/invitation_mail.txt", values)
    send_mail(" ".join(subject.split()), body, None, [invitation.email])


@method_decorator([login_not_required, never_cache, csrf_protect, sensitive_post_parameters()], name="dispatch")
class InvitationView(TemplateView):
    """The page of an invitation in its tenant: one signs in with the account that one has, or makes one, and joins."""

    template_name = "multi_tenant/users/invitation.html"

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            self.email = invitation_here(kwargs["token"]).email
        except InvitationError as exc:
            return self.answer({"refusal": exc}, status=404)
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self.answer({"forms": self.forms(None)})

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Find or make the person, and make it a member; nobody is made where the invitation fails."""
        which = NEW if f"{NEW}-username" in request.POST else HAS_ACCOUNT
        with public_context():
            forms = self.forms(which)
            form = forms[which]
            is_valid = form.is_valid()
        if not is_valid:
            return self.answer({"forms": forms})
        try:
            with transaction.atomic(using=PUBLIC):
                with public_context():
                    person = form.person
                accept(kwargs["token"], person)
        except (InvitationError, InvalidAuthorityError) as exc:  # a group that it offers may be gone
            return self.answer({"refusal": exc}, status=404)
        member = signed_in(request, form)
        if member is not None:
            login(request, member)
        return redirect(resolve_url(conf.LOGIN_REDIRECT_URL))

    def forms(self, which: str | None) -> dict[str, Any]:
        """Both forms by name; the one that was sent has what was sent."""
        data = {name: self.request.POST if name == which else None for name in (HAS_ACCOUNT, NEW)}
        new = get_user_model()(**{get_user_model().EMAIL_FIELD: self.email})
        return {
            HAS_ACCOUNT: PersonForm(self.request, data[HAS_ACCOUNT], prefix=HAS_ACCOUNT),
            NEW: SignUpForm(data[NEW], instance=new, prefix=NEW),
        }

    def answer(self, values: dict[str, Any], *, status: int = 200) -> HttpResponse:
        """The page; where it links to is not told the invitation's token."""
        values = {**values, "email": getattr(self, "email", ""), "tenant": current_tenant()}
        response: HttpResponse = self.render_to_response(self.get_context_data(**values), status=status)
        response.headers["Referrer-Policy"] = "no-referrer"
        return response


def invitation_here(token: str) -> Any:
    """The invitation of a token to the active tenant. Raises InvitationError."""
    record = current_tenant()
    with public_context():
        invitation = find_invitation(token)
    if record is None or invitation.tenant_id != record.uuid:
        raise InvitationError("unknown")
    return invitation
