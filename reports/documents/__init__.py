"""What each verb says, as a Document."""
