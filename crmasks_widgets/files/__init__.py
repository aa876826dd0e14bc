"""Files on disk: images read with care, products written whole, one run at a time in a folder."""
