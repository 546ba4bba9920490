"""The database keeps history from being changed, and lets it go only inside a purge.

UPDATE and TRUNCATE are refused always. DELETE is refused except of rows older than the law's
term while a pass for the run or proposal they belong to stands in quotes_purgepass; tombstones
stay for good. The triggers look at no table but the pass: SQLite refuses to rename a table that a
trigger names, so one that looked into quotes_run would stop every later migration of runs.

SQLite drops the triggers of a table that Django makes anew (most changes of columns): a later
migration that does so to one of these tables puts them back with `on`. A test asks the database.
"""

from django.db import migrations, models

# table: (column that names what the pass is for, column with the row's time, years it must stay)
# 23 NYCRR 500.06: five years for what reconstructs a transaction, three for the audit trail.
PASSED = {
    "quotes_runevent": ("OLD.run_id", "at", 5),
    "quotes_decisionevent": ("OLD.run_id", "at", 5),
    "quotes_comment": ("OLD.run_id", "at", 5),
    "quotes_proposal": ("OLD.run_id", "made_at", 5),
    "quotes_proposaloption": ("OLD.proposal_id", None, 0),
    "quotes_proposalpage": ("OLD.proposal_id", None, 0),
    # The pass for the access log past its term is the id that no row has.
    "quotes_auditevent": ("'{nobody}'", "at", 3),
    # Of a later migration.
    "quotes_exportpart": ("'{nobody}'", "at", 3),
}
LATER = ("quotes_exportpart",)
KEPT = [*(table for table in PASSED if table not in LATER), "quotes_tombstone"]
NEW = ("quotes_auditevent", "quotes_comment", "quotes_tombstone", *LATER)
DECISIONS = (
    "quotes_decisionevent",
    "quotes_proposal",
    "quotes_proposaloption",
    "quotes_proposalpage",
)
NOBODY = {
    "sqlite": "00000000000000000000000000000000",
    "postgresql": "00000000-0000-0000-0000-000000000000",
}
AGO = {
    "sqlite": "datetime('now', '-{years} years')",
    "postgresql": "now() - interval '{years} years'",
}

SQLITE = """
CREATE TRIGGER {table}_no_{verb} BEFORE {verb} ON {table} {when}
BEGIN SELECT RAISE(ABORT, 'history is append-only'); END
"""
POSTGRES_FUNCTION = """
CREATE FUNCTION {table}_stays() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, {schema}, pg_temp AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    IF NOT ({refused}) THEN RETURN OLD; END IF;
  END IF;
  RAISE EXCEPTION 'history is append-only';
END $$
"""
POSTGRES_ROW = """
CREATE TRIGGER {table}_no_{verb} BEFORE {verb} ON {table}
FOR EACH ROW EXECUTE FUNCTION {table}_stays()
"""
POSTGRES_ALL = """
CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}
FOR EACH STATEMENT EXECUTE FUNCTION {table}_stays()
"""


def refused(table, vendor):
    """The condition under which a row of `table` may not be deleted."""
    if table not in PASSED:
        return "TRUE"
    owner, time, years = PASSED[table]
    owner = owner.format(nobody=NOBODY[vendor])
    if vendor == "postgresql" and owner.startswith("'"):
        owner += "::uuid"
    without = f"NOT EXISTS (SELECT 1 FROM quotes_purgepass WHERE ref = {owner})"  # noqa: S608 - constants
    return f"OLD.{time} > {AGO[vendor].format(years=years)} OR {without}" if time else without


def verbs(table):
    return ("update", "delete") if table in NEW else ("delete",)


def on(apps, schema_editor, tables=KEPT):
    """Put up the triggers of `tables`, which have none of these."""
    vendor, run = schema_editor.connection.vendor, schema_editor.execute
    if vendor == "sqlite":
        for table in tables:
            for verb in verbs(table):
                when = f"WHEN {refused(table, vendor)}" if verb == "delete" else ""
                run(SQLITE.format(table=table, verb=verb, when=when))
    elif vendor == "postgresql":
        with schema_editor.connection.cursor() as cursor:
            cursor.execute("SELECT quote_ident(current_schema())")
            schema = cursor.fetchone()[0]
        for table in tables:
            why = refused(table, vendor)
            run(POSTGRES_FUNCTION.format(table=table, schema=schema, refused=why))
            for verb in verbs(table):
                run(POSTGRES_ROW.format(table=table, verb=verb))
            run(POSTGRES_ALL.format(table=table))


def off(apps, schema_editor, tables=KEPT):
    vendor, run = schema_editor.connection.vendor, schema_editor.execute
    for table in tables:
        if vendor == "sqlite":
            for verb in verbs(table):
                run(f"DROP TRIGGER {table}_no_{verb}")
        elif vendor == "postgresql":
            # Its triggers go with the function.
            run(f"DROP FUNCTION {table}_stays() CASCADE")


def without_pass_off(apps, schema_editor):
    """Take down what 0004 put up against DELETE, which knew no pass."""
    where = " ON {0}" if schema_editor.connection.vendor == "postgresql" else ""
    if schema_editor.connection.vendor in NOBODY:
        for table in DECISIONS:
            schema_editor.execute(f"DROP TRIGGER {table}_no_delete" + where.format(table))


def without_pass_on(apps, schema_editor):
    vendor, run = schema_editor.connection.vendor, schema_editor.execute
    for table in DECISIONS:
        if vendor == "sqlite":
            run(SQLITE.format(table=table, verb="delete", when=""))
        elif vendor == "postgresql":
            run(
                f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} "
                "FOR EACH ROW EXECUTE FUNCTION quotes_decisions_append_only()"
            )


def carry_over(apps, schema_editor):
    """What people did to runs before there was an access log stands at its beginning."""
    entry = apps.get_model("quotes", "AuditEvent")
    run_events = apps.get_model("quotes", "RunEvent").objects.filter(actor__isnull=False)
    steps = apps.get_model("quotes", "DecisionEvent").objects.all()
    columns = ("at", "actor_id", "kind", "run_id", "run__insured_id")
    done = [("changed", *row) for row in run_events.values_list(*columns)]
    done += [("decided", *row) for row in steps.values_list(*columns)]
    done.sort(key=lambda row: row[1])
    entry.objects.bulk_create(
        (
            entry(
                at=at,
                actor_id=actor,
                deed="exported" if kind == "packet_made" else deed,
                what=f"From the run's history: {kind.replace('_', ' ')}",
                insured_ref=insured,
                run_ref=run,
                data={"carried_over": True},
            )
            for deed, at, actor, kind, run, insured in done
        ),
        batch_size=500,
    )


class Migration(migrations.Migration):
    dependencies = [("quotes", "0005_people_review_and_audit")]
    operations = [
        migrations.AddIndex(
            model_name="auditevent",
            index=models.Index(name="audit_lately", fields=["actor", "insured_ref", "at"]),
        ),
        migrations.RunPython(without_pass_off, without_pass_on),
        migrations.RunPython(carry_over, migrations.RunPython.noop),
        migrations.RunPython(on, off),
    ]
