"""What the database room raises."""


class DatabaseError(RuntimeError):
    """Base of the errors below: each is a mistake in code, never something a user did."""


class NoScope(DatabaseError):
    """A session was asked for outside ``db.scope()``."""


class NoPractice(DatabaseError):
    """A tenant's data was asked for while no practice is set: the query fails closed."""


class PracticeAlreadySet(DatabaseError):
    """A scope was asked to change from one practice to another; open a new scope."""


class CrossPracticeWrite(DatabaseError):
    """A row of one practice was about to be written while another practice is set."""


class RawSqlRefused(DatabaseError):
    """Core or textual SQL on a tenant's table: it would pass by the guard."""


class FenceHeld(DatabaseError):
    """A statement that never met the guard was about to reach a tenant's table without its practice."""


class NotProtected(DatabaseError):
    """The database does not keep practices apart by itself; the message says what to change."""


class ReadOnlyScope(DatabaseError):
    """A scope that was opened with ``write=False`` tried to change a row."""
