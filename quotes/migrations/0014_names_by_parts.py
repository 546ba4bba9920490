"""What a long list reads along: insureds by their last change, answered runs of a service; and on
PostgreSQL insureds by a part of their name, without reading all names.

That index is of the names' trigrams, for which PostgreSQL has an extension of its own (`pg_trgm`),
which a database's owner may switch on. Where it is not there or not allowed, nothing is lost but
time: searches read all names. SQLite reads them from the narrow index `insured_name`.
"""

from django.db import migrations, models

ON = """
DO $$ BEGIN
    CREATE EXTENSION IF NOT EXISTS pg_trgm;
    CREATE INDEX IF NOT EXISTS insured_name_parts ON quotes_insured
        USING gin (upper(applicant_name::text) gin_trgm_ops);
EXCEPTION WHEN insufficient_privilege OR undefined_file OR feature_not_supported
    OR undefined_object THEN  -- it is there, in a schema that is not searched
    RAISE NOTICE 'pg_trgm is not to be had: searches by name read all names';
END $$
"""


def on(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(ON)


def off(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP INDEX IF EXISTS insured_name_parts")


class Migration(migrations.Migration):
    dependencies = [("quotes", "0013_open_sessions")]

    operations = [
        migrations.AddIndex(
            model_name="insured",
            index=models.Index(fields=["-updated_at", "id"], name="insured_latest"),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(
                condition=models.Q(("state", "completed")),
                fields=["service_url", "-created_at", "id"],
                name="run_answered",
            ),
        ),
        migrations.RunPython(on, off),
    ]
