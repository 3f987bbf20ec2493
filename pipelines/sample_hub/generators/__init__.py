"""Clean rows, one module a data set: the real columns, with content that the project wrote, from a fixed seed."""
