"""Joint models."""
