"""Configuration of the app."""

from django.apps import AppConfig


class ShopConfig(AppConfig):
    """Configuration of the shop."""

    name = "example_project.shop"
