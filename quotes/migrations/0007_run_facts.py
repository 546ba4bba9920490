"""Facts of the runs there are already."""

from django.db import migrations


def fill(apps, schema_editor):
    """Work out what lists and reports read, for runs from before.

    By the app's own code: what a fact means is said in one place. A database without runs is
    left alone, so that no later change of the models can stop a new one from being made here.
    `manage.py rebuild_facts` does the same at any time.
    """
    runs = apps.get_model("quotes", "Run").objects.filter(fact__isnull=True)
    if not runs.exists():
        return
    from quotes.services.run_facts import refresh_many

    for _ in refresh_many(runs.order_by().values_list("pk", flat=True).iterator()):
        pass


class Migration(migrations.Migration):
    # A transaction a batch: what is done stays done if it is interrupted.
    atomic = False

    dependencies = [
        ('quotes', '0006_history'),
    ]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
