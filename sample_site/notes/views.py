"""The board. Nothing in here knows of tenants: the database is the tenant's."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from sample_site.notes.forms import NoteForm
from sample_site.notes.models import Note


@require_http_methods(["GET", "HEAD", "POST"])
def board(request: HttpRequest) -> HttpResponse:
    """Everybody may read; whoever is signed in may add a note."""
    form = NoteForm(request.POST or None)
    if request.method == "POST":
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        form.instance.author = request.user
        if form.is_valid():
            note = form.save()
            messages.success(request, f"“{note}” is on the board.")
            return redirect("board")
    notes = Note.objects.select_related("author")
    return render(request, "notes/board.html", {"form": form, "notes": notes})


@require_POST
@login_required
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Authors delete their notes, staff delete any."""
    mine = Note.objects.all() if request.user.is_staff else Note.objects.filter(author_id=request.user.pk)
    note = get_object_or_404(mine, pk=pk)
    note.delete()
    messages.success(request, f"“{note}” is gone.")
    return redirect("board")
