"""What every `[teacher.NAME]` of a recipe is."""

from schemas.recipe import Section, Table


class TeacherTable(Section):
    """`[teacher.NAME]`: says what the teacher is."""

    kind: str  # the word that the recipe uses for it

    @property
    def is_free(self) -> bool:
        """Whether asking it costs nothing."""
        return True

    def identity(self) -> Table:
        """Return all that decides what it answers.  Anything else in its table may change without asking anew."""
        return self.model_dump(mode="json", exclude_none=True)
