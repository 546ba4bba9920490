"""Rows from before there was sealing are sealed, some at a time; taken back, they are opened.

Stopped in between, it goes on where it was. `manage.py reseal_data` does the same later, when keys
change.
"""

from django.db import migrations
from django.db.models import F

from quotes.models.sealing import mark_of
from quotes.services.resealing import reseal, unseal
from quotes.services.sealed_tables import Derived, Table, vin_of

TABLES = [
    # First those that a household's people look at.
    Table("quotes_insured", "id", ("document", "body_document")),
    Table("quotes_driver", "id", ("document",)),
    Table("quotes_vehicle", "id", ("document",), derived=(Derived("vin", "document", vin_of),)),
    Table("quotes_incumbentpolicy", "id", ("document",)),
    Table("quotes_quote", "id", ("document",)),
    Table("quotes_quoteline", "id", ("document", "offering_document", "details")),
    Table(
        "quotes_run",
        "id",
        ("request", "response", "diagnostic", "degradation_reason", "error", "error_details"),
        bytes=("request_body", "response_body"),
    ),
    Table("quotes_solution", "id", ("scorecard",)),
    Table("quotes_reviewrequest", "id", ("text", "answer")),
    Table("quotes_legalhold", "id", ("reason", "lift_reason")),
    Table("quotes_importdraft", "id", (), bytes=("raw",)),
    Table(
        "quotes_decisionevent",
        "id",
        ("reason", "note"),
        derived=(Derived("reason_mark", "reason", mark_of),),
        history=True,
    ),
    Table("quotes_comment", "id", ("text",), history=True),
    Table("quotes_proposal", "id", ("notes",), bytes=("pdf",), history=True),
    Table("quotes_proposalpage", "id", (), bytes=("png",), history=True),
    Table("quotes_runevent", "id", ("text", "data"), history=True),
    Table("quotes_auditevent", "id", ("data",), history=True),
]


def seal(apps, schema_editor):
    for table in TABLES:
        reseal(table)
    _forget_figures(apps)


def open_again(apps, schema_editor):
    for table in TABLES:
        unseal(table)
    apps.get_model("quotes", "SealedTable").objects.all().delete()
    _forget_figures(apps)


def _forget_figures(apps):
    """Kept figures count reasons by marks that are others now."""
    for name in ("KeptMonth", "KeptDay"):
        apps.get_model("quotes", name).objects.update(version=F("version") + 1)


class Migration(migrations.Migration):
    # A transaction a step: what is done stays done.
    atomic = False

    dependencies = [("quotes", "0011_sealed_columns")]
    operations = [migrations.RunPython(seal, open_again)]
