"""How it runs: the command line, recipe to objects, the two Beam graphs, shards, progress.  The only room with Beam and click."""
