"""The frames, what is flagged over them, and what is done to single pixels."""
