"""What exported lists took along, kept like the access log that it belongs to: refused to change,
and to go before the log's term or without its pass."""

from importlib import import_module

import django.db.models.deletion
from django.db import migrations, models

TABLE = "quotes_exportpart"
history = import_module("quotes.migrations.0006_history")


def on(apps, schema_editor):
    history.on(apps, schema_editor, [TABLE])


def off(apps, schema_editor):
    history.off(apps, schema_editor, [TABLE])


class Migration(migrations.Migration):
    dependencies = [
        ("quotes", "0015_run_due_by_state"),
    ]

    operations = [
        migrations.CreateModel(
            name="ExportPart",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField()),
                ("insured_ref", models.UUIDField(blank=True, null=True)),
                (
                    "rows",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Runs written; of one that was broken off the most.",
                        null=True,
                    ),
                ),
                ("complete", models.BooleanField(blank=True, null=True)),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.AddIndex(
            model_name="auditevent",
            index=models.Index(fields=["deed", "-id"], name="audit_deed"),
        ),
        migrations.AddField(
            model_name="exportpart",
            name="event",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="parts",
                to="quotes.auditevent",
            ),
        ),
        migrations.AddIndex(
            model_name="exportpart",
            index=models.Index(fields=["insured_ref", "event"], name="export_insured"),
        ),
        migrations.AddConstraint(
            model_name="exportpart",
            constraint=models.UniqueConstraint(fields=("event", "insured_ref"), name="export_once"),
        ),
        migrations.AddConstraint(
            model_name="exportpart",
            constraint=models.UniqueConstraint(
                condition=models.Q(("insured_ref__isnull", True)),
                fields=("event",),
                name="export_one_end",
            ),
        ),
        migrations.AddConstraint(
            model_name="exportpart",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("complete__isnull", True),
                        ("insured_ref__isnull", False),
                        ("rows__isnull", True),
                    ),
                    models.Q(
                        ("complete__isnull", False),
                        ("insured_ref__isnull", True),
                        ("rows__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="export_insured_or_end",
            ),
        ),
        migrations.RunPython(on, off),
    ]
