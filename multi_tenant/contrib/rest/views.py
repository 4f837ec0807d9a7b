"""The view at which a member gets a token."""

from __future__ import annotations

from typing import Any

from rest_framework.authtoken.views import ObtainAuthToken
from rest_framework.response import Response

from multi_tenant.contrib.rest.tokens import issue_token


class ObtainTenantToken(ObtainAuthToken):
    """Takes a name and a password, and answers a token of the active tenant, wherever the table of tokens is."""

    def post(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        return Response({"token": issue_token(serializer.validated_data["user"])})
