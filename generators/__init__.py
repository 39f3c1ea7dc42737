"""Where text comes from: problem sources, teachers, prompts, strategies.  Imports only schemas."""
