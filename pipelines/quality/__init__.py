"""What can be measured on a record (signals), and which measured values a recipe refuses (rules)."""
