"""What is done to rows: plain functions over Arrow and polars. No Dagster in here."""
