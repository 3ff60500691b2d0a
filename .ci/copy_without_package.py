"""copy_without_package.py CHECKOUT TARGET: copy all that stands beside tot_jwt; tests then find the installed one."""

import shutil
import sys
from pathlib import Path

checkout, target = map(Path, sys.argv[1:])
leave_out = shutil.ignore_patterns("tot_jwt", ".git", ".tox", ".venv", "__pycache__", ".*_cache")
shutil.copytree(checkout, target, ignore=leave_out, dirs_exist_ok=True)
