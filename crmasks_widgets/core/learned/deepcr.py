"""deepCR (Zhang & Bloom 2020, ApJ 889, 24): the package, asked for a probability."""

import warnings

import numpy as np

from crmasks_widgets.core.learned.tiles import Network
from crmasks_widgets.core.typing import Float32Array
from crmasks_widgets.errors import ParameterError

HALO = 8
"""Pixels: two layers of 3 x 3 and, between them, two at half the resolution see no farther."""
STEP = 2


def load_deepcr(model: str) -> Network:
    """Load a network of deepCR.

    Parameters
    ----------
    model : {"ACS-WFC", "WFC3-UVIS"}
        What it was trained on.

    Returns
    -------
    Network
        On one thread: frames are what runs side by side.

    Raises
    ------
    ParameterError
        The package or PyTorch is not installed.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what it was written for, years ago
            import torch
            from deepCR import deepCR

            network = deepCR(mask=model, device="CPU")
    except ImportError as error:
        msg = (
            f"crmethod, network_veto: found no deepCR ({error}), expected it installed: pip "
            "install 'crmasks-widgets[deepcr]'; without CUDA, first pip install torch --index-url "
            "https://download.pytorch.org/whl/cpu"
        )
        raise ParameterError(msg) from error
    torch.set_num_threads(1)
    layers = network.maskNet.to(memory_format=torch.channels_last)

    def probability(tile: Float32Array) -> Float32Array:
        with torch.inference_mode():
            batch = torch.from_numpy(tile / np.float32(network.scale))[None, None]
            found = layers(batch.to(memory_format=torch.channels_last))
        return np.asarray(found.numpy()[0, 0], np.float32)

    return Network(f"deepCR {model}", probability, HALO, STEP, standardises=bool(network.norm))
