"""Two entries of a journal, in a module that a child process imports quickly."""

from generators.journal import Entry
from generators.teachers.client import Choice, Reply

ONE = Entry("5" * 32, "main", "sample", (0, 1), Reply((Choice("four", "2 + 2"), Choice("5")), 3, 4), 0.5)
TWO = Entry("a" * 32, "main", "sample", (0,), Reply((Choice("naïve\u2028"),), 1, 1), 0.5)
