"""The URLs inside a tenant; those of the public host are in landing/urls.py."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import include, path
from rest_framework.routers import DefaultRouter
from rest_framework_simplejwt.views import TokenObtainPairView, TokenRefreshView

from multi_tenant.contrib.rest.views import ObtainTenantToken
from sample_site.notes.api import NoteViewSet

router = DefaultRouter()
router.register("notes", NoteViewSet)

urlpatterns = [
    path("admin/", admin.site.urls),
    path("login/", LoginView.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("people/", include("multi_tenant.users.urls")),
    path("api/token/", ObtainTenantToken.as_view()),
    path("api/jwt/", TokenObtainPairView.as_view()),
    path("api/jwt/refresh/", TokenRefreshView.as_view()),
    path("api/", include(router.urls)),
    path("", include("sample_site.notes.urls")),
]
