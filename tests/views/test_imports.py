"""The import pages: paste or drop, the preview, the confirmation, and what is refused in words."""

from __future__ import annotations

import datetime as dt
import html
import io
import json
import zipfile
from typing import Any

import pytest
import xlsxwriter
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from quotes.models import ColumnChoice, ImportDraft, Insured, Quote
from quotes.services.importing.template import QUOTES, template_csv
from tests.factories import import_example
from tests.services.importing.tables import HEADINGS, HOME, LARKSPUR, TIDEWATER, csv_of, stored
from tests.views.pages import form_values, signed_in, words

pytestmark = pytest.mark.django_db
NEW = "/import/"
TABLE = csv_of(LARKSPUR, TIDEWATER)


@pytest.fixture
def owner(people):
    return people["broker"]


@pytest.fixture
def client(owner):
    return signed_in(owner)


def dropped(raw: bytes, name: str = "quotes.csv") -> dict[str, Any]:
    return {"text": "", "file": SimpleUploadedFile(name, raw)}


def page_of(client: Client, data: dict[str, Any], address: str = NEW) -> Any:
    """The preview that posting leads to, with `.address`; or the refused form."""
    answer = client.post(address, data)
    if answer.status_code != 302:
        return answer
    page: Any = client.get(answer["Location"])
    page.address = answer["Location"]
    return page


def do(client: Client, page: Any, what: str, **more: str) -> Any:
    """Press a button of the preview."""
    values = form_values(page.content.decode()) | more | {"do": what}
    return client.post(page.address, values)


class TestPasteAndDrop:
    @pytest.mark.parametrize(
        "data",
        [
            {"text": TABLE.decode().replace(",", "\t")},
            {"text": TABLE.decode()},
            dropped(TABLE),
            dropped(b"\xef\xbb\xbf" + TABLE),
            dropped(TABLE.decode().encode("utf-16")),
            dropped(TABLE.decode().replace("Ana", "Añá").encode("cp1252")),
            dropped(TABLE.decode().replace(",", ";").encode(), "prices.txt"),
        ],
    )
    def test_previews_and_on_a_second_press_imports(self, client, data):
        page = page_of(client, data)
        assert page.status_code == 200
        said = words(page)
        assert "Larkspur Mutual" in said
        assert "$4,100" in said
        assert "Import 2 quotes" in said
        assert stored() == [[], [], []]
        answer = do(client, page, "import")
        insured = Insured.objects.get()
        assert answer["Location"] == reverse("quotes:insured_detail", args=[insured.pk])
        assert insured.quotes.count() == 2
        assert not ImportDraft.objects.exists()
        assert "2 quotes added" in words(client.get(answer["Location"]))

    def test_again_there_is_nothing_to_import(self, client):
        do(client, page_of(client, dropped(TABLE)), "import")
        page = page_of(client, dropped(TABLE))
        assert "there is nothing to import" in words(page)
        assert "Import 2 quotes" not in words(page)

    def test_changes_are_shown_from_and_to(self, client):
        do(client, page_of(client, dropped(TABLE)), "import")
        page = page_of(client, dropped(csv_of((*LARKSPUR[:7], "4250", *LARKSPUR[8:]))))
        assert "Home premium from $4,100 → to $4,250" in words(page)

    def test_json_is_told_by_its_content(self, client):
        value = {"applicant": {"name": "Ana Fable"}, "quotes": [{"carrier": "Larkspur Mutual"}]}
        page = page_of(client, {"text": json.dumps([value])})
        assert "Import 1 quote" in words(page)
        do(client, page, "import")
        assert Insured.objects.get().applicant_name == "Ana Fable"

    def test_several_households_lead_to_the_list(self, client):
        page = page_of(client, dropped(csv_of(LARKSPUR, ("Bo Ray", *TIDEWATER[1:]))))
        answer = do(client, page, "import")
        assert answer["Location"] == reverse("quotes:insured_list")

    def test_discarding_leaves_nothing(self, client):
        answer = do(client, page_of(client, dropped(TABLE)), "discard")
        assert answer["Location"] == reverse("quotes:insured_list")
        assert stored() == [[], [], []]
        assert not ImportDraft.objects.exists()

    def test_what_nobody_confirmed_is_gone_after_a_day(self, client, people):
        for who in ("broker", "other"):
            page_of(signed_in(people[who]), dropped(TABLE))
        ImportDraft.objects.update(created_at=timezone.now() - dt.timedelta(hours=25))
        page_of(client, dropped(TABLE))
        assert ImportDraft.objects.count() == 1

    def test_a_name_that_would_be_markup_is_text(self, client):
        page = page_of(client, dropped(csv_of(("<b>Ana</b>", *LARKSPUR[1:]))))
        assert "<b>Ana</b>" not in page.content.decode()
        assert "<b>Ana</b>" in words(page).replace("&lt;", "<") or "&lt;b&gt;" in (
            page.content.decode()
        )


class TestFromTheInsuredsPage:
    @pytest.fixture
    def insured(self, owner):
        return Insured.objects.create(owner=owner, applicant_name="Ana Fable")

    def test_cells_without_headings_are_named_by_hand(self, client, insured):
        page = page_of(
            client,
            {"text": "Larkspur Mutual\t4,100\t2,400\nTidewater\t3,900\t2,300"},
            f"{NEW}?insured={insured.pk}",
        )
        assert "Say which one it is" in words(page)
        answer = do(
            client,
            page,
            "update",
            **{"column-0-1": "home.premium_annual", "column-0-2": "auto.premium_annual"},
        )
        again = client.get(answer["Location"])
        again.address = page.address
        do(client, again, "import")
        assert {
            (line.quote.carrier_name, line.line, int(line.premium_annual or 0))
            for quote in insured.quotes.all()
            for line in quote.lines.all()
        } == {
            ("Larkspur Mutual", "home", 4100), ("Larkspur Mutual", "auto", 2400),
            ("Tidewater", "home", 3900), ("Tidewater", "auto", 2300),
        }  # fmt: skip
        assert not ColumnChoice.objects.exists()

    def test_rows_need_no_name_and_it_leads_back(self, client, insured):
        address = f"{NEW}?insured={insured.pk}"
        assert "For Ana Fable" in words(client.get(address))
        text = "Carrier\tHome premium\nLarkspur Mutual\t4,100\nTidewater Casualty\t$3,900.50\n"
        page = page_of(client, {"text": text}, address)
        answer = do(client, page, "import")
        assert answer["Location"] == reverse("quotes:insured_detail", args=[insured.pk])
        assert insured.quotes.count() == 2

    def test_another_brokers_insured_is_absent(self, people, insured):
        other = signed_in(people["other"])
        for pk in (insured.pk, "nonsense", "00000000-0000-4000-8000-000000000000"):
            assert other.get(f"{NEW}?insured={pk}").status_code == 404
            assert other.post(f"{NEW}?insured={pk}", {"text": "x"}).status_code == 404

    def test_an_insured_that_changed_hands_meanwhile_is_absent(self, client, people, insured):
        page = page_of(client, {"text": "Carrier\tHome\nA\t1"}, f"{NEW}?insured={insured.pk}")
        Insured.objects.update(owner=people["other"])
        assert do(client, page, "import").status_code == 404
        assert not Quote.objects.exists()


class TestColumns:
    RAW = csv_of(("Ana Fable", "Larkspur Mutual", "4100"), headings=("Insured", "Carrier", "Zzz"))

    def test_one_that_is_not_recognised_is_left_out_and_said(self, client):
        page = page_of(client, dropped(self.RAW))
        assert "(1 left out)" in words(page)
        answer = do(client, page, "import")
        assert answer.status_code == 422
        assert "Nothing was imported" in words(answer)
        assert stored() == [[], [], []]

    def test_is_corrected_and_remembered(self, client, people):
        page = page_of(client, dropped(self.RAW))
        answer = do(client, page, "update", **{"column-0-2": "home.premium_annual"})
        assert answer["Location"] == page.address
        again = client.get(page.address)
        again.address = page.address
        assert "$4,100" in words(again)
        assert not ColumnChoice.objects.exists()
        do(client, again, "import")
        assert Quote.objects.get().lines.get().premium_annual == 4100
        next_time = page_of(
            client, dropped(csv_of(("Bo", "L", "9"), headings=("Insured", "Carrier", "ZZZ")))
        )
        assert "$9" in words(next_time)

    def test_a_column_changed_and_imported_in_one_press_is_shown_first(self, client):
        page = page_of(client, dropped(TABLE))
        answer = do(client, page, "import", **{"column-0-7": ""})
        assert answer.status_code == 422
        assert "this is not what you saw before" in words(answer)
        assert stored() == [[], [], []]

    @pytest.mark.parametrize("value", ["nonsense", "applicant_name; DROP", "\x00"])
    def test_what_is_no_target_is_not_taken(self, client, value):
        page = page_of(client, dropped(TABLE))
        do(client, page, "update", **{"column-0-7": value, "column-9999999-1": "carrier"})
        assert "Import 2 quotes" in words(client.get(page.address))

    def test_sensitive_columns_are_dropped_with_a_notice(self, client):
        raw = csv_of((*LARKSPUR, "000-00-0000"), headings=(*HEADINGS, "SSN"))
        page = page_of(client, dropped(raw))
        assert "Left out for good SSN" in words(page)
        assert "000-00-0000" not in page.content.decode()


class TestMeanwhile:
    def test_what_changed_since_the_preview_is_shown_and_not_written(self, client):
        do(client, page_of(client, dropped(TABLE)), "import")
        page = page_of(client, dropped(csv_of((*LARKSPUR[:7], "4250", *LARKSPUR[8:]))))
        Quote.objects.filter(package_id="P-1").delete()
        before = stored()
        answer = do(client, page, "import")
        assert answer.status_code == 422
        assert "this is not what you saw before" in words(answer)
        assert stored() == before
        answer.address = page.address
        assert do(client, answer, "import").status_code == 302

    def test_a_draft_is_its_brokers_alone(self, client, people):
        page = page_of(client, dropped(TABLE))
        other = signed_in(people["other"])
        assert other.get(page.address).status_code == 404
        assert other.post(page.address, {"do": "import"}).status_code == 404
        assert signed_in(people["manager"]).get(page.address).status_code == 403
        assert stored() == [[], [], []]


def workbook(*rows: tuple[Any, ...], merge: str = "") -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        sheet = book.add_worksheet("Quotes")
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)
        if merge:
            sheet.merge_range(merge, "Home")
    return out.getvalue()


def bomb() -> bytes:
    """A small workbook whose sheet inflates to 200 MB."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(workbook(("Carrier",)))) as source,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for name in source.namelist():
            if name != "xl/worksheets/sheet1.xml":
                target.writestr(name, source.read(name))
        with target.open("xl/worksheets/sheet1.xml", "w") as sheet:
            for _ in range(200):
                sheet.write(b" " * 1024 * 1024)
    return out.getvalue()


class TestRefusedInWords:
    @pytest.mark.parametrize(
        ("data", "said"),
        [
            (dropped(b"x" * 50 * 1024 * 1024), "larger than 5 MB"),
            ({"text": "x" * (5 * 1024 * 1024 + 1)}, "larger than 5 MB"),
            (dropped(bomb(), "bomb.xlsx"), "the file"),
            (dropped((",".join(["a"] * 1_000_000) + "\n").encode()), "columns"),
            (dropped(b"[" * 10_000, "deep.json"), "nested too deeply"),
            ({"text": "[" * 10_000}, "nested too deeply"),
            ({"text": '{"quotes": [{"carrier": "A", "home": {"premium_annual": NaN}}]}'}, "NaN"),
            (dropped(b""), "empty"),
            (dropped(b"\n\n , \n"), ""),
            ({"text": ""}, "Paste the cells"),
            ({"text": "  \n "}, "Paste the cells"),
            (dropped(b"%PDF-1.7 ...", "quotes.xlsx"), "PDF"),
            (dropped(b"\xd0\xcf\x11\xe0 old", "quotes.xls"), "xls"),
            (dropped(b"\x00\x01\x02\x03" * 40), ""),
            ({"text": "a", "file": SimpleUploadedFile("a.csv", b"a")}, "Take one of them out"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_and_nothing_is_kept(self, client, data, said):
        for value in data.values():
            if hasattr(value, "seek"):
                value.seek(0)
        answer = client.post(NEW, data)
        assert answer.status_code == 422
        assert said.lower() in words(answer).lower()
        assert 'class="error-summary"' in answer.content.decode()
        assert not ImportDraft.objects.exists()

    def test_more_than_any_form_may_hold(self, client):
        client.raise_request_exception = False
        answer = client.post(NEW, {"text": "x" * 7 * 1024 * 1024})
        assert answer.status_code == 400
        assert "larger than 5 MB" in words(answer)

    def test_a_pasted_text_comes_back(self, client):
        pasted = '{"quotes": [{"carrier": ""}]}'
        answer = client.post(NEW, {"text": pasted})
        assert answer.status_code == 422
        assert "must be the carrier" in words(answer)
        assert pasted in html.unescape(answer.content.decode())

    @pytest.mark.parametrize(
        ("cell", "said"),
        [
            ("=1+1", "formula"),
            ("-4100", "Row 2, Home premium"),
            ("four", "Row 2, Home premium"),
            ("#REF!", "Row 2, Home premium"),
            ("99999999", "Row 2, Home premium"),
        ],
    )
    def test_a_cell_by_row_and_column(self, client, cell, said):
        page = page_of(client, dropped(csv_of((*LARKSPUR[:7], cell, *LARKSPUR[8:]))))
        assert page.status_code == 200
        assert said in words(page)
        assert do(client, page, "import").status_code == 422
        assert stored() == [[], [], []]

    def test_five_hundred_problems_stay_readable(self, client):
        rows = [(*HOME, f"Carrier {n}", "", "", "much", "", "", "", "", "") for n in range(500)]
        page = page_of(client, dropped(csv_of(*rows)))
        said = words(page)
        assert "Row 2, Home premium" in said
        assert page.content.decode().count("checks__item--error") == 100
        assert "more. Mend these first" in said


class TestReadAsMeant:
    def test_mixed_dates_currency_signs_and_thousands(self, client):
        headings = ("Insured", "Carrier", "Home premium", "Expires")
        rows = [
            ("Ana Fable", "Larkspur Mutual", "$4,100.50", "2026-12-18"),
            ("Ana Fable", "Tidewater Casualty", "USD 3,900", "12/18/2026"),
            ("Ana Fable", "Quillback National", "4 200", "18-Dec-2026"),
        ]
        page = page_of(client, dropped(csv_of(*rows[:2], headings=headings)))
        do(client, page, "import")
        assert len({quote.expires_at for quote in Quote.objects.all()}) == 1
        assert {str(q.lines.get().premium_annual) for q in Quote.objects.all()} == {
            "4100.50",
            "3900.00",
        }

    def test_merged_headings(self, client):
        raw = workbook(
            ("Insured", "Carrier", "", "", ""),
            ("", "", "Premium", "Quote id", "Product"),
            ("Ana Fable", "Larkspur Mutual", 4100, "H-1", "Signature"),
            merge="C1:E1",
        )
        page = page_of(client, dropped(raw, "quotes.xlsx"))
        do(client, page, "import")
        line = Quote.objects.get().lines.get()
        assert (line.line, line.premium_annual, line.quote_ref) == ("home", 4100, "H-1")


class TestTemplate:
    @pytest.mark.parametrize("kind", ["csv", "xlsx"])
    def test_comes_back_without_a_problem(self, client, kind):
        answer = client.get(reverse("quotes:import_template", args=[kind]))
        assert answer["Content-Disposition"] == f'attachment; filename="quotes-template.{kind}"'
        raw = answer.content
        page = page_of(client, dropped(raw, f"template.{kind}"))
        assert page.context["preview"].problems == []
        assert "left out)" not in words(page)
        do(client, page, "import")
        insured = Insured.objects.get()
        assert insured.quotes.count() == len(QUOTES)
        assert all(quote.lines.count() == 3 for quote in insured.quotes.all())
        before = stored()
        assert "there is nothing to import" in words(page_of(client, dropped(template_csv())))
        assert stored() == before

    def test_another_kind_is_absent(self, client):
        assert client.get("/import/template.exe").status_code == 404


def test_a_broker_comes_to_it_from_the_list(client, people):
    assert f'href="{NEW}"' in client.get("/insureds/").content.decode()
    assert f'href="{NEW}"' not in signed_in(people["manager"]).get("/insureds/").content.decode()


def test_a_thousand_quotes_are_shown_in_part_and_imported_whole(client):
    rows = [
        (f"Household {n // 4}", *HOME[1:], f"Carrier {n % 4} Mutual", f"P-{n}", *LARKSPUR[6:])
        for n in range(1000)
    ]
    page = page_of(client, dropped(csv_of(*rows)))
    assert "and 800 more quotes" in words(page)
    do(client, page, "import")
    assert (Insured.objects.count(), Quote.objects.count()) == (250, 1000)


def test_an_insured_with_runs_keeps_what_they_sent(client, owner):
    from tests.factories import queued_run

    insured = import_example(owner=owner).insured
    run = queued_run(insured=insured, owner=owner)
    body = bytes(run.request_body or b"")
    quote = insured.quotes.first()
    assert quote is not None
    raw = csv_of(
        ("Marigold Fairweather", quote.carrier_name, quote.package_id, "1"),
        headings=("Insured", "Carrier", "Package id", "Home premium"),
    )
    do(client, page_of(client, dropped(raw)), "import")
    assert insured.quotes.get(pk=quote.pk).lines.get(line="home").premium_annual == 1
    run.refresh_from_db()
    assert bytes(run.request_body or b"") == body
