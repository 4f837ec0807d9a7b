from __future__ import annotations

from django import forms

from sample_site.notes.models import Note


class NoteForm(forms.ModelForm):  # type: ignore[type-arg]  # Django's own takes no argument
    class Meta:
        model = Note
        fields = ("title", "text")
        widgets = {"text": forms.Textarea(attrs={"rows": 3})}
