"""hostile.py TERN_SEND [PART OF A NAME] - tern-send against servers that do everything wrong, and users who do.

The cases are in hostile_*.py, the machinery in scripted.py. Closes with `N passed, N failed`."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import scripted  # noqa: E402

scripted.SEND = os.path.abspath(sys.argv[1])
for part in os.environ.get("HOSTILE", "reply tls auth").split():
    __import__("hostile_" + part)

sys.exit(scripted.main())
