"""hostile.py TERN_SEND PART [WORD] - tern-send against servers that do everything wrong, and users who do.

The cases of PART are in hostile_PART.py (reply, tls, auth, content, options), the machinery in scripted.py; with
WORD only those whose name holds it. Closes with `N passed, N failed`."""
import importlib
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import scripted  # noqa: E402

scripted.SEND = os.path.abspath(sys.argv[1])
part = importlib.import_module("hostile_" + sys.argv[2])
sys.exit(scripted.main(part.__name__, sys.argv[3] if len(sys.argv) > 3 else ""))
