"""Rooms for other frameworks, each optional, none importing another."""
