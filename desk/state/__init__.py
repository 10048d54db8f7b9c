"""What the desk knows and does, without a page: a folder, its scenarios, tables and long work."""
