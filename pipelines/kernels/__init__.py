"""Compiled kernels over Arrow buffers that several stages share: how they are made, and texts as bytes."""
