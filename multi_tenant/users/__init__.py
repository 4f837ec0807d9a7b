"""One person, many tenants: an identity in the public database and a member row in each tenant it belongs to."""
