"""An API with each kind of authentication, stock and ours; imported by Django where REST framework is installed."""

from __future__ import annotations

from typing import Any

from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView
from rest_framework import authentication, exceptions, permissions, serializers, viewsets
from rest_framework.authtoken.views import obtain_auth_token
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework_simplejwt import authentication as jwt_authentication
from rest_framework_simplejwt import views as jwt_views

from multi_tenant.contrib.rest import authentication as ours
from multi_tenant.contrib.rest.jwt import TenantJWTAuthentication
from multi_tenant.contrib.rest.views import ObtainTenantToken
from multi_tenant.users.models import GlobalUser
from tests.testapp.library.models import Author

AUTHENTICATION: dict[str, type[Any]] = {
    "session": authentication.SessionAuthentication,
    "basic": authentication.BasicAuthentication,
    "token": authentication.TokenAuthentication,
    "jwt": jwt_authentication.JWTAuthentication,
    "stateless-jwt": jwt_authentication.JWTStatelessUserAuthentication,
    "our-session": ours.TenantSessionAuthentication,
    "our-basic": ours.TenantBasicAuthentication,
    "our-token": ours.TenantTokenAuthentication,
    "our-jwt": TenantJWTAuthentication,
}


class Who(APIView):
    """Who asks, whoever that is."""

    permission_classes: Any = [permissions.AllowAny]

    def get(self, request: Any) -> Response:
        user = request.user
        state = getattr(user, "_state", None)
        return Response(
            {
                "user": user.get_username(),
                "django": request._request.user.get_username(),
                "is_staff": user.is_staff,
                "db": state and state.db,
                "auth": request.auth is not None,
            }
        )


class Unsaid(Who):
    """The same, of a view that does not say for whom it is."""

    permission_classes: Any = APIView.permission_classes
    authentication_classes = [TenantJWTAuthentication]


class AddAndFail(APIView):
    """Writes a row, and answers an error unless it is told not to."""

    authentication_classes: list[Any] = []

    def get(self, request: Any) -> Response:
        Author.objects.create(name="lost")
        if "keep" not in request.GET:
            raise exceptions.APIException
        return Response({}, status=500)


class PersonSerializer(serializers.ModelSerializer[Any]):
    class Meta:
        model = GlobalUser
        fields = ["id", "username", "email", "is_staff"]


class People(viewsets.ModelViewSet[Any]):
    queryset = GlobalUser.objects.order_by("username")
    serializer_class = PersonSerializer
    authentication_classes = [TenantJWTAuthentication]
    permission_classes = [permissions.IsAuthenticated]


people: dict[str, Any] = {"get": "list", "post": "create"}
person: dict[str, Any] = {"get": "retrieve", "patch": "partial_update"}

#: For a site that has login pages of its own.
api = [
    *(path(f"who/{kind}/", Who.as_view(authentication_classes=[cls])) for kind, cls in AUTHENTICATION.items()),
    path("unsaid/", Unsaid.as_view()),
    path("token/stock/", obtain_auth_token),
    path("token/tenant/", ObtainTenantToken.as_view()),
    path("jwt/", jwt_views.token_obtain_pair),
    path("jwt/refresh/", jwt_views.token_refresh),
    path("jwt/verify/", jwt_views.token_verify),
    path("jwt/blacklist/", jwt_views.token_blacklist),
    path("jwt/sliding/", jwt_views.token_obtain_sliding),
    path("jwt/sliding/refresh/", jwt_views.token_refresh_sliding),
    path("add-and-fail/", AddAndFail.as_view()),
    path("people/", People.as_view(people)),
    path("people/<uuid:pk>/", People.as_view(person)),
    path("schema/", SpectacularAPIView.as_view()),
]
urlpatterns = [*api, path("accounts/", include("django.contrib.auth.urls"))]
