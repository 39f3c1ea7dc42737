"""What is true of a sample: a filter judges and never edits or drops.  Imports only schemas."""
