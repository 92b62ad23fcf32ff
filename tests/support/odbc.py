"""The driver that tailrace is run with: its own, or the ODBC driver whose library TAILRACE_TEST_DRIVER names.

Microsoft's is registered by the name under which people install it, in a private odbcinst.ini.
"""

import os
import pathlib
import unittest

NAME = "ODBC Driver 18 for SQL Server"


def skip_without_driver():
    """Skips where the other driver is asked for and is not there."""
    library = os.environ.get("TAILRACE_TEST_DRIVER")
    if library and not pathlib.Path(library).exists():
        raise unittest.SkipTest(f"no tests over another ODBC driver: there is no {library}")


def driver_setting(directory):
    """The line of a pipeline's source, empty for tailrace's own, and what the environment needs for it."""
    library = os.environ.get("TAILRACE_TEST_DRIVER")
    if not library:
        return "", {}
    if "tds" in pathlib.Path(library).name:
        return f"\n  driver: {library}", {}
    registered = pathlib.Path(directory) / "odbc"
    registered.mkdir(exist_ok=True)
    (registered / "odbcinst.ini").write_text(f"[{NAME}]\nDriver={library}\n", encoding="utf-8")
    return f"\n  driver: {NAME}", {"ODBCSYSINI": str(registered)}
