"""What a browser window of the desk shows; all figures and verdicts are worked out elsewhere."""
