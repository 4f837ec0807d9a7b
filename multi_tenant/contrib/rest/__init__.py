"""Django REST framework in tenants: who asks is a member of the tenant or nobody, by whatever credential."""
