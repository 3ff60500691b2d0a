"""A host without the package's own URLs, and with a second admin that has its own limit of rows."""

from django.contrib import admin
from django.urls import path

from tot_jwt.admin import ApiKeyAdmin, AppDomainAdmin
from tot_jwt.models import ApiKey, AppDomain


class SmallBatchesAdmin(ApiKeyAdmin):
    """Keys of which one action changes one only."""

    max_rows = 1


back_office = admin.AdminSite(name="back-office")
back_office.register(ApiKey, SmallBatchesAdmin)
back_office.register(AppDomain, AppDomainAdmin)

urlpatterns = [
    path("admin/", admin.site.urls),
    path("back-office/", back_office.urls),
]
