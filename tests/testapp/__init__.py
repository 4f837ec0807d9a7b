"""Three small apps, one for each home: library in tenants, billing in public, common in both."""
