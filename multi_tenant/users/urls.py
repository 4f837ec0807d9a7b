"""The pages of people, for a project's URLs: ``path("people/", include("multi_tenant.users.urls"))``."""

from __future__ import annotations

from django.urls import path

from multi_tenant.users.invitations import InvitationView

app_name = "multi_tenant_users"
urlpatterns = [path("invitation/<str:token>/", InvitationView.as_view(), name="invitation")]
