"""Controls of the parameters, and files in and out."""
