"""Layouts that data sets share: expressions that turn upstream's columns into the parts of records."""
