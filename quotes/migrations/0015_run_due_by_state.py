"""The index of what is due is read by state, in order of time, on both databases."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("quotes", "0014_names_by_parts"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="run",
            name="run_due",
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(
                condition=models.Q(("due_at__isnull", False)),
                fields=["state", "due_at"],
                name="run_due",
            ),
        ),
    ]
