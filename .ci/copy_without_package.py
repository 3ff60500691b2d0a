"""Copy a checkout without the package, so that its tests import the installed package.

Usage: copy_without_package.py CHECKOUT TARGET
"""

import shutil
import sys
from pathlib import Path

checkout, target = map(Path, sys.argv[1:])
leave_out = shutil.ignore_patterns(
    "tot_jwt", ".git", ".hypothesis", ".tox", ".venv", "__pycache__", ".*_cache"
)
shutil.copytree(checkout, target, ignore=leave_out, dirs_exist_ok=True)
