"""The pages of the tenants' admin that change tenants' lives: Django's own would do it inside a transaction."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.admin.helpers import AdminForm
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters

from multi_tenant.contrib.admin.entries import replace_entry
from multi_tenant.contrib.admin.operations import BY_NAME, FAILURES, OPERATIONS, Operation
from multi_tenant.contrib.admin.public_admin import PublicModelAdmin
from multi_tenant.contrib.admin.registry_forms import CreateForm, DeleteForm
from multi_tenant.contrib.admin.secret_fields import ChangedEntryForm
from multi_tenant.contrib.admin.transactions import outside_transactions
from multi_tenant.exceptions import DecryptionError, InvalidEntryError
from multi_tenant.lifecycle import create_tenant, delete, purge
from multi_tenant.lifecycle.provision import described
from multi_tenant.registry.entry import Entry
from multi_tenant.registry.models import Placement, TenantState

PAGE = "multi_tenant/admin/tenant_page.html"
ENTRY = "entry"


class TenantViews(PublicModelAdmin):
    """A ModelAdmin whose tenants are made, changed and deleted by the lifecycle; what it refuses becomes a message."""

    def get_urls(self) -> list[Any]:
        info = f"{self.opts.app_label}_{self.opts.model_name}"
        views = {operation.name: self.operation_view for operation in OPERATIONS} | {ENTRY: self.entry_view}
        return [
            *(
                path(
                    f"<path:object_id>/{name}/",
                    self.admin_site.admin_view(view),
                    {} if name == ENTRY else {"name": name},
                    name=f"{info}_{name}",
                )
                for name, view in views.items()
            ),
            *super().get_urls(),
        ]

    @outside_transactions
    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        return super().changelist_view(request, extra_context)

    @outside_transactions
    @method_decorator(sensitive_post_parameters())
    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> Any:
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = CreateForm(request.POST or None)
        if form.is_valid() and (tenant := self.created(form)) is not None:
            self.log_addition(request, tenant, [{"added": {}}])
            messages.success(request, _("Tenant %(tenant)s was created.") % {"tenant": tenant})
            return self.redirect_to(tenant)
        return self.page(request, form, title=_("Create a tenant"), button=_("Create"))

    @outside_transactions
    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> Any:
        tenant = self.tenant_or_404(request, object_id)
        if not self.has_delete_permission(request, tenant):
            raise PermissionDenied
        form = DeleteForm(request.POST or None, tenant=tenant)
        if form.is_valid() and self.deleted(request, tenant, form):
            return HttpResponseRedirect(self.url("changelist"))
        purges = tenant.state == TenantState.DELETED
        title = _("Purge %(tenant)s") if purges else _("Delete %(tenant)s")
        button = _("Purge") if purges else _("Delete")
        return self.page(request, form, tenant, title=title % {"tenant": tenant}, button=button, purges=purges)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        tenant = self.get_object(request, unquote(object_id))
        links = [] if tenant is None else self.links(request, tenant)
        return super().change_view(request, object_id, form_url, {"links": links, **(extra_context or {})})

    @outside_transactions
    def operation_view(self, request: HttpRequest, object_id: str, name: str) -> HttpResponse:
        """Ask whether an operation is meant, and do it."""
        tenant, operation = self.tenant_to_change(request, object_id), BY_NAME[name]
        if request.method == "POST":
            self.operate(request, tenant, operation)
            return self.redirect_to(tenant)
        title = f"{operation.label}: {tenant}"
        return self.page(request, None, tenant, title=title, button=operation.label, question=operation.question)

    @outside_transactions
    @method_decorator(sensitive_post_parameters())
    def entry_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Take other settings for a tenant's own server; none of those that are stored is shown."""
        tenant = self.tenant_to_change(request, object_id)
        if tenant.placement != Placement.OWN or tenant.database is None:
            raise Http404
        form = ChangedEntryForm(request.POST or None)
        if form.is_valid() and self.replaced(tenant, form):
            self.log_change(request, tenant, _("Changed the connection settings."))
            messages.success(request, _("The connection settings of %(tenant)s were changed.") % {"tenant": tenant})
            return self.redirect_to(tenant)
        return self.page(request, form, tenant, title=_("Connection of %(tenant)s") % {"tenant": tenant})

    def operate(self, request: HttpRequest, tenant: Any, operation: Operation) -> None:
        """Do an operation, log it and tell how it went."""
        try:
            answer = operation.run(tenant.alias)
        except FAILURES as exc:
            messages.error(request, described(exc))
        else:
            self.log_change(request, tenant, answer)
            messages.success(request, f"{tenant}: {answer}")

    def created(self, form: CreateForm) -> Any:
        """The tenant that was made; None, and the form tells why, where it could not be."""
        try:
            return create_tenant(**form.arguments())
        except InvalidEntryError as exc:
            form.add_entry_error(exc)
        except FAILURES as exc:
            form.add_error(None, described(exc))
        return None

    def deleted(self, request: HttpRequest, tenant: Any, form: DeleteForm) -> bool:
        """Whether the tenant was deleted; where it could not be, the form tells why."""
        options = form.cleaned_data
        try:
            if tenant.state != TenantState.DELETED:
                delete(tenant.alias, force=options.get("force", False), archive=options["archive"])
                self.log_change(request, tenant, _("Deleted."))
            if options.get("purge", True):
                gone: Any = [purge(tenant.alias)]
                self.log_deletions(request, gone)
        except FAILURES as exc:
            form.add_error(None, described(exc))
            return False
        messages.success(request, _("Tenant %(tenant)s was deleted.") % {"tenant": tenant})
        return True

    def replaced(self, tenant: Any, form: ChangedEntryForm) -> bool:
        """Whether other settings were stored; where they could not be, the form tells why."""
        try:
            entry = form.merged(stored_entry(tenant))
            if form.errors:
                return False
            replace_entry(tenant.alias, entry)
        except InvalidEntryError as exc:
            form.add_entry_error(exc)
        except FAILURES as exc:
            form.add_error(None, described(exc))
        return not form.errors

    def tenant_or_404(self, request: HttpRequest, object_id: str) -> Any:
        """The tenant of a page."""
        tenant = self.get_object(request, unquote(object_id))
        if tenant is None:
            raise Http404
        return tenant

    def tenant_to_change(self, request: HttpRequest, object_id: str) -> Any:
        """The tenant of a page that changes it. Raises PermissionDenied."""
        tenant = self.tenant_or_404(request, object_id)
        if not self.has_change_permission(request, tenant):
            raise PermissionDenied
        return tenant

    def links(self, request: HttpRequest, tenant: Any) -> list[dict[str, Any]]:
        """What can be done to a tenant as it is."""
        if not self.has_change_permission(request, tenant):
            return []
        links = {operation.name: operation.label for operation in OPERATIONS if operation.suits(tenant)}
        if tenant.placement == Placement.OWN and tenant.database is not None:
            links[ENTRY] = _("Connection")
        return [{"url": self.url(name, tenant), "label": label} for name, label in links.items()]

    def url(self, name: str, *tenants: Any) -> str:
        """The address of one of the pages."""
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_{name}"
        return reverse(name, args=[quote(tenant.pk) for tenant in tenants], current_app=self.admin_site.name)

    def redirect_to(self, tenant: Any) -> HttpResponseRedirect:
        """Back to a tenant's page."""
        return HttpResponseRedirect(self.url("change", tenant))

    def page(self, request: HttpRequest, form: Any, tenant: Any = None, **context: Any) -> TemplateResponse:
        """A page with a form, or with nothing but a question."""
        fieldsets = getattr(form, "fieldsets", None) or [(None, {"fields": list(form.fields if form else ())})]
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": tenant,
            "adminform": form and AdminForm(form, fieldsets, {}, (), model_admin=self),
            "errors": bool(form and form.errors),
            "button": _("Save"),
            **context,
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, PAGE, context)


def stored_entry(tenant: Any) -> Entry:
    """The settings as they were given; none where the key to them is lost."""
    try:
        return Entry(tenant.database)
    except DecryptionError:
        return Entry()
