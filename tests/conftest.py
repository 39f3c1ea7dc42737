"""Settings of all tests."""

from hypothesis import settings

settings.register_profile("starbeam", deadline=None)  # a deadline would test the machine
settings.load_profile("starbeam")
