"""Sequential specifications: pure and tiny."""
