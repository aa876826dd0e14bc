"""The hits: one by one in every exposure, as a table, and in 3-D."""
