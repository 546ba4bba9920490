"""Sessions say whose they are, and their data are sealed. Those from before end."""

import django.db.models.deletion
import quotes.models.sealed_fields
from django.conf import settings
from django.db import migrations, models

from quotes.services.resealing import reseal
from quotes.services.sealed_tables import Table

TABLES = [Table("quotes_opensession", "session_key", ("session_data",))]


def note(apps, schema_editor):
    for table in TABLES:
        reseal(table)


def end_old(apps, schema_editor):
    """Nothing reads them any more, and what somebody searched for stands in them."""
    with schema_editor.connection.cursor() as cursor:
        if "django_session" in schema_editor.connection.introspection.table_names(cursor):
            cursor.execute("DELETE FROM django_session")


class Migration(migrations.Migration):

    dependencies = [
        ('quotes', '0012_seal_rows'),
        ('sessions', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='OpenSession',
            fields=[
                ('session_key', models.CharField(max_length=40, primary_key=True, serialize=False, verbose_name='session key')),
                ('expire_date', models.DateTimeField(db_index=True, verbose_name='expire date')),
                ('session_data', quotes.models.sealed_fields.SealedTextField()),
                ('signed_in_at', models.DateTimeField(null=True)),
                ('used_at', models.DateTimeField(help_text='When the person last did something.', null=True)),
                ('browser', models.CharField(blank=True, max_length=80)),
                ('address', models.GenericIPAddressField(null=True)),
                ('user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='open_sessions', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'indexes': [models.Index(fields=['user', '-used_at'], name='session_of_user')],
            },
        ),
        migrations.RunPython(note, migrations.RunPython.noop),
        migrations.RunPython(end_old, migrations.RunPython.noop),
    ]
