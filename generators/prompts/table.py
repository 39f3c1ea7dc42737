"""`[prompt]`: the words in which problems are asked."""

from pydantic import Field

from generators.prompts.rendering import Prompts
from schemas.recipe import Name, Section


class PromptTable(Section):
    """`[prompt]`: the words in which problems are asked."""

    name: Name = Field("plain", description="plain: the question as it is")

    def load(self) -> Prompts:
        """Return what renders problems.  Raises UserError where a file does not serve."""
        return Prompts()
