"""What people are asked, and what their verdicts do: the review queue, the verdicts, their effect and their measure."""
