"""install_lowest.py PYPROJECT: install exactly the lowest version of each dependency that the file declares."""

import subprocess
import sys
import tomllib
from pathlib import Path

project = tomllib.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))["project"]
lowest = [requirement.replace(">=", "==") for requirement in project["dependencies"]]
subprocess.run([sys.executable, "-m", "pip", "install", *lowest], check=True)
subprocess.run([sys.executable, "-m", "pip", "check"], check=True)
