"""Journeys of a user through the sample site, with real servers, commands and scripts, each a process of its own."""
