"""What an engine can do: create, clone, drop, dump and restore databases."""
