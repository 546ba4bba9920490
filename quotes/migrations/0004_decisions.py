"""Decisions, proposals and their history, which the database itself keeps from being changed."""

import django.db.models.deletion
import uuid
from django.conf import settings
from django.db import migrations, models


TABLES = (
    "quotes_decisionevent",
    "quotes_proposal",
    "quotes_proposaloption",
    "quotes_proposalpage",
)
SQLITE_ON = """
CREATE TRIGGER {table}_no_{verb} BEFORE {verb} ON {table}
BEGIN SELECT RAISE(ABORT, 'decisions and proposals are append-only'); END
"""
POSTGRES_FUNCTION = """
CREATE FUNCTION quotes_decisions_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'decisions and proposals are append-only'; END $$;
"""
POSTGRES_ON = """
CREATE TRIGGER {table}_no_{verb} BEFORE {verb} ON {table}
FOR EACH ROW EXECUTE FUNCTION quotes_decisions_append_only();
"""


def each():
    return [{"table": table, "verb": verb} for table in TABLES for verb in ("update", "delete")]


def on(apps, schema_editor):
    if schema_editor.connection.vendor == "sqlite":
        for names in each():
            schema_editor.execute(SQLITE_ON.format(**names))
    elif schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(POSTGRES_FUNCTION)
        for names in each():
            schema_editor.execute(POSTGRES_ON.format(**names))


def off(apps, schema_editor):
    if schema_editor.connection.vendor == "sqlite":
        for names in each():
            schema_editor.execute("DROP TRIGGER {table}_no_{verb}".format(**names))
    elif schema_editor.connection.vendor == "postgresql":
        for names in each():
            schema_editor.execute("DROP TRIGGER {table}_no_{verb} ON {table}".format(**names))
        schema_editor.execute("DROP FUNCTION quotes_decisions_append_only()")


class Migration(migrations.Migration):

    dependencies = [
        ('quotes', '0003_fast_entry'),
    ]

    operations = [
        migrations.CreateModel(
            name='DecisionEvent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('chosen', 'Chosen'), ('shown', 'Shown to the insured'), ('accepted', 'Accepted'), ('declined', 'Declined'), ('bound', 'Bound'), ('option_declined', 'Option declined'), ('higher_limits_offered', 'Higher limits offered'), ('higher_limits_rejected', 'Higher limits rejected'), ('reopened', 'Reopened')], max_length=30)),
                ('line', models.CharField(blank=True, choices=[('home', 'Home'), ('auto', 'Auto'), ('umbrella', 'Umbrella')], max_length=10)),
                ('reason', models.CharField(blank=True, max_length=1000)),
                ('how', models.CharField(blank=True, choices=[('in_person', 'In person'), ('phone', 'By phone'), ('email', 'By e-mail'), ('mail', 'By mail'), ('portal', 'Through a portal')], max_length=20)),
                ('on', models.DateField(blank=True, help_text='The day it happened.', null=True)),
                ('note', models.TextField(blank=True)),
                ('confirmed', models.CharField(blank=True, help_text='What had expired when it was chosen all the same.', max_length=1000)),
                ('at', models.DateTimeField()),
            ],
            options={
                'ordering': ['id'],
            },
        ),
        migrations.CreateModel(
            name='Proposal',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('number', models.PositiveIntegerField(help_text="1 is the run's first proposal.")),
                ('notes', models.TextField(blank=True)),
                ('pdf', models.BinaryField()),
                ('size', models.PositiveIntegerField(help_text='Bytes of the PDF.')),
                ('sha256', models.CharField(max_length=64)),
                ('replaced', models.CharField(blank=True, help_text='Characters that no font of ours has, shown as □.', max_length=200)),
                ('made_at', models.DateTimeField()),
            ],
            options={
                'ordering': ['made_at', 'number'],
            },
        ),
        migrations.CreateModel(
            name='ProposalOption',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('position', models.PositiveSmallIntegerField(help_text='0 is option A.')),
            ],
            options={
                'ordering': ['proposal', 'position'],
            },
        ),
        migrations.CreateModel(
            name='ProposalPage',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveSmallIntegerField(help_text='From 1.')),
                ('png', models.BinaryField()),
            ],
            options={
                'ordering': ['proposal', 'number'],
            },
        ),
        migrations.AddField(
            model_name='run',
            name='chosen',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='quotes.solution'),
        ),
        migrations.AddField(
            model_name='run',
            name='decision',
            field=models.CharField(choices=[('undecided', 'Undecided'), ('chosen', 'Chosen'), ('shown', 'Shown'), ('accepted', 'Accepted'), ('declined', 'Declined'), ('bound', 'Bound')], db_index=True, default='undecided', max_length=20),
        ),
        migrations.AddConstraint(
            model_name='run',
            constraint=models.CheckConstraint(condition=models.Q(('decision__in', ['undecided', 'chosen', 'shown', 'accepted', 'declined', 'bound'])), name='run_decision_known'),
        ),
        migrations.AddConstraint(
            model_name='run',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('chosen__isnull', True), ('decision', 'undecided')), models.Q(models.Q(('decision', 'undecided'), _negated=True), ('chosen__isnull', False)), _connector='OR'), name='run_undecided_means_none_chosen'),
        ),
        migrations.AddField(
            model_name='decisionevent',
            name='actor',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='decisionevent',
            name='run',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='decision_events', to='quotes.run'),
        ),
        migrations.AddField(
            model_name='decisionevent',
            name='solution',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='decision_events', to='quotes.solution'),
        ),
        migrations.AddField(
            model_name='proposal',
            name='chosen',
            field=models.ForeignKey(blank=True, help_text='The package that was chosen when it was made.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='quotes.solution'),
        ),
        migrations.AddField(
            model_name='proposal',
            name='made_by',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='proposal',
            name='run',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='proposals', to='quotes.run'),
        ),
        migrations.AddField(
            model_name='decisionevent',
            name='proposal',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='decision_events', to='quotes.proposal'),
        ),
        migrations.AddField(
            model_name='proposaloption',
            name='proposal',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='options', to='quotes.proposal'),
        ),
        migrations.AddField(
            model_name='proposaloption',
            name='solution',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='quotes.solution'),
        ),
        migrations.AddField(
            model_name='proposalpage',
            name='proposal',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='pages', to='quotes.proposal'),
        ),
        migrations.AddConstraint(
            model_name='proposal',
            constraint=models.UniqueConstraint(fields=('run', 'number'), name='proposal_number_per_run'),
        ),
        migrations.AddIndex(
            model_name='decisionevent',
            index=models.Index(fields=['run', 'id'], name='quotes_deci_run_id_07d463_idx'),
        ),
        migrations.AddConstraint(
            model_name='decisionevent',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['chosen', 'shown', 'accepted', 'declined', 'bound', 'option_declined', 'higher_limits_offered', 'higher_limits_rejected', 'reopened'])), name='decision_event_kind_known'),
        ),
        migrations.AddConstraint(
            model_name='decisionevent',
            constraint=models.CheckConstraint(condition=models.Q(('line', ''), ('line__in', ('home', 'auto', 'umbrella')), _connector='OR'), name='decision_event_line_known'),
        ),
        migrations.AddConstraint(
            model_name='decisionevent',
            constraint=models.CheckConstraint(condition=models.Q(('how', ''), ('how__in', ['in_person', 'phone', 'email', 'mail', 'portal']), _connector='OR'), name='decision_event_how_known'),
        ),
        migrations.AddConstraint(
            model_name='decisionevent',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('kind__in', ['chosen', 'shown', 'accepted', 'declined', 'bound', 'option_declined']), _negated=True), ('solution__isnull', False), _connector='OR'), name='decision_event_names_solution'),
        ),
        migrations.AddConstraint(
            model_name='proposaloption',
            constraint=models.UniqueConstraint(fields=('proposal', 'position'), name='proposal_option_position_once'),
        ),
        migrations.AddConstraint(
            model_name='proposaloption',
            constraint=models.UniqueConstraint(fields=('proposal', 'solution'), name='proposal_option_solution_once'),
        ),
        migrations.AddConstraint(
            model_name='proposalpage',
            constraint=models.UniqueConstraint(fields=('proposal', 'number'), name='proposal_page_number_once'),
        ),
        migrations.RunPython(on, off),
    ]
