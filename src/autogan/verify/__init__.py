"""Whether a run can be trusted: its files, what they say of each other, and its scores once more."""

from autogan.verify.folder import Verification, verify
from autogan.verify.recompute import recompute

__all__ = ["Verification", "recompute", "verify"]
