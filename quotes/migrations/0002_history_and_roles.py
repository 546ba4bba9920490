"""A run's events cannot be updated, even past the application; and the role groups exist."""

from django.core.management import call_command
from django.db import migrations

SQLITE_ON = """
CREATE TRIGGER quotes_runevent_append_only BEFORE UPDATE ON quotes_runevent
BEGIN SELECT RAISE(ABORT, 'run events are append-only'); END
"""
POSTGRES_ON = """
CREATE FUNCTION quotes_runevent_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'run events are append-only'; END $$;
CREATE TRIGGER quotes_runevent_append_only BEFORE UPDATE ON quotes_runevent
FOR EACH ROW EXECUTE FUNCTION quotes_runevent_append_only();
"""
POSTGRES_OFF = """
DROP TRIGGER quotes_runevent_append_only ON quotes_runevent;
DROP FUNCTION quotes_runevent_append_only();
"""


def on(apps, schema_editor):
    if schema_editor.connection.vendor == "sqlite":
        schema_editor.execute(SQLITE_ON)
    elif schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(POSTGRES_ON)


def off(apps, schema_editor):
    if schema_editor.connection.vendor == "sqlite":
        schema_editor.execute("DROP TRIGGER quotes_runevent_append_only")
    elif schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(POSTGRES_OFF)


def roles(apps, schema_editor):
    group = apps.get_model("auth", "Group")
    for name in ("broker", "manager", "admin"):
        group.objects.get_or_create(name=name)


def cache_table(apps, schema_editor):
    # Sign-in throttling counts in the cache, which all web processes share through the database.
    call_command("createcachetable", database=schema_editor.connection.alias, verbosity=0)


class Migration(migrations.Migration):
    dependencies = [
        ("quotes", "0001_initial"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]
    operations = [
        migrations.RunPython(on, off),
        migrations.RunPython(cache_table, migrations.RunPython.noop),
        migrations.RunPython(roles, migrations.RunPython.noop),
    ]
