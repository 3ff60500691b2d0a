"""The URLs of the shop, without a trailing slash."""

from django.urls import path

from example_project.shop import views

urlpatterns = [
    path("person", views.PersonList.as_view()),
    path("legacy/person", views.LegacyPersonList.as_view()),
    path("orders", views.OrderList.as_view()),
    path("catalog/products", views.ProductList.as_view()),
]
