"""All tenants at once."""
