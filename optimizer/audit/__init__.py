"""Audit: an allocation read rule by rule in exact arithmetic; imports models, and no solver."""

from optimizer.audit.findings import audit

__all__ = ["audit"]
