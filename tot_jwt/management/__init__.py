"""The command line: ``manage.py tot_jwt``."""
