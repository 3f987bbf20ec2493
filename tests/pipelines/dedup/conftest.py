"""Kernels compile on their first call, which no deadline of a test allows for."""

from hypothesis import settings

settings.register_profile("kernels", deadline=None)
settings.load_profile("kernels")
