# The commands that people type. CONTRIBUTING.md shows the plain commands beside them.

# List the commands.
default:
    @just --list

# Install everything that a contributor needs into the active environment.
setup:
    pip install -e '.[dev]'
    pre-commit install

# Run the tests, for example `just test -k rotate`.
test *arguments:
    pytest {{ arguments }}

# Check style, spelling and the directions of imports.
lint:
    ruff check
    ruff format --check
    typos
    lint-imports

# Correct what ruff can correct.
fix:
    ruff check --fix
    ruff format

# Check the types.
types:
    mypy

# Run one tox environment, for example `just tox lowest`.
tox environment *arguments:
    tox run -e {{ environment }} -- {{ arguments }}

# Run everything that must pass before a change is merged.
gate:
    .ci/run

# Serve the example project with new data.
demo *arguments:
    python manage.py demo {{ arguments }}
