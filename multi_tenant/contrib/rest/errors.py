"""What an API answers to who would change a person's identity from within a tenant."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import PermissionDenied

from multi_tenant.exceptions import IdentityProtectedError


class IdentityProtected(PermissionDenied):  # as REST framework names what it answers with
    """403: who a person is belongs to the person."""

    # One sentence for all causes, so that it tells nobody whether a name is known elsewhere.
    default_detail = _("Who a person is cannot be changed or added here. Invite the person, or have it change itself.")
    default_code = "identity_protected"


def as_api_error(exc: Exception) -> Exception:
    """The error that REST framework answers, for one of ours that it does not know; else the same one.

    Errors about a tenant that is not served are left to the middleware, which has pages for them.
    """
    if not isinstance(exc, IdentityProtectedError):
        return exc
    answered = IdentityProtected()
    answered.__cause__ = exc
    return answered
