"""The pages of people, for a project's URLs: ``path("people/", include("multi_tenant.users.urls"))``."""

from __future__ import annotations

from django.urls import path

from multi_tenant.users.invitations import InvitationView
from multi_tenant.users.views import SwitchView, TenantsView

app_name = "multi_tenant_users"
urlpatterns = [
    path("invitation/<str:token>/", InvitationView.as_view(), name="invitation"),
    path("tenants/", TenantsView.as_view(), name="tenants"),
    path("tenants/switch/", SwitchView.as_view(), name="switch"),
]
