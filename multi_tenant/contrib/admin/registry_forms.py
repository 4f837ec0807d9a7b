"""The forms of the registry's admin: for new tenants, their ends, their domains, and servers."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.admin.widgets import AdminTextareaWidget, AdminTextInputWidget
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from multi_tenant.contrib.admin.secret_fields import FIELDS, MORE, ChangedEntryForm, EntryForm
from multi_tenant.exceptions import DecryptionError, InvalidAliasError, InvalidEntryError
from multi_tenant.lifecycle.reservation import public_hosts
from multi_tenant.registry.aliases import validate_alias
from multi_tenant.registry.entry import Entry
from multi_tenant.registry.hosts import InvalidHostError, normalise_host
from multi_tenant.registry.models import DatabaseServer, Domain
from multi_tenant.registry.rules import validate_driver, validate_engine


class CreateForm(EntryForm):
    """What ``create_tenant`` takes."""

    fieldsets = (
        (None, {"fields": ["alias", "name", "domains", "server"]}),
        (
            _("A server of the tenant's own"),
            {
                "fields": [*FIELDS, MORE],
                "classes": ["collapse"],
                "description": _("For a database that somebody else runs. It must not exist yet."),
            },
        ),
    )

    alias = forms.CharField(
        label=_("Alias"),
        widget=AdminTextInputWidget,
        help_text=_("What the tenant is called in code and commands. It cannot be changed later."),
    )
    name = forms.CharField(label=_("Name"), required=False, max_length=200, widget=AdminTextInputWidget)
    domains = forms.CharField(
        label=_("Domains"),
        required=False,
        widget=AdminTextareaWidget(attrs={"rows": 3}),
        help_text=_("Hosts that lead to the tenant, one on each line."),
    )
    server: Any = forms.ModelChoiceField(
        queryset=None,
        label=_("Database server"),
        required=False,
        empty_label=_("where the public database is"),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        servers: Any = self.fields["server"]
        servers.queryset = DatabaseServer.objects.filter(accepts_tenants=True)

    def clean_alias(self) -> str:
        try:
            return validate_alias(self.cleaned_data["alias"])
        except InvalidAliasError as exc:
            raise ValidationError(str(exc)) from exc

    def clean_domains(self) -> list[str]:
        try:
            return [normalise_host(host) for host in self.cleaned_data["domains"].split()]
        except InvalidHostError as exc:
            raise ValidationError(str(exc)) from exc

    def arguments(self) -> dict[str, Any]:
        """What was filled in, as ``create_tenant`` takes it."""
        values = {name: self.cleaned_data[name] for name in ("alias", "name", "domains", "server")}
        return {**values, "entry": self.given() or None}


class DeleteForm(forms.Form):
    """Asks for the alias, typed out, and how much is to go."""

    alias = forms.CharField(label=_("Alias"), widget=AdminTextInputWidget(attrs={"autocomplete": "off"}))
    archive = forms.BooleanField(
        label=_("Archive the database first"),
        required=False,
        initial=True,
        help_text=_("The file is written into ARCHIVE_DIR. Without it nothing is left of the data."),
    )
    force = forms.BooleanField(
        label=_("Delete it although it is active"),
        required=False,
        help_text=_("Otherwise it has to be suspended first."),
    )
    purge = forms.BooleanField(
        label=_("Free the alias"),
        required=False,
        help_text=_("Removes the row too. Cookies, mails and archives may still bear the alias."),
    )

    def __init__(self, *args: Any, tenant: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.tenant = tenant
        if tenant.state != "active":
            del self.fields["force"]
        if tenant.state == "deleted":
            del self.fields["archive"], self.fields["purge"]

    def clean_alias(self) -> str:
        if self.cleaned_data["alias"].strip() != self.tenant.alias:
            raise ValidationError(_("This is not the tenant's alias. Nothing was deleted."))
        return str(self.tenant.alias)


class DomainForm(forms.ModelForm):  # type: ignore[type-arg]  # Django's own takes no argument
    """A domain that may not be one of the public site's."""

    class Meta:
        model = Domain
        fields = ("tenant", "host")

    def clean_host(self) -> str:
        host = normalise_host(self.cleaned_data["host"])
        if host in public_hosts():
            raise ValidationError(_("This is a host of the public site. Choose another."))
        return host


class ServerForm(EntryForm, forms.ModelForm):  # type: ignore[type-arg]  # as above
    """A new server with the login that makes databases there."""

    class Meta:
        model = DatabaseServer
        fields = ("name", "accepts_tenants")

    def credentials(self) -> Entry:
        """What is to be stored."""
        return self.given()

    def clean(self) -> Any:
        super().clean()
        credentials = self.credentials()
        if not credentials:
            self.add_error("host", _("Give the server's host, and a login that may make databases there."))
        try:
            validate_engine(credentials)
            validate_driver(credentials)
        except InvalidEntryError as exc:
            self.add_entry_error(exc)
        return self.cleaned_data

    def save(self, commit: bool = True) -> DatabaseServer:
        fields: Any = self.instance  # the descriptor takes any mapping
        fields.credentials = self.credentials()
        server: DatabaseServer = super().save(commit)
        return server


class ChangedServerForm(ChangedEntryForm, ServerForm):
    """A server that is known already."""

    class Meta(ServerForm.Meta):
        pass

    def credentials(self) -> Entry:
        return self.merged(self.stored())

    def stored(self) -> Entry:
        """The credentials as they are; none where the key to them is lost."""
        try:
            return Entry(self.instance.credentials)
        except DecryptionError:
            return Entry()
