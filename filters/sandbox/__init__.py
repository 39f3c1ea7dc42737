"""Where code from outside runs: what it can reach, what it may use, and how its verdict comes back unforged."""
