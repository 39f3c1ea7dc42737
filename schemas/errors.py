"""The two errors a person meets; anything else that escapes is a bug and crashes with its traceback.

A record's own trouble is neither: it is data, a `schemas.reject.Reject`.
"""


class UserError(Exception):
    """Something the user can mend.  One line: the value seen, the rule, the next step.  The command line exits with 2."""


class RunError(Exception):
    """The run failed for a reason outside the recipe (disk, network, a lost worker).  One line; the command line exits with 1."""
