"""What a row is: the Arrow schema of each family and table, the closed lists, and what makes a row valid."""
