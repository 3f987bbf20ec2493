"""Benchmarks: `make bench [NAME] [DATA=FOLDER]`. Each prints a table that says on what data and machine."""
