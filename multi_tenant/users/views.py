"""Pages on which a person sees its tenants and goes from one to another; a project includes their URLs."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.generic import TemplateView, View

from multi_tenant.context import active_place
from multi_tenant.users.public import read_public
from multi_tenant.users.resolvers import CHOICE, tenants_of


@method_decorator([never_cache, csrf_protect], name="dispatch")
class TenantsView(LoginRequiredMixin, TemplateView):
    """The tenants that who is signed in may enter; the template gets ``tenants`` and whether one was ``chosen``."""

    template_name = "multi_tenant/users/tenants.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        mine = read_public(lambda: list(tenants_of(self.request.user.pk)))
        here = active_place.get().uuid
        tenants = [
            {"alias": alias, "uuid": uuid, "name": name, "is_current": uuid == here} for alias, uuid, name in mine
        ]
        return super().get_context_data(tenants=tenants, chosen=CHOICE in self.request.session, **kwargs)


@method_decorator([never_cache, csrf_protect], name="dispatch")
class SwitchView(LoginRequiredMixin, View):
    """Notes in the session which tenant SessionResolver is to take the person to, and goes on to ``next``.

    Takes the tenant's uuid as ``tenant``, an empty one to stay on the public site. What is no tenant of the person's is
    not found, whether or not there is such a tenant.
    """

    http_method_names = ("post",)
    next_page = "/"

    def post(self, request: HttpRequest) -> HttpResponse:
        wanted = request.POST.get("tenant", "")
        if wanted:
            request.session[CHOICE] = self.find(request.user.pk, wanted)
        else:
            request.session.pop(CHOICE, None)
        return HttpResponseRedirect(self.get_next_page())

    def find(self, key: Any, wanted: str) -> list[str]:
        """What the session is to hold. Raises Http404."""
        try:
            uuid = UUID(wanted)
        except ValueError:
            raise Http404 from None
        for alias, found, _ in read_public(lambda: list(tenants_of(key).filter(tenant_id=uuid))):
            return [alias, str(found)]
        raise Http404

    def get_next_page(self) -> str:
        """Where to go then; never to another site."""
        page = self.request.POST.get("next", "")
        hosts = {self.request.get_host()}
        if url_has_allowed_host_and_scheme(page, allowed_hosts=hosts, require_https=self.request.is_secure()):
            return page
        return self.next_page
