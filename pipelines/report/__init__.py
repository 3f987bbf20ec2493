"""What people see: the end of a run on the terminal, the HTML page, and the metadata in Dagster's page.

Every number is counted from the lake's tables as a pass names them; nothing here writes to the lake.
"""
