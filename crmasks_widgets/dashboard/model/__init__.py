"""What the user has set and asked for: state, engine, selection, edits; no widgets."""
