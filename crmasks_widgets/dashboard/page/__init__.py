"""What the page around the views does: keys, turns of callbacks, messages, status and help."""
