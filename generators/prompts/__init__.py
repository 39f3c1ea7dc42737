"""The words in which problems are put to a teacher."""
