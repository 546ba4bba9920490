"""The app's registration with Django."""

from django.apps import AppConfig


class QuotesConfig(AppConfig):
    name = "quotes"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "Quotes and runs"
