"""Mail to the terminal, as one reads it: a mail's own form may break a long link in two."""

from __future__ import annotations

from django.core.mail import EmailMessage
from django.core.mail.backends import console


class EmailBackend(console.EmailBackend):
    """Writes each mail's text, where Django's own writes what would be sent."""

    def write_message(self, message: EmailMessage) -> None:
        self.stream.write(f"To: {', '.join(message.to)}\nSubject: {message.subject}\n\n{message.body}\n{'-' * 79}\n")
