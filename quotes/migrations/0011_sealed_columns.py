"""Columns whose values are sealed; what is stored already is sealed by the next migration.

Values stay text where they were text and bytes where they were bytes, so the tables stay as they
are, but for columns that are too short for what sealing adds. On SQLite a changed column would
mean a table made anew, without the triggers that keep history; it minds no length either.

The triggers against UPDATE let sealed columns be written anew while the pass for it stands, which
the app's own role cannot write, and nothing else of a row with them. A later migration that adds a
column to one of these tables puts them up again with `on`.
"""

import quotes.models.sealed_fields
from django.db import migrations, models

PASS = {
    "sqlite": "00000000000000000000000000000001",
    "postgresql": "00000000-0000-0000-0000-000000000001",
}
# table: its sealed columns, and what is worked out from them
HISTORY = {
    "quotes_auditevent": ("data",),
    "quotes_comment": ("text",),
    "quotes_decisionevent": ("reason", "reason_mark", "note"),
    "quotes_proposal": ("notes", "pdf"),
    "quotes_proposalpage": ("png",),
    "quotes_runevent": ("text", "data"),
}
# What kept these tables from an UPDATE before: 0002, 0004 and 0006.
BEFORE = {
    "quotes_auditevent": ("{table}_no_update", "{table}_stays"),
    "quotes_comment": ("{table}_no_update", "{table}_stays"),
    "quotes_decisionevent": ("{table}_no_update", "quotes_decisions_append_only"),
    "quotes_proposal": ("{table}_no_update", "quotes_decisions_append_only"),
    "quotes_proposalpage": ("{table}_no_update", "quotes_decisions_append_only"),
    "quotes_runevent": ("{table}_append_only", "{table}_append_only"),
}
TOO_SHORT = {
    "quotes_runevent": {"text": 1000},
    "quotes_decisionevent": {"reason": 1000},
    "quotes_legalhold": {"reason": 1000, "lift_reason": 1000},
}
SQLITE = """
CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table}
WHEN NOT EXISTS (SELECT 1 FROM quotes_purgepass WHERE ref = '{ref}') OR {changed}
BEGIN SELECT RAISE(ABORT, 'history is append-only'); END
"""
POSTGRES = """
CREATE FUNCTION {table}_reseals() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, {schema}, pg_temp AS $$
BEGIN
  IF NOT EXISTS (SELECT 1 FROM quotes_purgepass WHERE ref = '{ref}'::uuid) OR {changed} THEN
    RAISE EXCEPTION 'history is append-only';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table}
FOR EACH ROW EXECUTE FUNCTION {table}_reseals();
"""
AS_BEFORE = {
    "sqlite": """
CREATE TRIGGER {trigger} BEFORE UPDATE ON {table}
BEGIN SELECT RAISE(ABORT, 'history is append-only'); END
""",
    "postgresql": """
CREATE TRIGGER {trigger} BEFORE UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION {function}()
""",
}


def on(apps, schema_editor, tables=HISTORY):
    """Put the triggers up, in place of those there are."""
    connection, run = schema_editor.connection, schema_editor.execute
    vendor = connection.vendor
    for table in tables:
        with connection.cursor() as cursor:
            columns = connection.introspection.get_table_description(cursor, table)
            if vendor == "postgresql":
                cursor.execute("SELECT quote_ident(current_schema())")
                schema = cursor.fetchone()[0]
        kept = [each.name for each in columns if each.name not in HISTORY[table]]
        differs = "IS DISTINCT FROM" if vendor == "postgresql" else "IS NOT"
        changed = " OR ".join(f'OLD."{name}" {differs} NEW."{name}"' for name in kept)
        if vendor == "sqlite":
            for name in (BEFORE[table][0].format(table=table), f"{table}_no_update"):
                run(f"DROP TRIGGER IF EXISTS {name}")
            run(SQLITE.format(table=table, ref=PASS[vendor], changed=changed))
        elif vendor == "postgresql":
            run(f"DROP TRIGGER IF EXISTS {BEFORE[table][0].format(table=table)} ON {table}")
            run(f"DROP FUNCTION IF EXISTS {table}_reseals() CASCADE")
            run(POSTGRES.format(table=table, ref=PASS[vendor], changed=changed, schema=schema))


def off(apps, schema_editor):
    vendor, run = schema_editor.connection.vendor, schema_editor.execute
    for table, (trigger, function) in BEFORE.items():
        names = {"table": table, "trigger": trigger.format(table=table)}
        if vendor == "sqlite":
            run(f"DROP TRIGGER {table}_no_update")
        elif vendor == "postgresql":
            run(f"DROP FUNCTION {table}_reseals() CASCADE")
        if vendor in AS_BEFORE:
            run(AS_BEFORE[vendor].format(function=function.format(table=table), **names))


def widen(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        for table, columns in TOO_SHORT.items():
            for column in columns:
                schema_editor.execute(f"ALTER TABLE {table} ALTER COLUMN {column} TYPE text")


def narrow(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        for table, columns in TOO_SHORT.items():
            for column, chars in columns.items():
                schema_editor.execute(
                    f"ALTER TABLE {table} ALTER COLUMN {column} TYPE varchar({chars})"
                )


def add_mark(apps, schema_editor):
    """As a plain column: SQLite would otherwise make the table anew."""
    schema_editor.execute(
        "ALTER TABLE quotes_decisionevent "
        f"ADD COLUMN reason_mark varchar({24}) DEFAULT '' NOT NULL"
    )


def drop_mark(apps, schema_editor):
    schema_editor.execute("ALTER TABLE quotes_decisionevent DROP COLUMN reason_mark")


class Migration(migrations.Migration):

    dependencies = [
        ('quotes', '0010_submissions_in_turn'),
    ]

    operations = [
        migrations.CreateModel(
            name='SealedTable',
            fields=[
                ('name', models.CharField(max_length=80, primary_key=True, serialize=False)),
                ('key_id', models.CharField(max_length=16)),
                ('place', models.CharField(blank=True, help_text='The key of the last row done, while it goes on.', max_length=40)),
                ('finished_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.AddField(
            model_name='vehicle',
            name='vin',
            field=models.CharField(blank=True, editable=False, help_text='As the document states it, by what a household is recognised.', max_length=17),
        ),
        migrations.AddIndex(
            model_name='vehicle',
            index=models.Index(condition=models.Q(('vin', ''), _negated=True), fields=['vin'], name='vehicle_vin'),
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunPython(add_mark, drop_mark),
                migrations.RunPython(widen, narrow),
                migrations.RunPython(on, off),
            ],
            state_operations=[
                migrations.AddField(
                    model_name='decisionevent',
                    name='reason_mark',
                    field=models.CharField(blank=True, db_default='', editable=False, help_text='By what the same reason is counted and found, since it is sealed.', max_length=24),
                ),
                migrations.AlterField(
                    model_name='auditevent',
                    name='data',
                    field=quotes.models.sealed_fields.SealedDocumentField(blank=True, default=dict),
                ),
                migrations.AlterField(
                    model_name='comment',
                    name='text',
                    field=quotes.models.sealed_fields.SealedTextField(),
                ),
                migrations.AlterField(
                    model_name='decisionevent',
                    name='note',
                    field=quotes.models.sealed_fields.SealedTextField(blank=True),
                ),
                migrations.AlterField(
                    model_name='decisionevent',
                    name='reason',
                    field=quotes.models.sealed_fields.SealedTextField(blank=True),
                ),
                migrations.AlterField(
                    model_name='driver',
                    name='document',
                    field=quotes.models.sealed_fields.SealedDocumentField(blank=True, default=dict, editable=False),
                ),
                migrations.AlterField(
                    model_name='importdraft',
                    name='raw',
                    field=quotes.models.sealed_fields.SealedBinaryField(),
                ),
                migrations.AlterField(
                    model_name='incumbentpolicy',
                    name='document',
                    field=quotes.models.sealed_fields.SealedDocumentField(blank=True, default=dict, editable=False),
                ),
                migrations.AlterField(
                    model_name='insured',
                    name='body_document',
                    field=quotes.models.sealed_fields.SealedDocumentField(blank=True, default=dict, editable=False, help_text='Keys of an imported submit body beside input and offerings.'),
                ),
                migrations.AlterField(
                    model_name='insured',
                    name='document',
                    field=quotes.models.sealed_fields.SealedDocumentField(blank=True, default=dict, editable=False),
                ),
                migrations.AlterField(
                    model_name='legalhold',
                    name='lift_reason',
                    field=quotes.models.sealed_fields.SealedTextField(blank=True),
                ),
                migrations.AlterField(
                    model_name='legalhold',
                    name='reason',
                    field=quotes.models.sealed_fields.SealedTextField(),
                ),
                migrations.AlterField(
                    model_name='proposal',
                    name='notes',
                    field=quotes.models.sealed_fields.SealedTextField(blank=True),
                ),
                migrations.AlterField(
                    model_name='proposal',
                    name='pdf',
                    field=quotes.models.sealed_fields.SealedBinaryField(),
                ),
                migrations.AlterField(
                    model_name='proposalpage',
                    name='png',
                    field=quotes.models.sealed_fields.SealedBinaryField(),
                ),
                migrations.AlterField(
                    model_name='quote',
                    name='document',
                    field=quotes.models.sealed_fields.SealedDocumentField(blank=True, default=dict, editable=False),
                ),
                migrations.AlterField(
                    model_name='quoteline',
                    name='details',
                    field=quotes.models.sealed_fields.SealedDocumentField(blank=True, default=dict, editable=False, help_text='Limits, deductibles and the like that differ from what the documents say.'),
                ),
                migrations.AlterField(
                    model_name='quoteline',
                    name='document',
                    field=quotes.models.sealed_fields.SealedDocumentField(blank=True, default=dict, editable=False, help_text='The line as input.quotes gave it.'),
                ),
                migrations.AlterField(
                    model_name='quoteline',
                    name='offering_document',
                    field=quotes.models.sealed_fields.SealedDocumentField(blank=True, default=dict, editable=False, help_text='The offering as it came, if it did.'),
                ),
                migrations.AlterField(
                    model_name='reviewrequest',
                    name='answer',
                    field=quotes.models.sealed_fields.SealedTextField(blank=True),
                ),
                migrations.AlterField(
                    model_name='reviewrequest',
                    name='text',
                    field=quotes.models.sealed_fields.SealedTextField(blank=True),
                ),
                migrations.AlterField(
                    model_name='run',
                    name='degradation_reason',
                    field=quotes.models.sealed_fields.SealedTextField(blank=True),
                ),
                migrations.AlterField(
                    model_name='run',
                    name='diagnostic',
                    field=quotes.models.sealed_fields.SealedTextField(blank=True),
                ),
                migrations.AlterField(
                    model_name='run',
                    name='error',
                    field=quotes.models.sealed_fields.SealedTextField(blank=True),
                ),
                migrations.AlterField(
                    model_name='run',
                    name='error_details',
                    field=quotes.models.sealed_fields.SealedDocumentField(blank=True, null=True),
                ),
                migrations.AlterField(
                    model_name='run',
                    name='request',
                    field=quotes.models.sealed_fields.SealedDocumentField(),
                ),
                migrations.AlterField(
                    model_name='run',
                    name='request_body',
                    field=quotes.models.sealed_fields.SealedBinaryField(),
                ),
                migrations.AlterField(
                    model_name='run',
                    name='response',
                    field=quotes.models.sealed_fields.SealedDocumentField(blank=True, null=True),
                ),
                migrations.AlterField(
                    model_name='run',
                    name='response_body',
                    field=quotes.models.sealed_fields.SealedBinaryField(blank=True, null=True),
                ),
                migrations.AlterField(
                    model_name='runevent',
                    name='data',
                    field=quotes.models.sealed_fields.SealedDocumentField(blank=True, default=dict),
                ),
                migrations.AlterField(
                    model_name='runevent',
                    name='text',
                    field=quotes.models.sealed_fields.SealedTextField(),
                ),
                migrations.AlterField(
                    model_name='solution',
                    name='scorecard',
                    field=quotes.models.sealed_fields.SealedDocumentField(default=dict),
                ),
                migrations.AlterField(
                    model_name='vehicle',
                    name='document',
                    field=quotes.models.sealed_fields.SealedDocumentField(blank=True, default=dict, editable=False),
                ),
            ],
        ),
    ]
