"""What an answer is, as a typed value, and when two are the same."""
