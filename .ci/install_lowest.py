"""Install the lowest version of each dependency that pyproject.toml allows.

Usage: install_lowest.py PYPROJECT
"""

import subprocess
import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement


def lowest(dependency: str) -> str:
    """Return the requirement of exactly the lower bound: ``django==5.2.13``."""
    requirement = Requirement(dependency)
    (bound,) = (each.version for each in requirement.specifier if each.operator == ">=")
    return f"{requirement.name}=={bound}"


project = tomllib.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))["project"]
versions = [lowest(dependency) for dependency in project["dependencies"]]
subprocess.run([sys.executable, "-m", "pip", "install", *versions], check=True)
subprocess.run([sys.executable, "-m", "pip", "check"], check=True)
