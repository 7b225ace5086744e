"""What all tests share: properties are judged by what they find, never by the clock."""

from hypothesis import HealthCheck, settings

# A deadline per example would fail on a busy machine, and so would a limit on drawing.
settings.register_profile(
    "quorate", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("quorate")
