"""What the audit room raises."""


class AuditError(RuntimeError):
    """Base of the errors below: each is a mistake in code or a tampering hand, never something a user did."""


class AppendOnly(AuditError):
    """An entry of the trail was about to be changed or deleted through the session."""


class UnfitDetail(AuditError):
    """The detail of an entry is not plain JSON, or is too long to be a few facts."""
