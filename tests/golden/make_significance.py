"""Freeze the masks of the local significance on some golden scenes.

    python -m tests.golden.make_significance

The reference has no such method: these are this package's own masks. They are made again only when
the method is meant to give others; CHANGELOG.md then says what changed.
"""

import sys

import numpy as np
from astropy.io import fits

from tests import golden_cases
from tests.golden.make_golden import write


def main() -> int:
    """Write all cases."""
    for name in golden_cases.SIGNIFICANCE:
        analysis = golden_cases.significance_analysis(name)
        kept = fits.HDUList([fits.PrimaryHDU()])
        for mask, frame in analysis.masks.items():
            kept.append(fits.ImageHDU(frame.astype(np.uint8), name=mask))
        kept.append(fits.table_to_hdu(analysis.hits["x", "y", "npix", "class"]))
        kept[-1].name = "HITS"
        write(kept, golden_cases.GOLDEN / "significance" / f"{name}.fits.gz")
        counts = {key: int(frame.sum()) for key, frame in analysis.masks.items()}
        sys.stdout.write(f"{name}: {counts}, {len(analysis.hits)} hits\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
