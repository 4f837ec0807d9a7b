"""Who the tenants are: models, encrypted entries and the process cache of them."""
