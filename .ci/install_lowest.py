"""Install the lowest version of each dependency that pyproject.toml allows, also of the extras.

Usage: install_lowest.py PYPROJECT
"""

import subprocess
import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement

#: The extras of contributors and of the example project: they set no bound for hosts.
OWN = {"demo", "dev", "lint", "production", "test"}


def lowest(dependency: str) -> str:
    """Return the requirement of exactly the lower bound: ``django==5.2.13``."""
    requirement = Requirement(dependency)
    (bound,) = (each.version for each in requirement.specifier if each.operator == ">=")
    return f"{requirement.name}=={bound}"


project = tomllib.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))["project"]
extras = project["optional-dependencies"]
of_extras = [each for name, needed in extras.items() if name not in OWN for each in needed]
versions = [lowest(dependency) for dependency in [*project["dependencies"], *of_extras]]
subprocess.run([sys.executable, "-m", "pip", "install", *versions], check=True)
subprocess.run([sys.executable, "-m", "pip", "check"], check=True)
