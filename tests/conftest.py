"""What holds for all tests."""

from hypothesis import settings

# No test asserts a time on the clock.
settings.register_profile("untimed", settings.default, deadline=None)
settings.load_profile("untimed")
