"""The admin of the shop."""

from django.contrib import admin

from example_project.shop.models import Order, Person, Product

admin.site.register([Person, Product, Order])
