"""The wiring of the users app: its only side effects."""

from __future__ import annotations

from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in
from django.utils.translation import gettext_lazy as _


class UsersConfig(AppConfig):
    """Installs identities, memberships and invitations, and the changes to Django's auth that they need."""

    name = "multi_tenant.users"
    label = "multi_tenant_users"
    verbose_name = _("Users")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from multi_tenant.users import memberships, patches
        from multi_tenant.users.identity import LAST_LOGIN_RECEIVER, note_login
        from multi_tenant.users.known import listen

        # What is signed, mailed or kept for a visitor of one tenant is bound to it.
        patches.install()

        # A process forgets what it knows of people when it changes them.
        listen()

        # Who leaves, or is kept out, leaves no open invitations behind.
        memberships.listen()

        # In place of Django's own receiver, whichever of the two apps comes first: a login is the person's own doing,
        # and is noted where the identity is.
        user_logged_in.disconnect(dispatch_uid=LAST_LOGIN_RECEIVER)
        user_logged_in.connect(note_login, dispatch_uid=LAST_LOGIN_RECEIVER)
