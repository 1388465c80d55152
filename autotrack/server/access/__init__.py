"""Who asks, and what he may do: users with passwords and tokens, roles, and grants for single experiments."""
