"""Makes numpy and tokenizers importable, which set-up keeps apart. Where they are not there the
import is skipped, and with it every test of the file that wants them."""

import sys

from modality import need

sys.path.insert(0, need("RBEE_ORACLES"))
