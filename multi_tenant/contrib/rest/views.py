"""The view at which a member gets a token."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from rest_framework.authtoken.models import Token
from rest_framework.authtoken.views import ObtainAuthToken
from rest_framework.response import Response

from multi_tenant.contrib.rest.tokens import has_tokens, issue_token


class ObtainTenantToken(ObtainAuthToken):
    """Takes a name and a password, and answers a token of the active tenant, wherever the table of tokens is.

    On the public site, where that table is in tenants alone, there is no such page.
    """

    def post(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        if not has_tokens(Token):
            raise Http404
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        return Response({"token": issue_token(serializer.validated_data["user"])})
