"""What several tests of batches ask."""

from .conftest import small_scene, write_exposures, write_yaml


def night(folder, name="params.yaml", seed=11, **settings):
    """A folder with three exposures and a parameter file."""
    folder.mkdir(parents=True, exist_ok=True)
    images = write_exposures(folder, small_scene(seed=seed).exposures)
    return write_yaml(folder / name, images, **settings)
