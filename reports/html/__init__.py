"""Self-contained pages, readable without JavaScript, fit for paper."""
