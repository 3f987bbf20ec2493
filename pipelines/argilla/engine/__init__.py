"""The search engine of the embedded Argilla. It runs in the server's own environment, beside `argilla_server`.

Filters, sort, progress and metrics are SQL over the server's own tables, so that they cannot drift from them; text
and vectors lie in a file of their own (`store.py`), which the server brings up to date when it starts.
"""
