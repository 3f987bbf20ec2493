"""A recipe's exports become a fine-tuned model, and a comparison says whether curation helped it.

Importing this package is cheap: torch and transformers are imported by the child process (`__main__`) only.
"""
