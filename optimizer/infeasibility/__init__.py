"""Rules in conflict: which, and what would have to change to what."""
