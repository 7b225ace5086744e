"""Sequential specifications: what one client alone, one operation at a time, would see."""
