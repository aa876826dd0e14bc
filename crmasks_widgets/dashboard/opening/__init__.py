"""Opening other files: what there is, what it tells, and what is proposed for it."""
