"""The sample Hub: a small server with the Hub's HTTP interface, and the repositories that it serves."""
