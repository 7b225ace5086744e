"""What all tests share: properties are judged by what they find, never by the clock."""

import os

from hypothesis import HealthCheck, settings

# A deadline per example would fail on a busy machine, and so would a limit on drawing. CI judges a
# change: it draws the same examples every time, and leaves new ones to those who develop.
settings.register_profile(
    "quorate",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
    derandomize="QUORATE_DERANDOMIZE" in os.environ,
)
settings.load_profile("quorate")
