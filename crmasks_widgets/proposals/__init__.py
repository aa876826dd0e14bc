"""From the headers of exposures and their own scatter to the parameters of a run."""
