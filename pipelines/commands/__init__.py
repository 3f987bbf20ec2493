"""Commands of `tamis`, one module a subject, each with `register(app)`."""
