"""Offices, sharing, what lists and reports read, reviews, audit, retention and signs of life."""

import django.db.models.deletion
import quotes.models.fields
import uuid
from django.conf import settings
from django.db import migrations, models


def main_office(apps, schema_editor):
    """Everybody there is works in one office, so that managers go on seeing what they saw."""
    people = apps.get_model("quotes", "User").objects.filter(office__isnull=True)
    if people.exists():
        office, _ = apps.get_model("quotes", "Office").objects.get_or_create(name="Main office")
        people.update(office=office)


class Migration(migrations.Migration):

    dependencies = [
        ('quotes', '0004_decisions'),
    ]

    operations = [
        migrations.CreateModel(
            name='PurgePass',
            fields=[
                ('ref', models.UUIDField(primary_key=True, serialize=False)),
            ],
        ),
        migrations.CreateModel(
            name='Tombstone',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('insured_ref', models.UUIDField(unique=True)),
                ('purged_at', models.DateTimeField()),
                ('purged_by', models.CharField(help_text='Who ran the purge.', max_length=150)),
                ('rule', models.CharField(max_length=300)),
                ('last_touched_at', models.DateTimeField()),
                ('counts', quotes.models.fields.DocumentField(default=dict)),
                ('digests', quotes.models.fields.DocumentField(default=dict)),
            ],
            options={
                'ordering': ['-purged_at', '-id'],
            },
        ),
        migrations.CreateModel(
            name='WorkerBeat',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('host', models.CharField(max_length=200)),
                ('pid', models.PositiveIntegerField()),
                ('started_at', models.DateTimeField()),
                ('beat_at', models.DateTimeField(db_index=True, help_text='When its watcher last showed life.')),
                ('stopped_at', models.DateTimeField(blank=True, help_text='When it drained and ended.', null=True)),
                ('in_hand', models.PositiveIntegerField(default=0, help_text='Runs it was serving at that time.')),
                ('version', models.CharField(blank=True, max_length=40)),
            ],
            options={
                'ordering': ['-beat_at'],
            },
        ),
        migrations.CreateModel(
            name='Office',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=120, unique=True)),
                ('approval', models.CharField(choices=[('none', 'No approval'), ('overridden', "Choices that are not Nexio's first rank"), ('always', 'Every choice')], default='none', help_text='What a manager approves before a package is recorded as bound.', max_length=20)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'ordering': ['name'],
                'constraints': [models.CheckConstraint(condition=models.Q(('approval__in', ['none', 'overridden', 'always'])), name='office_approval_known')],
            },
        ),
        migrations.AddField(
            model_name='user',
            name='office',
            field=models.ForeignKey(blank=True, help_text='Where this person works. A manager sees the work of this office.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='people', to='quotes.office'),
        ),
        migrations.AddField(
            model_name='user',
            name='oversees',
            field=models.ManyToManyField(blank=True, help_text='Other offices whose work a manager sees.', related_name='overseers', to='quotes.office'),
        ),
        migrations.AddField(
            model_name='user',
            name='notices_by_mail',
            field=models.BooleanField(default=True, help_text="Whether notices also go to the person's e-mail address, where mail is set up."),
        ),
        migrations.AddField(
            model_name='user',
            name='link_made_at',
            field=models.DateTimeField(blank=True, editable=False, help_text='When the last link to set a password was made, or all were ended. A link made earlier works no more.', null=True),
        ),
        migrations.CreateModel(
            name='Chore',
            fields=[
                ('name', models.CharField(max_length=40, primary_key=True, serialize=False)),
                ('due_at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='AuditEvent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField()),
                ('deed', models.CharField(choices=[('viewed', 'Viewed'), ('changed', 'Changed'), ('exported', 'Exported'), ('decided', 'Decided'), ('shared', 'Shared'), ('administered', 'Administered'), ('signed_in', 'Signed in'), ('purged', 'Purged'), ('refused', 'Refused')], max_length=20)),
                ('what', models.CharField(max_length=300)),
                ('insured_ref', models.UUIDField(blank=True, null=True)),
                ('run_ref', models.UUIDField(blank=True, null=True)),
                ('data', quotes.models.fields.DocumentField(blank=True, default=dict)),
                ('actor', models.ForeignKey(blank=True, help_text='Nobody for what the app or a command did by itself.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['-id'],
                'indexes': [models.Index(fields=['insured_ref', '-id'], name='audit_insured'), models.Index(fields=['run_ref', '-id'], name='audit_run'), models.Index(fields=['actor', '-id'], name='audit_actor'), models.Index(fields=['at'], name='audit_time')],
                'constraints': [models.CheckConstraint(condition=models.Q(('deed__in', ['viewed', 'changed', 'exported', 'decided', 'shared', 'administered', 'signed_in', 'purged', 'refused'])), name='audit_deed_known')],
            },
        ),
        migrations.CreateModel(
            name='Comment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('text', models.TextField()),
                ('at', models.DateTimeField()),
                ('author', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('run', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='comments', to='quotes.run')),
            ],
            options={
                'ordering': ['at', 'id'],
                'indexes': [models.Index(fields=['run', 'at'], name='comment_of_run')],
            },
        ),
        migrations.CreateModel(
            name='InsuredShare',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('shared_at', models.DateTimeField(auto_now_add=True)),
                ('insured', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='shares', to='quotes.insured')),
                ('shared_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='insureds_shared', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['shared_at', 'id'],
                'constraints': [models.UniqueConstraint(fields=('insured', 'user'), name='insured_shared_once')],
            },
        ),
        migrations.CreateModel(
            name='LegalHold',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('reason', models.CharField(max_length=1000)),
                ('placed_at', models.DateTimeField()),
                ('lifted_at', models.DateTimeField(blank=True, null=True)),
                ('lift_reason', models.CharField(blank=True, max_length=1000)),
                ('insured', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='holds', to='quotes.insured')),
                ('lifted_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('placed_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['-placed_at', '-id'],
                'constraints': [models.UniqueConstraint(condition=models.Q(('lifted_at__isnull', True)), fields=('insured',), name='hold_one_standing')],
            },
        ),
        migrations.CreateModel(
            name='Notice',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('finished', 'Run finished'), ('needs_person', 'Run needs a person'), ('expiring', 'Quote expiring undecided'), ('review', 'Review asked'), ('answer', 'Review answered'), ('comment', 'Comment written')], max_length=20)),
                ('key', models.CharField(max_length=120)),
                ('text', models.CharField(max_length=300)),
                ('at', models.DateTimeField()),
                ('read_at', models.DateTimeField(blank=True, null=True)),
                ('mailed_at', models.DateTimeField(blank=True, null=True)),
                ('mail_due_at', models.DateTimeField(blank=True, null=True)),
                ('mail_tries', models.PositiveSmallIntegerField(default=0)),
                ('run', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='notices', to='quotes.run')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='notices', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['-id'],
                'indexes': [models.Index(fields=['user', '-id'], name='notice_of_user'), models.Index(condition=models.Q(('read_at__isnull', True)), fields=['user'], name='notice_unread'), models.Index(condition=models.Q(('mail_due_at__isnull', False)), fields=['mail_due_at'], name='notice_to_mail'), models.Index(fields=['run', 'kind'], name='notice_of_run')],
                'constraints': [models.UniqueConstraint(fields=('user', 'key'), name='notice_once'), models.CheckConstraint(condition=models.Q(('kind__in', ['finished', 'needs_person', 'expiring', 'review', 'answer', 'comment'])), name='notice_kind_known')],
            },
        ),
        migrations.CreateModel(
            name='ReviewRequest',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('revisit', 'Revisit'), ('approval', 'Approval')], max_length=10)),
                ('state', models.CharField(choices=[('open', 'Open'), ('answered', 'Answered'), ('approved', 'Approved'), ('refused', 'Refused'), ('withdrawn', 'Withdrawn')], default='open', max_length=10)),
                ('asked_at', models.DateTimeField()),
                ('text', models.TextField(blank=True)),
                ('answered_at', models.DateTimeField(blank=True, null=True)),
                ('answer', models.TextField(blank=True)),
                ('answered_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='reviews_answered', to=settings.AUTH_USER_MODEL)),
                ('asked_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='reviews_asked', to=settings.AUTH_USER_MODEL)),
                ('choice', models.ForeignKey(blank=True, help_text='The choice to be approved; another choice needs another approval.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='approvals', to='quotes.decisionevent')),
                ('run', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='review_requests', to='quotes.run')),
            ],
            options={
                'ordering': ['-asked_at', 'id'],
                'indexes': [models.Index(condition=models.Q(('state', 'open')), fields=['kind', 'asked_at'], name='review_open')],
                'constraints': [models.CheckConstraint(condition=models.Q(('kind__in', ['revisit', 'approval'])), name='review_kind_known'), models.CheckConstraint(condition=models.Q(('state__in', ['open', 'answered', 'approved', 'refused', 'withdrawn'])), name='review_state_known'), models.CheckConstraint(condition=models.Q(models.Q(('answered_by__isnull', True), ('state', 'open')), models.Q(models.Q(('state', 'open'), _negated=True), ('answered_at__isnull', False), ('answered_by__isnull', False)), _connector='OR'), name='review_closed_has_answerer'), models.CheckConstraint(condition=models.Q(models.Q(('kind', 'approval'), ('state', 'approved'), _negated=True), models.Q(('answered_by', models.F('asked_by')), _negated=True), _connector='OR'), name='review_nobody_approves_their_own'), models.CheckConstraint(condition=models.Q(models.Q(('kind', 'approval'), _negated=True), ('choice__isnull', False), _connector='OR'), name='review_approval_names_choice'), models.UniqueConstraint(condition=models.Q(('kind', 'approval'), ('state', 'open')), fields=('choice',), name='review_one_open_approval')],
            },
        ),
        migrations.CreateModel(
            name='RunCarrier',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=200)),
                ('part', models.CharField(choices=[('quoted', 'Quoted'), ('top', 'In the first-ranked package'), ('chosen', 'In the chosen package'), ('bound', 'Bound')], max_length=10)),
                ('created_on', models.DateField(help_text="The run's day, as in its fact.")),
                ('carrier', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='quotes.carrier')),
                ('run', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='carriers_in', to='quotes.run')),
            ],
            options={
                'indexes': [models.Index(fields=['carrier', 'part', 'run'], name='run_carrier_part'), models.Index(fields=['created_on', 'carrier', 'part'], name='run_carrier_day')],
                'constraints': [models.UniqueConstraint(fields=('run', 'part', 'name'), name='run_carrier_once'), models.CheckConstraint(condition=models.Q(('part__in', ['quoted', 'top', 'chosen', 'bound'])), name='run_carrier_part_known')],
            },
        ),
        migrations.CreateModel(
            name='RunFact',
            fields=[
                ('run', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='fact', serialize=False, to='quotes.run')),
                ('number', models.PositiveIntegerField()),
                ('created_at', models.DateTimeField()),
                ('created_on', models.DateField(help_text="The day, in the office's time zone.")),
                ('submitted_at', models.DateTimeField(null=True)),
                ('state', models.CharField(choices=[('queued', 'Queued'), ('submitting', 'Sending'), ('waiting', 'Ranking'), ('completed', 'Completed'), ('failed', 'Failed'), ('rejected', 'Rejected'), ('submit_unknown', 'Submission unknown'), ('bad_response', 'Unreadable replies'), ('abandoned', 'Abandoned')], max_length=20)),
                ('nexio_status', models.CharField(blank=True, help_text="As of the run's last step, not of every poll.", max_length=64)),
                ('nexio_run_id', models.CharField(blank=True, max_length=200)),
                ('sandbox', models.BooleanField(default=False)),
                ('degraded', models.BooleanField(default=False)),
                ('lines', models.CharField(blank=True, help_text='"home,auto,umbrella".', max_length=40)),
                ('offerings', models.PositiveIntegerField(default=0, help_text='Offerings sent.')),
                ('failure', models.CharField(blank=True, help_text='Why there are no packages, as a code of `failures`; empty while there may be.', max_length=60)),
                ('waited', models.FloatField(help_text='Seconds from the 202 until Nexio had ended.', null=True)),
                ('packages', models.PositiveIntegerField(default=0)),
                ('top_label', models.CharField(blank=True, max_length=200)),
                ('top_cost', models.DecimalField(decimal_places=2, help_text='The low end of its cost.', max_digits=14, null=True)),
                ('top_cost_high', models.DecimalField(decimal_places=2, max_digits=14, null=True)),
                ('expires_at', models.DateTimeField(help_text="When the first of its packages' quotes expires.", null=True)),
                ('first_quote_at', models.DateTimeField(null=True)),
                ('decision', models.CharField(choices=[('undecided', 'Undecided'), ('chosen', 'Chosen'), ('shown', 'Shown'), ('accepted', 'Accepted'), ('declined', 'Declined'), ('bound', 'Bound')], default='undecided', max_length=20)),
                ('decided_at', models.DateTimeField(null=True)),
                ('to_decision', models.FloatField(help_text='Seconds from the first quote to the choice.', null=True)),
                ('overridden', models.BooleanField(help_text='Whether the chosen is not the first rank.', null=True)),
                ('chosen_rank', models.PositiveIntegerField(null=True)),
                ('chosen_label', models.CharField(blank=True, max_length=200)),
                ('chosen_cost', models.DecimalField(decimal_places=2, help_text='The low end of its cost.', max_digits=14, null=True)),
                ('bound_at', models.DateTimeField(null=True)),
                ('moved', models.DecimalField(decimal_places=2, help_text='Premium bound away from the incumbent of its line; a new line moves nothing.', max_digits=14, null=True)),
                ('broker', models.ForeignKey(help_text='Whose insured it is now.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('insured', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='quotes.insured')),
            ],
            options={
                'ordering': ['-created_at', '-run'],
                'indexes': [models.Index(fields=['created_at', 'run'], name='fact_latest'), models.Index(fields=['broker', 'created_at', 'run'], name='fact_broker'), models.Index(fields=['state', 'created_at', 'run'], name='fact_state'), models.Index(fields=['decision', 'created_at', 'run'], name='fact_decision'), models.Index(fields=['decision', 'expires_at'], name='fact_ending'), models.Index(fields=['failure', 'created_at', 'run'], name='fact_failure'), models.Index(fields=['nexio_run_id'], name='fact_nexio_run'), models.Index(fields=['top_cost', 'run'], name='fact_cost'), models.Index(fields=['waited', 'run'], name='fact_waited'), models.Index(fields=['expires_at', 'run'], name='fact_expires'), models.Index(fields=['decided_at', 'run'], name='fact_decided'), models.Index(fields=['created_on', 'broker'], name='fact_day')],
            },
        ),
        migrations.CreateModel(
            name='SavedView',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=60)),
                ('codes', models.CharField(blank=True, help_text='Filters, as a query string.', max_length=2000)),
                ('search', models.CharField(blank=True, max_length=200)),
                ('saved_at', models.DateTimeField(auto_now=True)),
                ('owner', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='saved_views', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['name'],
                'constraints': [models.UniqueConstraint(fields=('owner', 'name'), name='saved_view_once')],
            },
        ),
        migrations.AddField(
            model_name='nexioservice',
            name='key_tested_at',
            field=models.DateTimeField(blank=True, help_text='When a person last asked whether the key works.', null=True),
        ),
        migrations.AddIndex(
            model_name='runevent',
            index=models.Index(fields=['at', 'kind'], name='event_time'),
        ),
        migrations.AddIndex(
            model_name='insured',
            index=models.Index(fields=['applicant_name', 'id'], name='insured_name'),
        ),
        migrations.AddIndex(
            model_name='quoteline',
            index=models.Index(fields=['quote_ref'], name='quote_line_quote_ref'),
        ),
        migrations.AddIndex(
            model_name='solutionline',
            index=models.Index(fields=['quote_ref'], name='solution_line_quote_ref'),
        ),
        migrations.RunPython(main_office, migrations.RunPython.noop),
    ]
