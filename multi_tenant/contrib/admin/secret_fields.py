"""Form fields for connection settings: what is stored is never shown, what is typed is never shown again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib.admin.widgets import AdminTextareaWidget, AdminTextInputWidget
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from multi_tenant.conf import conf
from multi_tenant.exceptions import InvalidEntryError
from multi_tenant.registry.entry import Entry
from multi_tenant.registry.rules import ENGINES, KEYS

#: The keys of an entry that have a field of their own, by the field's name.
FIELDS: Mapping[str, str] = {
    "engine": "ENGINE",
    "host": "HOST",
    "port": "PORT",
    "database_name": "NAME",
    "user": "USER",
    "password": "PASSWORD",
}
#: What says where a password is sent to, and how.
SERVER_KEYS = ("ENGINE", "HOST", "PORT", "OPTIONS")
MORE = "more"
AFRESH = "afresh"


class UnshownTextarea(AdminTextareaWidget):
    """A text that is sent and not sent back, like a password."""

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        return super().get_context(name, None, attrs)


class SettingsField(forms.CharField):
    """Settings as one JSON object. Its errors repeat nothing of it."""

    widget = UnshownTextarea(attrs={"rows": 4})

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        if not text:
            return Entry()
        try:
            settings = json.loads(text)
        except (RecursionError, ValueError):
            settings = None
        if not isinstance(settings, dict):
            # Raised out here: the error of the parser, with the whole text in it, would be its context.
            raise ValidationError(_('This is not a JSON object. Give one such as {"OPTIONS": {…}}.'), code="json")
        return Entry(settings)


class EntryForm(forms.Form):
    """The fields of an entry, or of a server's credentials. None of them is ever given an initial value."""

    engine = forms.ChoiceField(label=_("Engine"), required=False)
    host = forms.CharField(label=_("Host"), required=False, widget=AdminTextInputWidget)
    port = forms.CharField(label=_("Port"), required=False, widget=AdminTextInputWidget)
    database_name = forms.CharField(label=_("Database"), required=False, widget=AdminTextInputWidget)
    user = forms.CharField(label=_("User"), required=False, widget=AdminTextInputWidget(attrs={"autocomplete": "off"}))
    password = forms.CharField(
        label=_("Password"),
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "class": "vTextField"}),
    )
    more = SettingsField(
        label=_("More settings"),
        required=False,
        help_text=_("A JSON object of further keys, such as OPTIONS, as in DATABASES. It is not shown again."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        engines: Any = self.fields["engine"]
        engines.choices = [("", "---------"), *((engine, engine) for engine in known_engines())]

    def clean(self) -> Any:
        super().clean()
        for key in FIELDS.values():
            if key in self.cleaned_data.get(MORE, ()):
                self.add_error(MORE, _("%(key)s has a field of its own. Fill in that.") % {"key": key})
        return self.cleaned_data

    def given(self) -> Entry:
        """What was filled in."""
        values = {key: self.cleaned_data.get(name) for name, key in FIELDS.items()}
        filled = {key: value for key, value in values.items() if value}
        return Entry({**filled, **(self.cleaned_data.get(MORE) or {})})

    def add_entry_error(self, exc: InvalidEntryError) -> None:
        """Show a refusal beside the field that it is about; it repeats no value."""
        names = {key: name for name, key in FIELDS.items()}
        key = str(exc.key or "").partition(".")[0]
        self.add_error(names.get(key, MORE if key in KEYS else None), str(exc))


class ChangedEntryForm(EntryForm):
    """The same for settings that are there already."""

    afresh = forms.BooleanField(
        label=_("Forget what is stored"),
        required=False,
        help_text=_("Otherwise a field that is left blank stays as it is. What is stored is not shown."),
    )

    def merged(self, stored: Entry) -> Entry:
        """What is to be stored: what was left blank stays as it is, unless all is given anew.

        A kept password goes where it went before; else whoever may edit a host could have it sent to their own. Adds
        an error where it would not.
        """
        given = self.given()
        if self.cleaned_data.get(AFRESH):
            return given
        moved = any(key in given and str(given[key]) != str(stored.get(key, "")) for key in SERVER_KEYS)
        if moved and stored.get("PASSWORD") and "PASSWORD" not in given:
            self.add_error("password", _("The stored password is for the server as it was. Type it again."))
        return Entry({**stored, **given})


def known_engines() -> list[str]:
    """The engines that an entry may name."""
    given = (conf.public_database.get("ENGINE"), conf.ENTRY_DEFAULTS.get("ENGINE"))
    return sorted(ENGINES | {str(engine) for engine in given if engine})
