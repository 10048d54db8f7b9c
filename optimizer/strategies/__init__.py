"""How the best allocation is searched."""
