"""One tenant's life, from its first reservation to its last archive."""
