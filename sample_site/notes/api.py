"""The board for programs: notes as JSON. As in the pages, nothing in here knows of tenants."""

from __future__ import annotations

from typing import Any

from rest_framework import permissions, serializers, viewsets

from multi_tenant.contrib.rest.permissions import IsTenantMember
from sample_site.notes.models import Note


class NoteSerializer(serializers.ModelSerializer):  # type: ignore[type-arg]  # REST framework's own takes no argument
    author = serializers.CharField(source="author.username", read_only=True, default=None)

    class Meta:
        model = Note
        fields = ("id", "title", "text", "author", "created_at")


class MayDelete(permissions.BasePermission):
    """Authors change and delete their notes, staff any."""

    def has_object_permission(self, request: Any, view: Any, obj: Any) -> bool:
        reads = request.method in permissions.SAFE_METHODS
        return reads or request.user.is_staff or obj.author_id == request.user.pk


class NoteViewSet(viewsets.ModelViewSet):  # type: ignore[type-arg]  # as above
    queryset = Note.objects.select_related("author")
    serializer_class = NoteSerializer
    permission_classes = (IsTenantMember, MayDelete)

    def perform_create(self, serializer: Any) -> None:
        serializer.save(author=self.request.user)
