"""A small SaaS on multi_tenant: a public page that lists the tenants, and a board of notes in each of them."""
