"""Commands of `tamis` that have a module of their own; each has `register(app)`."""
